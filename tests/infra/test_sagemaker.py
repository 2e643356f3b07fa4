import json

import pytest

from service.settings import Settings

pytestmark = pytest.mark.xdist_group("infra")


def test_endpoints_take_their_models_from_one_prefix_and_have_no_network(prod):
    for stack in ("Realtime", "Bulk"):
        model = prod.one(stack, "AWS::SageMaker::Model")
        assert model["EnableNetworkIsolation"] is True
        source = model["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]
        assert source["CompressionType"] == "None"
        assert '"/models/"' in json.dumps(source["S3Uri"])


def test_the_service_gives_up_before_sagemaker_does(prod):
    limits_s = {"Realtime": 60, "Bulk": 3601}
    for stack, limit_s in limits_s.items():
        variables = prod.one(stack, "AWS::SageMaker::Model")["PrimaryContainer"]["Environment"]
        assert int(variables["GANYMEDE_REQUEST_TIMEOUT_S"]) < limit_s
        assert int(variables["GANYMEDE_DRAIN_TIMEOUT_S"]) < 30


def test_a_new_version_takes_a_tenth_of_the_traffic_first_and_alarms_send_it_back(prod):
    deployment = prod.one("Realtime", "AWS::SageMaker::Endpoint")["DeploymentConfig"]
    routing = deployment["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["Type"] == "CANARY"
    assert routing["CanarySize"] == {"Type": "CAPACITY_PERCENT", "Value": 10}
    assert len(deployment["AutoRollbackConfiguration"]["Alarms"]) == 2


def test_the_realtime_endpoint_scales_by_invocations(prod):
    policy = prod.one("Realtime", "AWS::ApplicationAutoScaling::ScalingPolicy")
    tracked = policy["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]
    assert tracked["PredefinedMetricType"] == "SageMakerVariantInvocationsPerInstance"


def test_the_bulk_endpoint_scales_to_zero_and_wakes_on_the_first_order(prod):
    assert prod.one("Bulk", "AWS::ApplicationAutoScaling::ScalableTarget")["MinCapacity"] == 0
    policies = json.dumps(prod.find("Bulk", "AWS::ApplicationAutoScaling::ScalingPolicy"))
    assert "ApproximateBacklogSizePerInstance" in policies
    assert "HasBacklogWithoutCapacity" in json.dumps(prod.find("Bulk", "AWS::CloudWatch::Alarm"))


def test_a_bulk_order_may_ask_for_far_more_than_a_request_and_its_answer_fits_the_memory(prod):
    variables = prod.one("Bulk", "AWS::SageMaker::Model")["PrimaryContainer"]["Environment"]
    settings = Settings(**{n.removeprefix("GANYMEDE_").lower(): v for n, v in variables.items()})
    defaults = Settings()
    assert settings.max_images_per_request >= 50 * defaults.max_images_per_request
    inference = prod.one("Bulk", "AWS::SageMaker::EndpointConfig")["AsyncInferenceConfig"]
    orders = inference["ClientConfig"]["MaxConcurrentInvocationsPerInstance"]
    assert settings.max_queue_images >= orders * settings.max_images_per_request
    assert settings.max_images_per_request * 28 * 28 <= settings.max_pixels_per_response
    assert orders * settings.max_pixels_per_response * 3 < 2e9


def test_bulk_answers_go_to_s3(prod):
    output = prod.one("Bulk", "AWS::SageMaker::EndpointConfig")["AsyncInferenceConfig"]["OutputConfig"]
    assert "/bulk/out/" in json.dumps(output["S3OutputPath"])


def test_training_jobs_read_data_and_write_runs_and_models(prod):
    role = prod.one("Training", "AWS::IAM::Role")
    writes = [p for p in role["Policies"] if "s3:PutObject" in json.dumps(p)]
    assert sorted(p["PolicyName"] for p in writes) == ["PublishModels", "WriteRuns"]
    trust = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert "aws:SourceAccount" in json.dumps(trust["Condition"])
