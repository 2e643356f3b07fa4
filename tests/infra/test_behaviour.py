"""What the templates do, not what they say: found by walking every resource of every stack."""

import fnmatch
import itertools
import json
import re

import pytest

from infra.app import read_context
from infra.configuration import MAX_QUEUE_IMAGES, Configuration
from infra.instances import INFERENCE_AMI, INFERENCE_AMI_CUDA
from infra.stacks import ecs_service, sagemaker_realtime
from service.application import create_app
from service.http.telemetry import JsonFormatter, record_request
from service.http.worked import forget_work, note_work
from service.metrics import Metrics
from service.settings import Settings
from tests.conftest import REPOSITORY
from tests.infra.walking import resources

pytestmark = pytest.mark.xdist_group("infra")


@pytest.fixture(params=["dev", "prod"])
def assembly(request, assemblies):
    return assemblies[request.param]


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


LIMITS = {
    "ganymede_queue_images": MAX_QUEUE_IMAGES,
    "HasBacklogWithoutCapacity": 1,
}
"""The most that can be reported of a metric."""


def test_each_alarm_stands_where_what_it_watches_can_come(assembly):
    found = resources(assembly, "AWS::CloudWatch::Alarm")
    assert len(found) >= 9
    for name, alarm in found.items():
        metric, text = alarm.get("MetricName"), json.dumps(alarm.get("Metrics", ""))
        most = LIMITS.get(metric, float("inf"))
        if "100 *" in text:
            most = 100
        match alarm["ComparisonOperator"]:
            case "GreaterThanThreshold":
                assert 0 <= alarm["Threshold"] < most, name
            case "GreaterThanOrEqualToThreshold":
                assert 0 < alarm["Threshold"] <= most, name
            case "LessThanThreshold":
                assert alarm["Threshold"] > 0, name
            case other:
                raise AssertionError(f"{name}: {other}")
        assert alarm.get("DatapointsToAlarm", 1) <= alarm["EvaluationPeriods"], name


def test_what_counts_as_slow_is_answered_at_all(assembly):
    """What takes longer than a request may is a 504, which the other alarm counts."""
    assert 0 < ecs_service.SLOW_S < Settings().request_timeout_s
    assert 0 < sagemaker_realtime.SLOW_S < sagemaker_realtime.REQUEST_TIMEOUT_S


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


def test_no_answer_carries_a_cookie_of_the_balancers(assembly):
    for path in ("/ui", "/ui/assets/0a/main.js", "/images/m@v1/7.png", "/generate", "/latent-walk"):
        assert attributes_of(assembly, path)["stickiness.enabled"] == "false", path


def rules(assembly):
    found = resources(assembly, "AWS::ElasticLoadBalancingV2::ListenerRule").values()
    return sorted(found, key=lambda rule: rule["Priority"])


def target_group(assembly, path):
    """The logical name of the target group that the balancer sends `path` to."""
    listeners = resources(assembly, "AWS::ElasticLoadBalancingV2::Listener").values()
    [default] = [a for each in listeners for a in each["DefaultActions"] if a["Type"] == "forward"]
    for rule in rules(assembly):
        patterns = rule["Conditions"][0]["PathPatternConfig"]["Values"]
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns):
            default = rule["Actions"][0]
            break
    return default["TargetGroupArn"]["Ref"]


def attributes_of(assembly, path):
    group = assembly.template("Service")["Resources"][target_group(assembly, path)]["Properties"]
    return {each["Key"]: each["Value"] for each in group["TargetGroupAttributes"]}


def slow_alarms(assembly):
    """The alarms on the time of answers: each, its expression, and the patterns that count for it."""
    filters = resources(assembly, "AWS::Logs::MetricFilter").values()
    found = {}
    for name, alarm in resources(assembly, "AWS::CloudWatch::Alarm").items():
        if "Slowness" in name:
            named = {each["Id"]: each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each}
            [share] = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
            found[name] = alarm, share, {id: count_by(filters, stat) for id, stat in named.items()}
    return found


