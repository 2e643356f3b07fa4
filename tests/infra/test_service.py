import json
import re
from fnmatch import fnmatchcase

import pytest

from infra.constructs.task import WRITABLE

pytestmark = pytest.mark.xdist_group("infra")


@pytest.fixture(params=["dev", "prod"])
def assembly(request, assemblies):
    return assemblies[request.param]


def container(assembly, name="service"):
    task = assembly.one("Service", "AWS::ECS::TaskDefinition")
    return next(each for each in task["ContainerDefinitions"] if each["Name"] == name)


def test_the_container_is_read_only_but_for_two_folders_and_has_time_to_drain(assembly):
    service = container(assembly)
    assert service["ReadonlyRootFilesystem"] is True
    assert [mount["ContainerPath"] for mount in service["MountPoints"]] == list(WRITABLE.values())
    drain_s = int({e["Name"]: e["Value"] for e in service["Environment"]}["GANYMEDE_DRAIN_TIMEOUT_S"])
    assert service["StopTimeout"] > drain_s
    for targets in assembly.find("Service", "AWS::ElasticLoadBalancingV2::TargetGroup"):
        attributes = {a["Key"]: a["Value"] for a in targets["TargetGroupAttributes"]}
        assert int(attributes["deregistration_delay.timeout_seconds"]) >= drain_s


def test_the_image_is_a_digest_given_at_deployment(assembly):
    assert "ImageDigest" in json.dumps(container(assembly)["Image"])
    parameter = assembly.template("Service")["Parameters"]["ImageDigest"]
    assert parameter["AllowedPattern"] == "^sha256:[0-9a-f]{64}$"
    assert "Default" not in parameter


def test_api_keys_come_as_a_secret_and_no_variable_holds_one(assembly):
    service = container(assembly)
    assert [s["Name"] for s in service["Secrets"]] == ["GANYMEDE_API_KEYS", "GANYMEDE_URL_SIGNING_KEYS"]
    assert "KEY" not in json.dumps([e["Name"] for e in service["Environment"]])


def test_no_stack_can_be_made_without_an_api_key(assembly):
    parameter = assembly.template("Service")["Parameters"]["ApiKeyEntries"]
    assert parameter["NoEcho"] is True
    assert "Default" not in parameter
    made = re.compile(parameter["AllowedPattern"])
    assert made.fullmatch(f"alice:{64 * 'a'},bob:{64 * '0'}")
    assert made.fullmatch(f"alice:{64 * 'a'}:rate_images_per_s=2.5:quota_images_per_day=none,bob:{64 * '0'}")
    assert not made.fullmatch("alice:secret")
    assert not made.fullmatch(f"alice:{64 * 'a'}:secret")


def test_the_load_balancer_asks_readyz(assembly):
    groups = assembly.find("Service", "AWS::ElasticLoadBalancingV2::TargetGroup")
    assert groups
    for targets in groups:
        assert targets["HealthCheckPath"] == "/readyz"
        assert targets["Matcher"] == {"HttpCode": "200"}


def test_metrics_are_not_public(assembly):
    rule = assembly.one("Service", "AWS::ElasticLoadBalancingV2::ListenerRule", containing="FixedResponse")
    patterns = rule["Conditions"][0]["PathPatternConfig"]["Values"]

    def is_hidden(path):
        return any(fnmatchcase(path, pattern) for pattern in patterns)

    assert all(map(is_hidden, ["/metrics", "/metrics/", "/%6detrics", "/m%65trics", "/metric%73"]))
    assert not any(map(is_hidden, ["/models", "/generate", "/images/mine/1.png", "/ui", "/readyz"]))
    assert rule["Actions"][0]["FixedResponseConfig"]["StatusCode"] == "404"


def test_with_a_certificate_the_api_is_tls_and_http_only_redirects(prod):
    listeners = prod.find("Service", "AWS::ElasticLoadBalancingV2::Listener")
    by_port = {listener["Port"]: listener for listener in listeners}
    assert by_port[443]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13")
    assert by_port[80]["DefaultActions"][0]["Type"] == "redirect"


def test_without_a_certificate_only_the_clients_named_reach_the_api(dev):
    group = dev.one("Service", "AWS::EC2::SecurityGroup", containing='"FromPort": 80')
    assert [rule["CidrIp"] for rule in group["SecurityGroupIngress"]] == ["10.0.0.0/8"]


def test_a_bad_deployment_is_rolled_back_by_health_and_by_alarms(assembly):
    deployment = assembly.one("Service", "AWS::ECS::Service")["DeploymentConfiguration"]
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert deployment["Alarms"]["Enable"] is True
    assert deployment["Alarms"]["Rollback"] is True
    assert len(deployment["Alarms"]["AlarmNames"]) == 2
    assert deployment["MinimumHealthyPercent"] == 100


def test_tasks_follow_the_queue_per_task_and_the_processor(dev, prod):
    for assembly, other in ((dev, "ECSServiceAverageCPUUtilization"), (prod, "nvidia_smi_utilization_gpu")):
        policies = assembly.find("Service", "AWS::ApplicationAutoScaling::ScalingPolicy")
        text = json.dumps(policies)
        assert len(policies) == 2
        assert "ganymede_queue_images" in text
        assert other in text


def test_the_agent_publishes_the_metric_that_scaling_follows(assembly):
    variables = {e["Name"]: e["Value"] for e in container(assembly, "cloudwatch-agent")["Environment"]}
    scrape = json.loads(variables["PROMETHEUS_CONFIG_CONTENT"])
    assert scrape["scrape_configs"][0]["static_configs"][0]["targets"] == ["localhost:8080"]
    assert "^ganymede_queue_images$" in json.dumps(variables["CW_CONFIG_CONTENT"])


def test_gpu_tasks_run_on_instances_that_wait_for_the_drain(prod):
    provider = prod.one("Service", "AWS::ECS::CapacityProvider")["AutoScalingGroupProvider"]
    assert provider["ManagedDraining"] == "ENABLED"
    assert container(prod)["ResourceRequirements"] == [{"Type": "GPU", "Value": "1"}]
    launch = prod.one("Service", "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]
    assert launch["MetadataOptions"]["HttpTokens"] == "required"


def test_logs_expire(assembly):
    for stack in ("Service", "Network"):
        for group in assembly.find(stack, "AWS::Logs::LogGroup"):
            assert group["RetentionInDays"] >= 7


def test_no_template_is_larger_than_cloudformation_takes_inline(assembly):
    for path in assembly.folder.glob("*.template.json"):
        assert path.stat().st_size < 51_200, path.name
