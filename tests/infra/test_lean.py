"""What `ganymede deploy aws` asks for, as the stacks understand it: the least, on ARM, spare, inside."""

import json
from pathlib import Path

import pytest

from ganymede.deployment.wishes import Wishes
from tests.infra.conftest import Assembly

LEAST = Wishes(
    name="live", region="eu-west-1", models=("mine", "other"), client_cidr="10.0.0.0/8", internal=True
)


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory, node: None) -> Assembly:
    """No part, no agent; on Graviton, on spare capacity, with a private load balancer."""
    import dataclasses

    from infra.app import make_app, read_given

    folder = tmp_path_factory.mktemp("cdk-lean")
    path = folder / "configuration.json"
    path.write_text(json.dumps(dataclasses.replace(LEAST, graviton=True, spot=True).configure()))
    make_app(context=read_given(path), outdir=str(folder / "out"), to_deploy=True).synth()
    return Assembly("live", folder / "out")


def stacks_of(assembly: Assembly) -> set[str]:
    return {path.name.partition(".")[0] for path in Path(assembly.folder).glob("*.template.json")}


def test_the_least_is_storage_network_and_service(lean):
    assert stacks_of(lean) == {f"Ganymede-live-{name}" for name in ("Storage", "Network", "Service")}
    assert stacks_of(lean) == {"Ganymede-live-Storage", *LEAST.stacks}


def test_an_edge_that_was_asked_for_is_one_that_the_stacks_take(tmp_path, node):
    import dataclasses

    from infra.app import make_app, read_given

    asked = dataclasses.replace(
        LEAST, internal=False, client_cidr="0.0.0.0/0", domain="a.test", hosted_zone_id="Z1",
        edge=True, edge_prefix_list="pl-0123abcd",
    )  # fmt: skip
    asked.refuse_contradictions()
    path = tmp_path / "configuration.json"
    path.write_text(json.dumps(asked.configure()))
    make_app(context=read_given(path), outdir=str(tmp_path / "out"), to_deploy=True).synth()
    made = Assembly("live", tmp_path / "out")
    assert stacks_of(made) == {"Ganymede-live-Storage", *asked.stacks}
    assert "Ganymede-live-Edge" in asked.stacks


def test_graviton_is_told_to_fargate_and_spare_capacity_to_the_service(lean):
    task = lean.one("Service", "AWS::ECS::TaskDefinition")
    assert task["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}
    service = lean.one("Service", "AWS::ECS::Service")
    assert [each["CapacityProvider"] for each in service["CapacityProviderStrategy"]] == ["FARGATE_SPOT"]
    assert "LaunchType" not in service


def test_a_task_without_the_agent_has_one_container_and_scales_by_cpu_alone(lean):
    [container] = lean.one("Service", "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    variables = {each["Name"]: each["Value"] for each in container["Environment"]}
    assert variables["GANYMEDE_DEFAULT_MODEL"] == "mine"
    [policy] = lean.find("Service", "AWS::ApplicationAutoScaling::ScalingPolicy")
    metric = policy["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]
    assert metric["PredefinedMetricType"] == "ECSServiceAverageCPUUtilization"
    assert "AgentImageDigest" not in lean.template("Service")["Parameters"]


def test_an_internal_load_balancer_has_private_addresses_alone(lean):
    balancer = lean.one("Service", "AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert balancer["Scheme"] == "internal"
    assert "privateSubnet" in json.dumps(balancer["Subnets"])
    assert "publicSubnet" not in json.dumps(balancer["Subnets"])


def test_a_placeholder_is_one_line_that_names_the_value(tmp_path, capsys, monkeypatch, node):
    import dataclasses

    from infra import app

    path = tmp_path / "configuration.json"
    for wishes, said in (
        (
            dataclasses.replace(LEAST, github="YOUR-ORGANISATION/YOUR-REPOSITORY"),
            "github_repository is still",
        ),
        (dataclasses.replace(LEAST, default_model="No Name"), "default_model String should match"),
    ):
        path.write_text(json.dumps(wishes.configure()))
        monkeypatch.setattr("sys.argv", ["infra.app", "--configuration", str(path)])
        with pytest.raises(SystemExit) as leaving:
            app.main()
        assert said in str(leaving.value)
        assert "\n" not in str(leaving.value)