def count_by(filters, stat):
    """The pattern behind a metric, which counts every line that it matches once."""
    assert stat["Stat"] == "Sum"
    metric = stat["Metric"]
    [pattern] = [
        each["FilterPattern"]
        for each in filters
        for made in each["MetricTransformations"]
        if (made["MetricNamespace"], made["MetricName"], made["MetricValue"])
        == (metric["Namespace"], metric["MetricName"], "1")
    ]
    return pattern


def matches(pattern, line):
    """Whether CloudWatch's JSON pattern, comparisons that must all hold, matches a line of the log."""
    clauses = re.findall(r"\(\$\.(\w+) (<=|>) ([\d.]+)\)", pattern)
    assert re.sub(r"\(\$\.\w+ (?:<=|>) [\d.]+\)", "", pattern).replace("&&", "").split() == ["{", "}"]
    entry = json.loads(line)
    return all(
        field in entry and (entry[field] <= float(n) if sign == "<=" else entry[field] > float(n))
        for field, sign, n in clauses
    )


def log_line(images, work_s, *, seconds=None, pixels=784, caplog):
    """The line that the service writes of a request with pictures, or of one with none."""
    forget_work()
    if images:
        note_work(images, images * pixels, work_s)
    caplog.clear()
    with caplog.at_level("INFO", logger="service.requests"):
        scope = {"method": "POST", "path": "/generate", "ganymede.route": "/generate"}
        record_request(Metrics(), scope, 200, work_s if seconds is None else seconds)
    [record] = caplog.records
    return JsonFormatter().format(record)


def test_no_large_answer_and_no_slow_client_counts_as_a_slow_release(assembly, caplog):
    def write(*arguments, **named):
        return log_line(*arguments, **named, caplog=caplog)

    prompt = [write(number, 0.1) for number in (1, 4, 16)]
    large = [
        write(1024, 25.0),
        write(17, 25.0),
        write(16, 25.0, pixels=4096 * 784),
        write(0, 29.0),  # a walk, or a projection
        write(4, 0.1, seconds=55.0),  # its client sent its body, or read its answer, slowly
    ]
    slow = [write(16, 25.0), write(1, 25.0)]
    found = slow_alarms(assembly)
    assert {name.split("/")[0].rsplit("-", 1)[1] for name in found} == {"Service", "Realtime"}
    for name, (alarm, share, patterns) in found.items():
        assert share == "100 * FILL(slow, 0) / small", name
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
        for lines, expected in ((prompt + large, 0), (prompt + slow, 2), (prompt, 0)):
            counts = {id: sum(matches(pattern, line) for line in lines) for id, pattern in patterns.items()}
            assert counts["slow"] == expected, name
            assert (100 * counts["slow"] / counts["small"] > alarm["Threshold"]) == bool(expected), name
        assert not any(matches(pattern, line) for pattern in patterns.values() for line in large[:4])


def test_what_takes_long_because_it_is_large_has_target_groups_of_its_own(assembly):
    pictures = target_group(assembly, "/generate")
    assert target_group(assembly, "/images/m@v1/7.png") == pictures
    for path in ("/latent-walk", "/project", "/ui/gradio_api/queue/join"):
        assert target_group(assembly, path) != pictures


def test_no_alarm_goes_by_the_time_of_all_requests(assembly):
    text = json.dumps(list(resources(assembly, "AWS::CloudWatch::Alarm").values()))
    for metric in ("TargetResponseTime", "ModelLatency", "OverheadLatency"):
        assert metric not in text


def test_each_filter_reads_the_log_that_its_container_writes(assembly):
    """A name that is spelt otherwise, or a group of another stack, would count nothing for ever."""
    filters = resources(assembly, "AWS::Logs::MetricFilter")
    assert len(filters) == 4
    for name, each in filters.items():
        stack = name.split("/")[0].rsplit("-", 1)[1]
        groups = {
            logical
            for logical, resource in assembly.template(stack)["Resources"].items()
            if resource["Type"] == "AWS::Logs::LogGroup"
        }
        assert groups == {each["LogGroupName"]["Ref"]}, name
    task = assembly.one("Service", "AWS::ECS::TaskDefinition")
    options = task["ContainerDefinitions"][0]["LogConfiguration"]["Options"]
    assert options["awslogs-group"] == filters[next(n for n in filters if "Service" in n)]["LogGroupName"]
    assert re.search(r"GANYMEDE_LOG_FORMAT=json", (REPOSITORY / "Dockerfile").read_text())


