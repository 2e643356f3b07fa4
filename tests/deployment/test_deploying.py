"""The one command from an empty account to an API: its order, what it costs, how it goes on, how it ends."""

import hashlib
import json

import pytest

from foundation.store import open_store
from ganymede.deployment import account as accounts
from ganymede.deployment.steps import KEY_NAME
from service.access.keys import parse_keys
from tests.deployment.conftest import REGION, Machine
from tests.tiny_models import TinyModel, publish_tiny_model

STACKS = {"CDKToolkit", "Ganymede-live-Storage", "Ganymede-live-Network", "Ganymede-live-Service"}


def parameters_of(words: list[str]) -> dict[str, str]:
    pairs = [words[at + 1].partition("=") for at, word in enumerate(words) if word == "--parameters"]
    return {name: value for name, _, value in pairs}


def test_one_command_makes_an_api_in_an_empty_account(machine: Machine):
    result = machine.deploy()
    assert result.exit_code == 0, result.output
    assert machine.stacks() == STACKS
    order = [" ".join([call["program"], *call["words"][:3]]) for call in machine.calls]
    steps = ["cdk bootstrap", "cdk deploy", "docker login", "docker buildx build", "cdk deploy"]
    positions = [next(at for at, said in enumerate(order) if said.startswith(step)) for step in steps[:-1]]
    positions.append(max(at for at, said in enumerate(order) if said.startswith("cdk deploy")))
    assert positions == sorted(positions), order
    [storage, service] = machine.asked("cdk", "deploy")
    assert "Ganymede-live-Storage" in storage
    assert "Ganymede-live-Service" not in storage
    assert "http://balancer.test" in result.output
    [made] = machine.client("ecr").describe_images(repositoryName="images")["imageDetails"]
    given = parameters_of(service)
    assert given["Ganymede-live-Service:ImageDigest"] == made["imageDigest"]
    [login] = [call for call in machine.calls if call["words"][:1] == ["login"]]
    assert login["given"]
    assert login["given"] not in " ".join(login["words"])
    check_key(machine, result.output)
    check_bucket("mine", "v1")


def check_key(machine: Machine, output: str) -> None:
    """The account gets the hash of the key that is shown, and nobody else the key."""
    [_, service] = machine.asked("cdk", "deploy")
    entry = parameters_of(service)["Ganymede-live-Service:ApiKeyEntries"]
    [key] = {word.strip('"') for word in output.split() if word.startswith("gmd_")}
    assert parse_keys(entry)[KEY_NAME].digest == hashlib.sha256(key.encode()).digest()
    assert key not in json.dumps(machine.calls)


def check_bucket(model: str, version: str) -> None:
    """The model lies in the bucket, whole and in production."""
    store = open_store("s3://ganymede-models/models")
    assert store.versions(model) == [version]
    assert store.aliases(model).entries["production"].version == version
    assert store.read(store.manifest(model, version), "generator.onnx")


def test_nothing_is_made_before_the_question_is_answered(machine: Machine):
    result = machine.deploy(answer="n\n")
    assert result.exit_code == 1
    assert "Deploy?" in result.output
    assert "Load balancer" in result.output
    assert machine.stacks() == set()
    assert not machine.asked("cdk", "deploy")
    assert not machine.asked("cdk", "bootstrap")
    assert not machine.asked("docker", "login")


@pytest.mark.parametrize(
    ("step", "named", "left"),
    [
        ("buildx build", "Building the image", {"CDKToolkit", "Ganymede-live-Storage"}),
        ("Ganymede-live-Service", "Making the service", {"CDKToolkit", "Ganymede-live-Storage"}),
    ],
)
def test_a_step_that_fails_is_named_and_the_same_command_goes_on_from_there(
    machine: Machine, step, named, left
):
    machine.patch.setenv("STANDIN_FAILS", step)
    failed = machine.deploy()
    assert failed.exit_code == 1
    said = str(failed.exception)
    assert named in said
    assert "run the same command again" in said
    assert machine.stacks() == left
    machine.patch.delenv("STANDIN_FAILS")
    again = machine.deploy()
    assert again.exit_code == 0, again.output
    assert machine.stacks() == STACKS
    assert len(machine.asked("cdk", "bootstrap")) == 1
    assert "gmd_" in again.output


def test_a_second_run_builds_nothing_anew_and_keeps_the_key(machine: Machine):
    machine.deploy()
    builds = len(machine.asked("docker", "build"))
    again = machine.deploy()
    assert again.exit_code == 0, again.output
    assert len(machine.asked("docker", "build")) == builds == 1
    assert "gmd_" not in again.output
    last = parameters_of(machine.asked("cdk", "deploy")[-1])
    assert list(last) == ["Ganymede-live-Service:ImageDigest"]
    assert configuration(machine)["parts"] == []
    fresh = machine.deploy("--new-key")
    assert "gmd_" in fresh.output


def test_two_models_are_served_one_where_none_is_named_and_an_agent_is_copied(machine: Machine):
    publish_tiny_model(machine.folder / "models", TinyModel(name="other", version="v7"))
    flags = ("--default-model", "other", "--agent-image", "gallery.test/agent:1")
    result = machine.deploy(*flags, models=("mine", "other@v7"))
    assert result.exit_code == 0, result.output
    assert open_store("s3://ganymede-models/models").models() == ["mine", "other"]
    check_bucket("other", "v7")
    assert configuration(machine)["default_model"] == "other"
    [copied] = machine.asked("docker", "create")
    assert copied[-1] == "gallery.test/agent:1"
    assert configuration(machine)["metrics_agent"] is True
    [image] = machine.client("ecr").describe_images(repositoryName="agents")["imageDetails"]
    given = parameters_of(machine.asked("cdk", "deploy")[-1])
    assert given["Ganymede-live-Service:AgentImageDigest"] == image["imageDigest"]


