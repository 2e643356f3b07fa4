"""A SageMaker real-time endpoint: scaled by invocations, deployed blue/green, rolled back by alarms."""

from aws_cdk import Duration, Environment, Stack
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.configuration import Configuration
from infra.constructs.sagemaker_endpoint import VARIANT, add_endpoint, scale_instances
from infra.constructs.sagemaker_model import make_execution_role, make_model

REQUEST_TIMEOUT_S = 55
"""Below the 60 seconds after which SageMaker gives up."""
INVOCATIONS_PER_INSTANCE_PER_MINUTE = 600
CANARY_PERCENT = 10
CANARY_WAIT_S = 300
P99_LIMIT_S = 5.0
START_LIMIT_S = 300


class RealtimeEndpointStack(Stack):
    """The endpoint, its scaling, and the alarms that send a bad deployment back."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        configuration: Configuration,
        models: s3.IBucket,
        images: ecr.IRepository,
        env: Environment,
    ) -> None:
        super().__init__(scope, id, env=env)
        self.endpoint_name = f"ganymede-{configuration.environment}"
        instance_type = configuration.realtime_instance_type
        model = make_model(
            self,
            configuration=configuration,
            role=make_execution_role(self, models=models, prefix=configuration.model_prefix, images=images),
            images=images,
            models=models,
            instance_type=instance_type,
            variables={"REQUEST_TIMEOUT_S": REQUEST_TIMEOUT_S},
        )
        self.alarms = [
            self._alarm("Failures", "Invocation5XXErrors", "Sum", 5),
            self._alarm("Slowness", "ModelLatency", "p99", P99_LIMIT_S * 1e6),  # microseconds
        ]
        self.endpoint = add_endpoint(
            self,
            name=self.endpoint_name,
            model=model,
            instance_type=instance_type,
            variant={
                "container_startup_health_check_timeout_in_seconds": START_LIMIT_S,
                "model_data_download_timeout_in_seconds": START_LIMIT_S,
            },
            deployment=_blue_green(self.alarms),
        )
        self._scale(configuration)

    def _alarm(self, id: str, metric: str, statistic: str, limit: float) -> cloudwatch.Alarm:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=metric,
            dimensions_map={"EndpointName": self.endpoint_name, "VariantName": VARIANT},
            statistic=statistic,
            period=Duration.minutes(1),
        ).create_alarm(
            self,
            id,
            alarm_name=f"{self.endpoint_name}-sagemaker-{id.lower()}",
            threshold=limit,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _scale(self, configuration: Configuration) -> None:
        target = scale_instances(
            self, self.endpoint, minimum=1, maximum=configuration.realtime_maximum_instances
        )
        target.scale_to_track_metric(
            "Invocations",
            target_value=INVOCATIONS_PER_INSTANCE_PER_MINUTE,
            predefined_metric=scaling.PredefinedMetric.SAGEMAKER_VARIANT_INVOCATIONS_PER_INSTANCE,
            scale_in_cooldown=Duration.minutes(5),
            scale_out_cooldown=Duration.minutes(1),
        )


def _blue_green(alarms: list[cloudwatch.Alarm]) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    endpoint = sagemaker.CfnEndpoint
    return endpoint.DeploymentConfigProperty(
        blue_green_update_policy=endpoint.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=endpoint.TrafficRoutingConfigProperty(
                type="CANARY",
                canary_size=endpoint.CapacitySizeProperty(type="CAPACITY_PERCENT", value=CANARY_PERCENT),
                wait_interval_in_seconds=CANARY_WAIT_S,
            ),
            termination_wait_in_seconds=CANARY_WAIT_S,
            maximum_execution_timeout_in_seconds=3600,
        ),
        auto_rollback_configuration=endpoint.AutoRollbackConfigProperty(
            alarms=[endpoint.AlarmProperty(alarm_name=alarm.alarm_name) for alarm in alarms]
        ),
    )