def test_a_task_that_ends_is_out_of_the_balance_before_its_listener_closes(assembly):
    task = assembly.one("Service", "AWS::ECS::TaskDefinition")
    [service] = [each for each in task["ContainerDefinitions"] if each["Name"] == "service"]
    variables = {e["Name"]: e["Value"] for e in service["Environment"]}
    lame_s, drain_s = (float(variables[f"GANYMEDE_{name}_S"]) for name in ("LAME_DUCK", "DRAIN_TIMEOUT"))
    for group in resources(assembly, "AWS::ElasticLoadBalancingV2::TargetGroup").values():
        checks_s = group["HealthCheckIntervalSeconds"] * group["UnhealthyThresholdCount"]
        assert lame_s >= checks_s + group["HealthCheckTimeoutSeconds"]
    assert service["StopTimeout"] > lame_s + drain_s + 3
    for stack in ("Realtime", "Bulk"):
        variables = assembly.one(stack, "AWS::SageMaker::Model")["PrimaryContainer"]["Environment"]
        lame_s, drain_s = (float(variables[f"GANYMEDE_{name}_S"]) for name in ("LAME_DUCK", "DRAIN_TIMEOUT"))
        assert 0 < lame_s + drain_s + 3 < 30


def test_an_endpoint_serves_one_published_version_which_a_deployment_names(assembly):
    for stack in ("Realtime", "Bulk"):
        template = assembly.template(stack)
        pattern = re.compile(template["Parameters"]["ModelVersion"]["AllowedPattern"])
        assert pattern.fullmatch("fashion@v2")
        for text in ("fashion", "fashion@", "a@b@c", "../x@v1", "a/b@v1"):
            assert not pattern.fullmatch(text), text
        container = assembly.one(stack, "AWS::SageMaker::Model")["PrimaryContainer"]
        uri = json.dumps(container["ModelDataSource"]["S3DataSource"]["S3Uri"])
        assert uri.count('"ModelVersion"') == 2, "its prefix alone, by model and version"
        assert "/versions/" in uri
        assert container["Environment"]["GANYMEDE_MODELS"] == "/opt/ml/model"


def test_a_gpu_endpoint_has_a_driver_for_the_images_cuda(prod, dev):
    needed = re.search(
        r"^nvidia-cuda-runtime==(\d+)\.",
        (REPOSITORY / "requirements/image-gpu.txt").read_text(),
        re.MULTILINE,
    )
    assert needed
    assert int(needed[1]) == INFERENCE_AMI_CUDA
    for configuration in resources(prod, "AWS::SageMaker::EndpointConfig").values():
        [variant] = configuration["ProductionVariants"]
        assert variant["InferenceAmiVersion"] == INFERENCE_AMI
    for configuration in resources(dev, "AWS::SageMaker::EndpointConfig").values():
        assert "InferenceAmiVersion" not in configuration["ProductionVariants"][0]


def test_a_canary_is_one_of_several_instances(assembly):
    [target] = [
        each
        for name, each in resources(assembly, "AWS::ApplicationAutoScaling::ScalableTarget").items()
        if "Realtime" in name
    ]
    endpoint = assembly.one("Realtime", "AWS::SageMaker::Endpoint")
    kind = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"]
    assert (kind == "CANARY") == (target["MinCapacity"] > 1)
    variant = assembly.one("Realtime", "AWS::SageMaker::EndpointConfig")["ProductionVariants"][0]
    assert variant["InitialInstanceCount"] == target["MinCapacity"]


