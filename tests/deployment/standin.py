"""What stands for `cdk` and `docker` on PATH: notes its call, fails on demand, tells moto what came of it.

Run by a bare Python (no site, so it starts at once): NAME, then the arguments of the program.
"""

import json
import os
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request

REGION = os.environ["AWS_REGION"]
STORAGE = {
    "Resources": {
        "Models": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "ganymede-models"}},
        "Images": {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "images"}},
        "Agents": {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "agents"}},
    },
    "Outputs": {
        "Bucket": {"Value": {"Ref": "Models"}},
        "Repository": {"Value": {"Fn::Sub": "registry.test/${Images}"}},
        "AgentRepository": {"Value": {"Fn::Sub": "registry.test/${Agents}"}},
    },
}
SERVICE = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"Url": {"Value": "http://balancer.test"}, "RecordToMake": {"Value": "a CNAME b"}},
}
OTHER = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def ask(service, data, region=REGION, **headers):
    scope = f"Credential=x/20260101/{region}/{service}/aws4_request"
    headers["Authorization"] = f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=x"
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], data.encode(), headers)  # noqa: S310 - the stand-in on this machine
    with urllib.request.urlopen(request, timeout=300) as answer:  # noqa: S310 - the stand-in on this machine
        return answer.read().decode()


def ask_registry(action, **parameters):
    target = f"AmazonEC2ContainerRegistry_V20150921.{action}"
    said = ask(
        "ecr",
        json.dumps(parameters),
        **{"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"},
    )
    return json.loads(said)


def make_stack(name, region=REGION):
    # A name a deployment: AWS's own are made up at random.
    environment = "" if "-live-" in name or "-" not in name else name.split("-")[1]
    template = STORAGE if name.endswith("-Storage") else SERVICE if name.endswith("-Service") else OTHER
    if name.endswith("-Edge"):
        template = OTHER | {"Outputs": {"Url": {"Value": "https://edge.test"}}}
    body = json.dumps(template)
    for fixed in ("ganymede-models", '"images"', '"agents"'):
        body = body.replace(fixed, fixed[:-1] + environment + fixed[-1] if environment else fixed)
    query = {
        "Action": "CreateStack",
        "StackName": name,
        "TemplateBody": body,
        "Version": "2010-05-15",
    }
    try:
        ask("cloudformation", urllib.parse.urlencode(query), region)
    except urllib.error.HTTPError as error:
        if b"AlreadyExists" not in (said := error.read()):
            raise SystemExit(said.decode()) from None


def make_secret(environment):
    """What moto's CloudFormation does not know how to make."""
    tags = [{"Key": "project", "Value": "ganymede"}, {"Key": "environment", "Value": environment}]
    body = {"Name": f"keys-{environment}", "SecretString": "x", "Tags": tags, "ClientRequestToken": "x" * 32}
    header = {"X-Amz-Target": "secretsmanager.CreateSecret", "Content-Type": "application/x-amz-json-1.1"}
    try:
        ask("secretsmanager", json.dumps(body), **header)
    except urllib.error.HTTPError as error:
        error.close()


def run_cdk(words):
    if words[0] == "--version":
        print("2.1148.1 (build stand-in)")
    elif words[0] == "bootstrap":
        if "--app" not in words:  # the CDK runs cdk.json's app then, which refuses its placeholders
            sys.exit("github_repository is still the example's")
        make_stack("CDKToolkit", words[-1].rpartition("/")[2])
    elif words[0] == "deploy":
        for word in words:
            if word.startswith("Ganymede-") and "=" not in word:
                make_stack(word, "us-east-1" if word.endswith("-Edge") else REGION)
                if word.endswith("-Service"):
                    make_secret(word.split("-")[1])


def name_image(reference):
    repository, _, tag = reference.partition("/")[2].partition(":")
    return {"repositoryName": repository, "imageIds": [{"imageTag": tag}]}


def run_docker(words):
    if words[:2] == ["buildx", "inspect"]:
        print(f"Platforms: {os.environ.get('STANDIN_PLATFORMS', 'linux/amd64, linux/arm64')}")
    elif words[:2] == ["buildx", "build"] or words[:3] == ["buildx", "imagetools", "create"]:
        image = name_image(words[words.index("--tag") + 1])
        manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": {}, "layers": [], "for": words}
        )
        ask_registry(
            "PutImage",
            repositoryName=image["repositoryName"],
            imageTag=image["imageIds"][0]["imageTag"],
            imageManifest=manifest,
        )
    elif words[:3] == ["buildx", "imagetools", "inspect"]:
        if "MediaType" in words[-1]:
            print(MANIFEST)
        else:
            print(ask_registry("DescribeImages", **name_image(words[3]))["imageDetails"][0]["imageDigest"])


def main():
    program, *words = sys.argv[1:]
    given = sys.stdin.read() if words[:1] == ["login"] else ""
    with pathlib.Path(os.environ["STANDIN_CALLS"]).open("a") as calls:
        platform = os.environ.get("PLATFORM", "")
        calls.write(
            json.dumps({"program": program, "words": words, "given": given, "platform": platform}) + "\n"
        )
    failing = os.environ.get("STANDIN_FAILS", "")
    if failing and failing in " ".join([program, *words]):
        sys.exit(f"{program} was told to fail")
    {"cdk": run_cdk, "docker": run_docker}[program](words)


main()
