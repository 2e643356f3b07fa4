"""A SageMaker real-time endpoint: scaled by invocations, deployed blue/green, rolled back by alarms."""

from aws_cdk import Duration, Environment, Stack
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.configuration import Configuration
from infra.constructs.sagemaker_endpoint import VARIANT, add_endpoint, make_endpoint_logs, scale_instances
from infra.constructs.sagemaker_model import make_execution_role, make_model
from infra.constructs.slow_answers import ALLOWED_PERCENT, measure_slow_answers

REQUEST_TIMEOUT_S = 55
"""Below the 60 seconds after which SageMaker gives up."""
USED_SHARE = 0.5
"""Of the measured rate: what comes while new instances start has room."""
CANARY_PERCENT = 10
CANARY_WAIT_S = 300
SLOW_S = 5.0
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
        group = make_endpoint_logs(self, self.endpoint_name, configuration.log_retention_days)
        slow = measure_slow_answers(
            self, group, namespace=f"Ganymede/SageMaker/{self.endpoint_name}", slow_s=SLOW_S
        )
        self.alarms = [
            self._alarm("Failures", self._metric("Invocation5XXErrors", "Sum"), 5),
            self._alarm("Slowness", slow, ALLOWED_PERCENT),
        ]
        self.alarm_names = [self._alarm_name(id) for id in ("Failures", "Slowness")]
        self.endpoint = add_endpoint(
            self,
            name=self.endpoint_name,
            model=model,
            instance_type=instance_type,
            variant={
                "container_startup_health_check_timeout_in_seconds": START_LIMIT_S,
                "model_data_download_timeout_in_seconds": START_LIMIT_S,
            },
            instances=configuration.realtime_minimum_instances,
            group=group,
            deployment=_blue_green(self.alarm_names, canary=configuration.realtime_minimum_instances > 1),
        )
        self.endpoint.node.add_dependency(*self.alarms)  # it names them, and they are in its own stack
        self._scale(configuration)

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map={"EndpointName": self.endpoint_name, "VariantName": VARIANT},
            statistic=statistic,
            period=Duration.minutes(1),
        )

    def _alarm_name(self, id: str) -> str:
        return f"{self.endpoint_name}-sagemaker-{id.lower()}"

    def _alarm(self, id: str, metric: cloudwatch.IMetric, limit: float) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            id,
            metric=metric,
            alarm_name=self._alarm_name(id),
            threshold=limit,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _scale(self, configuration: Configuration) -> None:
        target = scale_instances(
            self,
            self.endpoint,
            minimum=configuration.realtime_minimum_instances,
            maximum=configuration.realtime_maximum_instances,
        )
        target.scale_to_track_metric(
            "Invocations",
            target_value=round(60 * USED_SHARE * configuration.realtime_requests_per_s),
            predefined_metric=scaling.PredefinedMetric.SAGEMAKER_VARIANT_INVOCATIONS_PER_INSTANCE,
            scale_in_cooldown=Duration.minutes(5),
            scale_out_cooldown=Duration.minutes(1),
        )


def _blue_green(alarm_names: list[str], *, canary: bool) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    """A new fleet beside the old one; a `canary` of it first, where there is more than one instance."""
    endpoint = sagemaker.CfnEndpoint
    size = endpoint.CapacitySizeProperty(type="CAPACITY_PERCENT", value=CANARY_PERCENT)
    return endpoint.DeploymentConfigProperty(
        blue_green_update_policy=endpoint.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=endpoint.TrafficRoutingConfigProperty(
                type="CANARY" if canary else "ALL_AT_ONCE",
                canary_size=size if canary else None,
                wait_interval_in_seconds=CANARY_WAIT_S,
            ),
            termination_wait_in_seconds=CANARY_WAIT_S,
            maximum_execution_timeout_in_seconds=3600,
        ),
        auto_rollback_configuration=endpoint.AutoRollbackConfigProperty(
            alarms=[endpoint.AlarmProperty(alarm_name=name) for name in alarm_names]
        ),
    )
