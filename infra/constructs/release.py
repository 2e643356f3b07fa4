"""Which image runs: a digest, given as a CloudFormation parameter when a stack is deployed."""

from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs

DIGEST_PATTERN = "^sha256:[0-9a-f]{64}$"


def digest_parameter(stack: Stack, id: str, description: str) -> CfnParameter:
    """A parameter of `stack` that takes an image's digest; a tag could change under a running service."""
    return CfnParameter(
        stack,
        id,
        type="String",
        description=description,
        allowed_pattern=DIGEST_PATTERN,
        constraint_description="sha256: and 64 hexadecimal digits",
    )


def image_uri(repository: ecr.IRepository, digest: CfnParameter) -> str:
    """The image by its digest, `REPOSITORY@sha256:…`."""
    return f"{repository.repository_uri}@{digest.value_as_string}"


def container_image(
    repository: ecr.IRepository, digest: CfnParameter, task: ecs.TaskDefinition
) -> ecs.ContainerImage:
    """The image for a container of `task`, whose execution role may pull it from then on."""
    repository.grant_pull(task.obtain_execution_role())
    return ecs.ContainerImage.from_registry(image_uri(repository, digest))
