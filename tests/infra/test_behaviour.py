"""What the templates do, not what they say: found by walking every resource of every stack."""

import fnmatch
import json
from typing import Any

import pytest

from infra.app import read_context
from infra.configuration import MAX_QUEUE_IMAGES, Configuration

pytestmark = pytest.mark.xdist_group("infra")


@pytest.fixture(params=["dev", "prod"])
def assembly(request, assemblies):
    return assemblies[request.param]


def resources(assembly, kind: str) -> dict[str, dict[str, Any]]:
    """The properties of all resources of `kind` in all stacks, by stack and logical name."""
    return {
        f"{path.name.split('.')[0]}/{name}": each.get("Properties", {})
        for path in assembly.folder.glob("*.template.json")
        for name, each in json.loads(path.read_text())["Resources"].items()
        if each["Type"] == kind
    }


def test_cloudwatch_may_publish_to_every_topic_that_an_alarm_names(assembly):
    topics = set(resources(assembly, "AWS::SNS::Topic"))
    named = {
        action["Ref"]
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        for alarm in resources(assembly, kind).values()
        for action in (*alarm.get("AlarmActions", ()), *alarm.get("OKActions", ()))
    } & {topic.split("/")[1] for topic in topics}
    assert named
    allowed = {
        topic["Ref"]
        for policy in resources(assembly, "AWS::SNS::TopicPolicy").values()
        for topic in policy["Topics"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        and statement["Action"] == "sns:Publish"
        and "aws:SourceAccount" in json.dumps(statement["Condition"])
    }
    assert named <= allowed


def test_no_scaling_policy_can_take_the_last_instance_from_what_is_busy(assembly):
    policies = resources(assembly, "AWS::ApplicationAutoScaling::ScalingPolicy")
    assert policies
    for name, policy in policies.items():
        steps = policy.get("StepScalingPolicyConfiguration", {})
        if steps.get("AdjustmentType") == "ExactCapacity":
            assert all(step["ScalingAdjustment"] > 0 for step in steps["StepAdjustments"]), name


def test_the_queue_alarm_stands_below_what_a_task_can_report(assembly):
    alarms = resources(assembly, "AWS::CloudWatch::Alarm").items()
    [queue] = [alarm for name, alarm in alarms if "Observability/Queue" in name]
    task = assembly.one("Service", "AWS::ECS::TaskDefinition")
    variables = {e["Name"]: e["Value"] for e in task["ContainerDefinitions"][0]["Environment"]}
    assert int(variables["GANYMEDE_MAX_QUEUE_IMAGES"]) == MAX_QUEUE_IMAGES
    assert 0 < queue["Threshold"] <= MAX_QUEUE_IMAGES // 2
    assert queue["ComparisonOperator"] == "GreaterThanThreshold"


def test_a_service_without_a_single_task_raises_an_alarm(assembly):
    alarms = resources(assembly, "AWS::CloudWatch::Alarm").values()
    [refused] = [alarm for alarm in alarms if alarm.get("MetricName") == "HTTPCode_ELB_5XX_Count"]
    [healthy] = [alarm for alarm in alarms if alarm.get("MetricName") == "HealthyHostCount"]
    assert refused["ComparisonOperator"] == "GreaterThanThreshold"
    assert healthy["ComparisonOperator"] == "LessThanThreshold"
    assert healthy["TreatMissingData"] == "breaching"
    assert healthy["Threshold"] >= 1


def test_a_release_keeps_the_capacity_that_scaling_chose(assembly):
    [service] = resources(assembly, "AWS::ECS::Service").values()
    assert "DesiredCount" not in service
    for endpoint in resources(assembly, "AWS::SageMaker::Endpoint").values():
        assert endpoint["RetainAllVariantProperties"] is True


def test_a_browser_comes_back_to_the_task_that_drew_its_page(assembly):
    targets = assembly.one("Service", "AWS::ElasticLoadBalancingV2::TargetGroup")
    attributes = {each["Key"]: each["Value"] for each in targets["TargetGroupAttributes"]}
    assert attributes["stickiness.enabled"] == "true"


@pytest.mark.parametrize("path", ["/metrics", "/%6detrics", "/%6Detric%73"])
def test_no_spelling_of_metrics_passes_the_balancer(assembly, path):
    rule = assembly.one("Service", "AWS::ElasticLoadBalancingV2::ListenerRule")
    patterns = rule["Conditions"][0]["PathPatternConfig"]["Values"]
    assert any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


@pytest.mark.parametrize("name", ["github_repository", "alert_email"])
def test_nothing_is_deployed_with_a_value_of_the_example(name):
    values = read_context("dev")["environments"]["dev"] | {"environment": "dev"}
    own = {"github_repository": "somebody/pictures", "alert_email": "somebody@pictures.test"}
    Configuration.model_validate(values | own).require_own_values()
    with pytest.raises(ValueError, match=name):
        Configuration.model_validate(values | own | {name: values[name]}).require_own_values()