def test_instances_are_added_at_half_of_the_measured_rate(assembly):
    measured = read_context("dev")["environments"][assembly.environment]["realtime_requests_per_s"]
    policy = assembly.one("Realtime", "AWS::ApplicationAutoScaling::ScalingPolicy")
    target = policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
    assert target == measured * 60 / 2


def test_every_log_ends(assembly):
    groups = resources(assembly, "AWS::Logs::LogGroup")
    for name, group in groups.items():
        assert group["RetentionInDays"] <= 365, name
    named = {group.get("LogGroupName") for group in groups.values()}
    for endpoint in resources(assembly, "AWS::SageMaker::Endpoint").values():
        assert f"/aws/sagemaker/Endpoints/{endpoint['EndpointName']}" in named


def test_orders_and_answers_expire_and_models_do_not(assembly):
    [bucket] = [
        each for each in resources(assembly, "AWS::S3::Bucket").values() if "VersioningConfiguration" in each
    ]
    expiring = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in rule]
    assert [rule["Prefix"] for rule in expiring] == ["bulk/"]
    bulk = assembly.one("Bulk", "AWS::SageMaker::EndpointConfig")["AsyncInferenceConfig"]["OutputConfig"]
    for path in (bulk["S3OutputPath"], bulk["S3FailurePath"]):
        assert "/bulk/" in json.dumps(path)


def test_the_repository_counts_releases_and_not_what_is_attached_to_them(assembly):
    for repository in resources(assembly, "AWS::ECR::Repository").values():
        policy = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])
        for rule in policy["rules"]:
            assert rule["selection"]["tagPatternList"] == ["release-*"]
            assert rule["selection"]["countNumber"] >= 50


SPELLINGS = [
    "/" + "".join(pair)
    for pair in itertools.product(*((letter, f"%{ord(letter):02x}") for letter in "metrics"))
]
"""Of `/metrics`: each letter as it is or escaped."""


def test_no_spelling_of_metrics_passes_the_balancer(assembly):
    rule = rules(assembly)[0]
    assert rule["Actions"][0]["Type"] == "fixed-response"
    patterns = rule["Conditions"][0]["PathPatternConfig"]["Values"]
    for path in (*SPELLINGS, "/%6Detric%73", "/metrics/", "/metrics;a", "/%2e%2e/metrics", "/%2fmetrics"):
        assert any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns), path


def test_the_rule_that_hides_metrics_hides_nothing_else_and_is_one_that_a_balancer_takes(assembly):
    patterns = rules(assembly)[0]["Conditions"][0]["PathPatternConfig"]["Values"]
    assert len(patterns) <= 5, "values a rule"
    assert "".join(patterns).count("*") <= 6, "wildcards a rule"
    paths = {*create_app(Settings()).openapi()["paths"], "/", "/ui", "/docs", "/openapi.json"} - {"/metrics"}
    assert "/models/{name}" in paths
    assert not [p for p in paths if any(fnmatch.fnmatchcase(p, pattern) for pattern in patterns)]


@pytest.mark.parametrize("name", ["domain", "certificate_arn"])
def test_nor_with_a_domain_of_the_example(name):
    values = read_context("prod")["environments"]["prod"] | {"environment": "prod"}
    own = {
        "github_repository": "somebody/pictures",
        "alert_email": "somebody@pictures.test",
        "domain": "pictures.test",
        "certificate_arn": "arn:aws:acm:eu-central-1:222222222222:certificate/1",
    }
    Configuration.model_validate(values | own).require_own_values()
    with pytest.raises(ValueError, match=name):
        Configuration.model_validate(values | own | {name: values[name]}).require_own_values()


@pytest.mark.parametrize("name", ["github_repository", "alert_email"])
def test_nothing_is_deployed_with_a_value_of_the_example(name):
    values = read_context("dev")["environments"]["dev"] | {"environment": "dev"}
    own = {"github_repository": "somebody/pictures", "alert_email": "somebody@pictures.test"}
    Configuration.model_validate(values | own).require_own_values()
    with pytest.raises(ValueError, match=name):
        Configuration.model_validate(values | own | {name: values[name]}).require_own_values()
