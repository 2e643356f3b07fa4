"""A SageMaker asynchronous endpoint: bulk orders of up to an hour, answers in S3, idle at no cost."""

from aws_cdk import Duration, Environment, Stack
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.configuration import Configuration
from infra.constructs.acknowledgements import acknowledge
from infra.constructs.bucket_rights import objects_finding, write_prefix
from infra.constructs.sagemaker_endpoint import add_endpoint, make_endpoint_logs, scale_instances
from infra.constructs.sagemaker_model import make_execution_role, make_model

ORDERS_PER_INSTANCE = 4
IMAGES_PER_ORDER = 100_000
LIMITS = {
    "REQUEST_TIMEOUT_S": 3600,
    "MAX_IMAGES_PER_REQUEST": IMAGES_PER_ORDER,
    "MAX_QUEUE_IMAGES": ORDERS_PER_INSTANCE * IMAGES_PER_ORDER,
    "MAX_PIXELS_PER_RESPONSE": 2**27,
}
"""Of one order. Four answers of 2²⁷ pixels are 0.5 GB in grey and 1.6 GB in colour."""
IN_PREFIX, OUT_PREFIX = "bulk/in", "bulk/out"


class AsynchronousEndpointStack(Stack):
    """The endpoint, and scaling that starts at zero and ends there."""

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
        self.endpoint_name = f"ganymede-{configuration.environment}-bulk"
        instance_type = configuration.asynchronous_instance_type
        role = make_execution_role(
            self,
            models=models,
            prefix=configuration.model_prefix,
            images=images,
            policies={"Bulk": _bulk_policy(models)},
        )
        acknowledge(role, _bulk_reasons(models))
        model = make_model(
            self,
            configuration=configuration,
            role=role,
            images=images,
            models=models,
            instance_type=instance_type,
            variables=LIMITS,
        )
        endpoint = sagemaker.CfnEndpointConfig
        bucket = f"s3://{models.bucket_name}"
        self.endpoint = add_endpoint(
            self,
            name=self.endpoint_name,
            model=model,
            instance_type=instance_type,
            instances=1,
            group=make_endpoint_logs(self, self.endpoint_name, configuration.log_retention_days),
            async_inference=endpoint.AsyncInferenceConfigProperty(
                client_config=endpoint.AsyncInferenceClientConfigProperty(
                    max_concurrent_invocations_per_instance=ORDERS_PER_INSTANCE
                ),
                output_config=endpoint.AsyncInferenceOutputConfigProperty(
                    s3_output_path=f"{bucket}/{OUT_PREFIX}/", s3_failure_path=f"{bucket}/{OUT_PREFIX}-failed/"
                ),
            ),
        )
        self._scale(configuration)

    def _scale(self, configuration: Configuration) -> None:
        target = scale_instances(
            self, self.endpoint, minimum=0, maximum=configuration.asynchronous_maximum_instances
        )
        target.scale_to_track_metric(
            "Backlog",
            target_value=ORDERS_PER_INSTANCE,
            custom_metric=self._metric("ApproximateBacklogSizePerInstance", "Average"),
            scale_in_cooldown=Duration.minutes(10),
            scale_out_cooldown=Duration.minutes(1),
        )
        # The backlog per instance says nothing while there is no instance: this step makes the first.
        # It has no step for what happens otherwise: that would end the instance in the middle of an order.
        step = scaling.StepScalingAction(
            self,
            "FirstInstance",
            scaling_target=target,
            adjustment_type=scaling.AdjustmentType.EXACT_CAPACITY,
        )
        step.add_adjustment(adjustment=1, lower_bound=0)
        waiting = self._metric("HasBacklogWithoutCapacity", "Maximum").create_alarm(
            self,
            "Waiting",
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        waiting.add_alarm_action(actions.ApplicationScalingAction(step))

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map={"EndpointName": self.endpoint_name},
            statistic=statistic,
            period=Duration.minutes(1),
        )


def _bulk_policy(bucket: s3.IBucket) -> iam.PolicyDocument:
    """Read the orders, write the answers."""
    document = write_prefix(bucket, OUT_PREFIX)
    document.add_statements(
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[bucket.arn_for_objects(f"{IN_PREFIX}/*")]),
        iam.PolicyStatement(
            actions=["s3:PutObject"], resources=[bucket.arn_for_objects(f"{OUT_PREFIX}-failed/*")]
        ),
    )
    return document


def _bulk_reasons(bucket: s3.IBucket) -> dict[str, str]:
    why = "Bulk orders and their answers have names of their callers' choice under these prefixes."
    prefixes = (IN_PREFIX, OUT_PREFIX, f"{OUT_PREFIX}-failed")
    return {objects_finding(bucket, prefix): why for prefix in prefixes}
