"""What SageMaker's two kinds of endpoint have in common: one variant of instances, and their scaling."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker

from infra.constructs.acknowledgements import acknowledge
from infra.constructs.retention import make_log_group
from infra.instances import INFERENCE_AMI, has_gpu

VARIANT = "AllTraffic"
SCALING_ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
"""The service's own, which it makes where there is none and uses whatever another is named."""


def add_endpoint(
    stack: Stack,
    *,
    name: str,
    model: sagemaker.CfnModel,
    instance_type: str,
    instances: int,
    group: logs.LogGroup,
    variant: dict[str, int] | None = None,
    async_inference: sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty | None = None,
    deployment: sagemaker.CfnEndpoint.DeploymentConfigProperty | None = None,
) -> sagemaker.CfnEndpoint:
    """An endpoint called `name` that starts with `instances` of `model`; `variant` adds to its variant.

    `group` is what `make_endpoint_logs` made for it.
    """
    settings = sagemaker.CfnEndpointConfig(
        stack,
        "Configuration",
        production_variants=[
            sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                variant_name=VARIANT,
                model_name=model.attr_model_name,
                instance_type=instance_type,
                initial_instance_count=instances,
                inference_ami_version=INFERENCE_AMI if has_gpu(instance_type) else None,
                initial_variant_weight=1,
                **(variant or {}),
            )
        ],
        async_inference_config=async_inference,
    )
    acknowledge(
        settings,
        {
            "AwsSolutions-SM1": "Network isolation: the container reaches nothing, inside a VPC or out.",
            "CKV_AWS_98": "These instances' NVMe is encrypted by its hardware; SageMaker refuses a key.",
        },
    )
    endpoint = sagemaker.CfnEndpoint(
        stack,
        "Endpoint",
        endpoint_name=name,
        endpoint_config_name=settings.attr_endpoint_config_name,
        deployment_config=deployment,
        retain_all_variant_properties=True,  # a release keeps the capacity that scaling found right
    )
    endpoint.node.add_dependency(group)
    CfnOutput(stack, "EndpointName", value=name)
    return endpoint


def make_endpoint_logs(stack: Stack, endpoint: str, days: int) -> logs.LogGroup:
    """The group that SageMaker writes to, and would make itself, for ever, were it not there."""
    return make_log_group(stack, days, name=f"/aws/sagemaker/Endpoints/{endpoint}")


def scale_instances(
    stack: Stack, endpoint: sagemaker.CfnEndpoint, *, minimum: int, maximum: int
) -> scaling.ScalableTarget:
    """The endpoint's instances as something that policies move between `minimum` and `maximum`."""
    account = f"arn:aws:iam::{stack.account}:role/aws-service-role"
    own = f"{account}/sagemaker.application-autoscaling.amazonaws.com/{SCALING_ROLE}"
    target = scaling.ScalableTarget(
        stack,
        "Scaling",
        role=iam.Role.from_role_arn(stack, "ScalingRole", own, mutable=False),
        service_namespace=scaling.ServiceNamespace.SAGEMAKER,
        resource_id=f"endpoint/{endpoint.endpoint_name}/variant/{VARIANT}",
        scalable_dimension="sagemaker:variant:DesiredInstanceCount",
        min_capacity=minimum,
        max_capacity=maximum,
    )
    target.node.add_dependency(endpoint)
    return target
