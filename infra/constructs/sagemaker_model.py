"""The model that both SageMaker endpoints run: the service's image, one prefix's models, no network."""

from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker

from infra.configuration import Configuration
from infra.constructs.acknowledgements import acknowledge
from infra.constructs.bucket_rights import objects_finding, read_prefix
from infra.constructs.release import digest_parameter, image_uri
from infra.constructs.task import DRAIN_TIMEOUT_S

TRUSTED = "sagemaker.amazonaws.com"


def make_execution_role(
    stack: Stack,
    *,
    models: s3.IBucket,
    prefix: str,
    images: ecr.IRepository,
    policies: dict[str, iam.PolicyDocument] | None = None,
) -> iam.Role:
    """What SageMaker may do: read one prefix, pull one repository, write logs and metrics."""
    role = iam.Role(
        stack,
        "ExecutionRole",
        assumed_by=iam.ServicePrincipal(TRUSTED),
        inline_policies={
            "ReadModels": read_prefix(models, prefix),
            "Observe": observe(stack),
            **(policies or {}),
        },
    )
    images.grant_pull(role)
    acknowledge(
        role,
        {
            objects_finding(models, prefix): "The models, no more.",
            **observe_reasons(stack),
            "AwsSolutions-IAM5[Resource::*]": "GetAuthorizationToken and PutMetricData take no resource.",
        },
    )
    return role


def observe(stack: Stack) -> iam.PolicyDocument:
    """Write the endpoint's logs and metrics under SageMaker's own names."""
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[f"arn:aws:logs:{stack.region}:{stack.account}:log-group:/aws/sagemaker/*"],
            ),
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringLike": {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/*"]}},
            ),
        ]
    )


def observe_reasons(stack: Stack) -> dict[str, str]:
    """Why the logs' resource ends in a wildcard."""
    group = f"arn:aws:logs:{stack.region}:<AWS::AccountId>:log-group:/aws/sagemaker/*"
    return {
        f"AwsSolutions-IAM5[Resource::{group}]": "SageMaker names the groups after its endpoints and jobs."
    }


def make_model(
    stack: Stack,
    *,
    configuration: Configuration,
    role: iam.Role,
    images: ecr.IRepository,
    models: s3.IBucket,
    instance_type: str,
    variables: Mapping[str, int],
) -> sagemaker.CfnModel:
    """A model whose store lies in /opt/ml/model: SageMaker brings it, the container has no network.

    `variables` are the service's limits by their names without `GANYMEDE_`.
    """
    source = sagemaker.CfnModel.S3DataSourceProperty(
        compression_type="None",
        s3_data_type="S3Prefix",
        s3_uri=f"s3://{models.bucket_name}/{configuration.model_prefix}/",
    )
    model = sagemaker.CfnModel(
        stack,
        "Model",
        execution_role_arn=role.role_arn,
        enable_network_isolation=True,
        primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
            image=image_uri(images, digest_parameter(stack, "ImageDigest", "The service's image")),
            model_data_source=sagemaker.CfnModel.ModelDataSourceProperty(s3_data_source=source),
            environment={
                "GANYMEDE_DEVICE": "cuda" if instance_type.startswith("ml.g") else "cpu",
                "GANYMEDE_DRAIN_TIMEOUT_S": str(DRAIN_TIMEOUT_S),
                "GANYMEDE_UI": "off",
                **{f"GANYMEDE_{name}": str(value) for name, value in variables.items()},
            },
        ),
    )
    model.node.add_dependency(role.node.find_child("DefaultPolicy"))  # the leave to pull the image
    return model