def configuration(machine: Machine) -> dict[str, object]:
    return json.loads((machine.folder / "configuration.json").read_text())


def test_graviton_builds_for_arm_by_a_builder_that_runs_nothing_of_it_and_tells_the_task(machine: Machine):
    machine.patch.setenv("STANDIN_PLATFORMS", "linux/amd64, linux/386")
    result = machine.deploy("--graviton", "--spot", "--size", "small", answer="y\n")
    assert result.exit_code == 0, result.output
    assert configuration(machine)["graviton"] is True
    assert configuration(machine)["spot"] is True
    [build] = machine.asked("docker", "build")
    assert build[build.index("--platform") + 1] == "linux/arm64"
    assert "Graviton, spot" in result.output


def test_sagemaker_bulk_github_and_alarms_come_with_their_flags_alone(machine: Machine):
    flags = ("--sagemaker", "--bulk", "--github", "me/pictures", "--alerts", "me@pictures.test")
    result = machine.deploy(*flags, "--name", "second")
    assert result.exit_code == 0, result.output
    words = machine.asked("cdk", "deploy")[-1]
    optional = {"Realtime", "Bulk", "Training", "DeployRole", "Observability", "Budget"}
    assert {f"Ganymede-second-{name}" for name in optional} <= set(words)
    assert parameters_of(words)["Ganymede-second-Bulk:ModelVersion"] == "mine@v1"


def test_a_domain_in_a_zone_of_the_account_is_open_to_everyone_by_tls(machine: Machine):
    zone = machine.client("route53").create_hosted_zone(Name="pictures.test.", CallerReference="x")
    result = machine.deploy("--domain", "api.pictures.test", clients=None)
    assert result.exit_code == 0, result.output
    made = configuration(machine)
    assert zone["HostedZone"]["Id"].endswith(str(made["hosted_zone_id"]))
    assert made["client_cidr"] == "0.0.0.0/0"


def test_the_edge_stands_in_cloudfronts_region_in_front_of_the_domain_and_goes_first(machine: Machine):
    machine.client("route53").create_hosted_zone(Name="pictures.test.", CallerReference="x")
    result = machine.deploy("--domain", "api.pictures.test", "--edge", clients=None)
    assert result.exit_code == 0, result.output
    assert configuration(machine)["edge"] is True
    assert str(configuration(machine)["edge_prefix_list"]).startswith("pl-")
    assert "https://edge.test/generate" in result.output
    assert machine.stacks("us-east-1") == {"CDKToolkit", "Ganymede-live-Edge"}
    assert machine.stacks() == STACKS
    assert "firewall" in result.output
    gone = machine.destroy()
    assert gone.exit_code == 0, gone.output
    assert gone.output.index("Deleting Ganymede-live-Edge") < gone.output.index("Deleting Ganymede-live-Serv")
    assert machine.stacks("us-east-1") == {"CDKToolkit"}


def test_destroying_asks_and_says_what_stays(machine: Machine):
    machine.deploy()
    asked = machine.destroy(answer="n\n")
    assert asked.exit_code == 1
    assert machine.stacks() == STACKS
    for kept in ("s3://ganymede-models", "ecr delete-repository", "delete-secret", "Ganymede-live-Storage"):
        assert kept in asked.output
    done = machine.destroy()
    assert done.exit_code == 0, done.output
    assert machine.stacks() == {"CDKToolkit", "Ganymede-live-Storage"}
    check_bucket("mine", "v1")
    again = machine.deploy()
    assert again.exit_code == 0, again.output
    assert machine.stacks() == STACKS
    assert "gmd_" in again.output


def test_a_load_balancer_that_is_protected_goes_all_the_same(machine: Machine):
    """As that of an environment called prod is."""
    ec2, balancers = machine.client("ec2"), machine.client("elbv2")
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]][:2]
    attributes = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    balancer = {"Subnets": subnets, "Name": "front", "LoadBalancerAttributes": attributes}
    kind = "AWS::ElasticLoadBalancingV2::LoadBalancer"
    template = {"Resources": {"Front": {"Type": kind, "Properties": balancer}}}
    name = "Ganymede-prod-Service"
    machine.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
    [made] = balancers.describe_load_balancers()["LoadBalancers"]
    balancers.modify_load_balancer_attributes(LoadBalancerArn=made["LoadBalancerArn"], Attributes=attributes)
    deleted = []

    def refuse_what_is_protected(self, stack):  # as AWS does, and moto does not
        asked = balancers.describe_load_balancer_attributes(LoadBalancerArn=made["LoadBalancerArn"])
        assert {"Key": "deletion_protection.enabled", "Value": "false"} in asked["Attributes"]
        deleted.append(stack)

    machine.patch.setattr(accounts.Account, "delete_stack", refuse_what_is_protected)
    done = machine.destroy("--name", "prod")
    assert done.exit_code == 0, (done.output, done.exception)
    assert deleted == [name]


def test_destroying_what_is_not_there_says_so(machine: Machine):
    done = machine.destroy("--name", "nothing")
    assert done.exit_code == 0
    assert f"There is no deployment nothing in {REGION}" in done.output
