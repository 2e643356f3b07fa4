"""A SageMaker real-time endpoint: scaled by invocations, deployed blue/green, rolled back by alarms."""

from aws_cdk import CfnOutput, Duration, Environment, Stack
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.configuration import Configuration
from infra.release import digest_parameter
from infra.sagemaker_model import device_of, make_execution_role, make_model

VARIANT = "AllTraffic"
REQUEST_TIMEOUT_S = 55
"""Below the 60 seconds after which SageMaker gives up."""
INVOCATIONS_PER_INSTANCE_PER_MINUTE = 600
CANARY_PERCENT = 10
CANARY_WAIT_S = 300
P99_LIMIT_S = 5.0


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
        prefix = configuration.model_prefix
        role = make_execution_role(self, models=models, prefix=prefix, images=images)
        model = make_model(
            self,
            role=role,
            images=images,
            digest=digest_parameter(self, "ImageDigest", "The service's image"),
            models=models,
            prefix=prefix,
            device=device_of(configuration.realtime_instance_type),
            request_timeout_s=REQUEST_TIMEOUT_S,
        )
        settings = sagemaker.CfnEndpointConfig(
            self,
            "Configuration",
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    instance_type=configuration.realtime_instance_type,
                    initial_instance_count=1,
                    initial_variant_weight=1,
                    container_startup_health_check_timeout_in_seconds=300,
                    model_data_download_timeout_in_seconds=300,
                )
            ],
        )
        acknowledge(settings, endpoint_configuration_reasons())
        self.alarms = [
            self._alarm("Failures", "Invocation5XXErrors", "Sum", 5),
            self._alarm("Slowness", "ModelLatency", "p99", P99_LIMIT_S * 1e6),  # microseconds
        ]
        self.endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self.endpoint_name,
            endpoint_config_name=settings.attr_endpoint_config_name,
            deployment_config=_blue_green(self.alarms),
        )
        self._scale(configuration)
        CfnOutput(self, "EndpointName", value=self.endpoint_name)

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
        target = scaling.ScalableTarget(
            self,
            "Scaling",
            service_namespace=scaling.ServiceNamespace.SAGEMAKER,
            resource_id=f"endpoint/{self.endpoint_name}/variant/{VARIANT}",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            min_capacity=1,
            max_capacity=configuration.realtime_maximum_instances,
        )
        target.node.add_dependency(self.endpoint)
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


def endpoint_configuration_reasons() -> dict[str, str]:
    """Why an endpoint's storage has no key of its own."""
    return {
        "AwsSolutions-SM1": "Network isolation: the container reaches nothing, inside a VPC or out.",
        "CKV_AWS_98": "These instances' NVMe is encrypted by its hardware; SageMaker refuses a key.",
    }
