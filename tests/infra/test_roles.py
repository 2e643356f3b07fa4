"""Who may do what: found by walking every role, policy and secret of every stack."""

import fnmatch
import json

import pytest

from tests.infra.walking import resources, statements_of

pytestmark = pytest.mark.xdist_group("infra")
WITHOUT_SOURCE = {"ec2.amazonaws.com"}
"""Services that say nothing of whom they act for when they take a role."""


@pytest.fixture(params=["dev", "prod"])
def assembly(request, assemblies):
    return assemblies[request.param]


def test_every_role_that_a_service_takes_is_for_this_account_alone(assembly):
    roles = resources(assembly, "AWS::IAM::Role")
    assert len(roles) >= 7
    for name, role in roles.items():
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            services = statement["Principal"].get("Service")
            if services is None or services in WITHOUT_SOURCE:
                continue
            condition = json.dumps(statement.get("Condition", {}))
            assert "aws:SourceAccount" in condition or "aws:SourceArn" in condition, f"{name}: {services}"


def may_put(assembly, stack, key):
    """Whether a role of `stack` may write the object `key` of the models' bucket."""
    return any(
        fnmatch.fnmatchcase(key, resource["Fn::Join"][1][-1].lstrip("/"))
        for statement in statements_of(assembly, stack)
        if statement["Effect"] == "Allow" and "s3:PutObject" in json.dumps(statement["Action"])
        for resource in as_list(statement["Resource"])
    )


def as_list(value):
    return value if isinstance(value, list) else [value]


def test_a_training_job_publishes_versions_and_promotes_none(assembly):
    assert may_put(assembly, "Training", "models/bags/versions/v3/manifest.json")
    assert may_put(assembly, "Training", "runs/bags/checkpoint")
    for stack in ("Training", "Service", "Realtime", "Bulk", "DeployRole"):
        assert not may_put(assembly, stack, "models/bags/aliases.json"), stack
    for stack in ("Service", "Realtime", "Bulk", "DeployRole"):
        assert not may_put(assembly, stack, "models/bags/versions/v3/manifest.json"), stack


def test_a_second_try_meets_nothing_that_the_first_one_kept(assembly):
    """What is kept when a stack goes has no name of ours, and goes when its creation fails."""
    kept = 0
    for path in assembly.folder.glob("*.template.json"):
        for name, resource in json.loads(path.read_text())["Resources"].items():
            if not resource.get("DeletionPolicy", "Delete").startswith("Retain"):
                continue
            kept += 1
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
            named = {"Name", "BucketName", "RepositoryName", "LogGroupName", "TableName"} & set(
                resource["Properties"]
            )
            assert not named, f"{name}: {named}"
    assert kept >= 6


def test_hosts_keep_their_credentials_and_make_room_for_newer_ones(prod):
    launch = prod.one("Service", "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]
    assert launch["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert "ECS_AWSVPC_BLOCK_IMDS=true" in json.dumps(launch["UserData"])
    assert "resolve:ssm:" in json.dumps(launch["ImageId"]), (
        "the newest when a host starts, not when we deploy"
    )
    [hosts] = resources(prod, "AWS::AutoScaling::AutoScalingGroup").values()
    assert 86_400 <= hosts["MaxInstanceLifetime"] <= 30 * 86_400


def test_only_the_load_balancer_is_believed_about_addresses(assembly):
    task = assembly.one("Service", "AWS::ECS::TaskDefinition")
    variables = {e["Name"]: e["Value"] for e in task["ContainerDefinitions"][0]["Environment"]}
    assert "CidrBlock" in json.dumps(variables["FORWARDED_ALLOW_IPS"])


def test_the_proof_may_open_and_close_one_environments_balancer_and_nothing_else(assembly):
    [statement] = [
        each for each in statements_of(assembly, "DeployRole") if "SecurityGroup" in json.dumps(each)
    ]
    assert sorted(statement["Action"]) == [
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress",
    ]
    tags = statement["Condition"]["StringEquals"]
    assert tags["aws:ResourceTag/environment"] == assembly.environment


TAKE_NO_RESOURCE = {
    "cloudwatch:PutMetricData": "cloudwatch:namespace",
    "ecr:GetAuthorizationToken": "",
    "ecs:DiscoverPollEndpoint": "",
    "ecs:Poll": "ecs:cluster",
    "ecs:StartTelemetrySession": "ecs:cluster",
    "ecs:Submit*": "",
}
"""Actions that IAM knows no resource for, or that CDK binds to the cluster, each by this condition."""


def test_no_role_may_do_everything_or_something_to_everything(assembly):
    stacks = {name.split("/")[0].rsplit("-", 1)[1] for name in resources(assembly, "AWS::IAM::Role")}
    assert len(stacks) >= 6
    for stack in stacks:
        for statement in statements_of(assembly, stack):
            for action in as_list(statement["Action"]):
                service, _, verb = action.partition(":")
                assert service != "*", (stack, action)
                assert verb != "*", (stack, action)
                if statement["Resource"] == "*" and statement["Effect"] == "Allow":
                    bound = TAKE_NO_RESOURCE[action]
                    assert bound in json.dumps(statement.get("Condition", {})), (stack, action)


def test_every_function_that_cdk_brings_along_would_have_a_log_that_ends(assembly):
    functions = resources(assembly, "AWS::Lambda::Function")
    logs = resources(assembly, "AWS::Logs::LogGroup").values()
    for name, function in functions.items():
        assert json.dumps(function.get("LoggingConfig")) in map(json.dumps, logs), name
