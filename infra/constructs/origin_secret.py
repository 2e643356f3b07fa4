"""What CloudFront shows the load balancer, so that nobody walks around the firewall.

CloudFront's addresses alone do not tell: a distribution of anybody's asks from them too.
"""

from aws_cdk import RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_secretsmanager as secretsmanager

from infra.configuration import EDGE_REGION, Configuration
from infra.constructs.acknowledgements import acknowledge

HEADER = "X-Ganymede-Edge"
CHARACTERS = 64


def _name(configuration: Configuration, number: int) -> str:
    """Fixed, for a stack in another region finds it by that; CloudFormation deletes a secret at once."""
    name = f"ganymede-{configuration.environment}-edge"
    return name if number == 1 else f"{name}-{number}"


def make_origin_secrets(stack: Stack, configuration: Configuration) -> list[str]:
    """The values that the load balancer takes, as CloudFormation looks them up.

    A new value is a new secret with the next number: CloudFormation does not look again at one that changed.
    """
    return [_make_secret(stack, configuration, number) for number in configuration.edge_secrets]


def find_origin_secret(configuration: Configuration) -> str:
    """What CloudFront shows, looked up in `EDGE_REGION` by a stack that is deployed later."""
    value: str = SecretValue.secrets_manager(
        _name(configuration, configuration.edge_secrets[0])
    ).unsafe_unwrap()
    return value


def _make_secret(stack: Stack, configuration: Configuration, number: int) -> str:
    """One value; a replica lies where the distribution is described."""
    elsewhere = configuration.region != EDGE_REGION
    secret = secretsmanager.Secret(
        stack,
        f"OriginSecret{'' if number == 1 else number}",
        secret_name=_name(configuration, number),
        description="What CloudFront shows the load balancer",
        generate_secret_string=secretsmanager.SecretStringGenerator(
            exclude_punctuation=True, password_length=CHARACTERS
        ),
        replica_regions=[secretsmanager.ReplicaRegion(region=EDGE_REGION)] if elsewhere else None,
        removal_policy=RemovalPolicy.DESTROY,
    )
    acknowledge(
        secret,
        {
            "AwsSolutions-SMG4": "Both stacks read it as they are deployed; the next number is a new one.",
            "CKV_AWS_149": "The account's own Secrets Manager key suffices.",
        },
    )
    value: str = secret.secret_value.unsafe_unwrap()
    return value
