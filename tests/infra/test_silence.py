"""What AWS does where a template says nothing: of alarms without figures, buckets, and ways out."""

import json

import pytest

from tests.infra.walking import resources

pytestmark = pytest.mark.xdist_group("infra")


@pytest.fixture
def every(options, dev, prod):
    return [*options.values(), dev, prod]


def test_every_alarm_says_what_silence_means_and_none_that_rolls_back_fires_on_it(every):
    """An alarm that says nothing keeps its state for ever where figures stop."""
    for assembly in every:
        rolling_back = {
            name
            for service in resources(assembly, "AWS::ECS::Service").values()
            for name in service["DeploymentConfiguration"]["Alarms"]["AlarmNames"]
        }
        rolling_back |= {
            each["AlarmName"]
            for endpoint in resources(assembly, "AWS::SageMaker::Endpoint").values()
            for each in endpoint.get("DeploymentConfig", {})
            .get("AutoRollbackConfiguration", {})
            .get("Alarms", [])
        }
        assert len(rolling_back) >= 2
        alarms = resources(assembly, "AWS::CloudWatch::Alarm")
        assert rolling_back <= {alarm.get("AlarmName") for alarm in alarms.values()}
        for name, alarm in alarms.items():
            below = alarm["ComparisonOperator"].startswith("Less")
            assert alarm["TreatMissingData"] == ("breaching" if below else "notBreaching"), name
            assert not (below and alarm.get("AlarmName") in rolling_back), name


def test_every_bucket_is_private_takes_tls_alone_and_does_not_grow_for_ever(every):
    for assembly in every:
        buckets = resources(assembly, "AWS::S3::Bucket")
        assert len(buckets) == 2
        tls_only = {
            policy["Bucket"]["Ref"]
            for policy in resources(assembly, "AWS::S3::BucketPolicy").values()
            if '{"aws:SecureTransport": "false"}' in json.dumps(policy["PolicyDocument"])
        }
        for name, bucket in buckets.items():
            assert name.split("/")[1] in tls_only, name
            assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, name
            assert bucket["BucketEncryption"], name
            ending = json.dumps(bucket["LifecycleConfiguration"]["Rules"])
            versioned = "VersioningConfiguration" in bucket
            assert ("NoncurrentDays" if versioned else "ExpirationInDays") in ending, name


def test_tasks_reach_out_by_tls_alone_and_the_balancer_reaches_tasks_alone(every):
    for assembly in every:
        stack = "Service"
        groups = {
            name.split("/")[1]: group
            for name, group in resources(assembly, "AWS::EC2::SecurityGroup").items()
            if f"-{stack}/" in name
        }
        [service] = resources(assembly, "AWS::ECS::Service").values()
        [used] = service["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
        tasks = groups[used["Fn::GetAtt"][0]]
        assert [(rule["FromPort"], rule["ToPort"]) for rule in tasks["SecurityGroupEgress"]] == [(443, 443)]
        assert "SecurityGroupIngress" not in tasks
        [inside] = resources(assembly, "AWS::EC2::SecurityGroupIngress").values()
        assert (inside["FromPort"], inside["ToPort"]) == (8080, 8080)
        assert inside["SourceSecurityGroupId"]["Fn::GetAtt"][0].startswith("LoadBalancer")
        [out] = resources(assembly, "AWS::EC2::SecurityGroupEgress").values()
        assert out["GroupId"] == inside["SourceSecurityGroupId"]
        assert out["DestinationSecurityGroupId"] == used
