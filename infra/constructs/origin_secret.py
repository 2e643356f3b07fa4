"""What CloudFront shows the load balancer, so that nobody walks around the firewall.

CloudFront's addresses alone do not tell: a distribution of anybody's asks from them too.
"""

from aws_cdk import RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_secretsmanager as secretsmanager

from infra.configuration import EDGE_REGION, Configuration
from infra.constructs.acknowledgements import acknowledge

HEADER = "X-Ganymede-Edge"
CHARACTERS = 64


def _name(configuration: Configuration) -> str:
    """Fixed, for a stack in another region finds it by that; CloudFormation deletes a secret at once."""
    return f"ganymede-{configuration.environment}-edge"


def make_origin_secret(stack: Stack, configuration: Configuration) -> str:
    """The value, as CloudFormation looks it up; a replica lies where the distribution is described."""
    elsewhere = configuration.region != EDGE_REGION
    secret = secretsmanager.Secret(
        stack,
        "OriginSecret",
        secret_name=_name(configuration),
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
            "AwsSolutions-SMG4": "Both stacks read it as they are deployed; API keys stand behind it.",
            "CKV_AWS_149": "The account's own Secrets Manager key suffices.",
        },
    )
    value: str = secret.secret_value.unsafe_unwrap()
    return value


def find_origin_secret(configuration: Configuration) -> str:
    """The same in `EDGE_REGION`, for a stack that is deployed later."""
    value: str = SecretValue.secrets_manager(_name(configuration)).unsafe_unwrap()
    return value
