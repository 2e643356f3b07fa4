"""The model that both SageMaker endpoints run: the service's image, one prefix's models, no network."""

from collections.abc import Mapping

from aws_cdk import CfnParameter, Fn, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker

from infra.configuration import Configuration
from infra.constructs.acknowledgements import acknowledge
from infra.constructs.bucket_rights import objects_finding, read_prefix
from infra.constructs.release import digest_parameter, image_uri
from infra.constructs.trust import trust
from infra.instances import has_gpu

TRUSTED = "sagemaker"
MODEL_FOLDER = "/opt/ml/model"
"""Where SageMaker lays what a model names."""
LAME_DUCK_S, DRAIN_TIMEOUT_S = 4, 20
"""With the last 3 s of the process, within the 30 s between SageMaker's SIGTERM and its SIGKILL."""
VERSION_PATTERN = "^[a-z0-9][a-z0-9._-]{0,63}@[a-z0-9][a-z0-9._-]{0,63}$"


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
        assumed_by=trust(stack, TRUSTED),
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
    """A model of one published version, which never changes: SageMaker brings it, there is no network.

    An instance that is added later serves what the others serve, whatever was promoted meanwhile; another
    version is another model, so a deployment has something to do. `variables` are the service's limits by
    their names without `GANYMEDE_`.
    """
    source = sagemaker.CfnModel.S3DataSourceProperty(
        compression_type="None",
        s3_data_type="S3Prefix",
        s3_uri=_version_uri(stack, f"s3://{models.bucket_name}/{configuration.model_prefix}"),
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
                "GANYMEDE_MODELS": MODEL_FOLDER,
                "GANYMEDE_DEVICE": "cuda" if has_gpu(instance_type) else "cpu",
                "GANYMEDE_LAME_DUCK_S": str(LAME_DUCK_S),
                "GANYMEDE_DRAIN_TIMEOUT_S": str(DRAIN_TIMEOUT_S),
                "GANYMEDE_UI": "off",
                **{f"GANYMEDE_{name}": str(value) for name, value in variables.items()},
            },
        ),
    )
    model.node.add_dependency(role.node.find_child("DefaultPolicy"))  # the leave to pull the image
    return model


def _version_uri(stack: Stack, prefix: str) -> str:
    """The prefix in S3 of the version that the parameter `ModelVersion` names, such as `fashion@v2`."""
    reference = CfnParameter(
        stack,
        "ModelVersion",
        type="String",
        description="MODEL@VERSION of the models' prefix, published before; no alias, for those move",
        allowed_pattern=VERSION_PATTERN,
    ).value_as_string
    model, version = (Fn.select(place, Fn.split("@", reference)) for place in (0, 1))
    return f"{prefix}/{model}/versions/{version}/"
