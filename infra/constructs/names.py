"""What one stack tells another without an export, which could neither change nor go while it is read.

The value lies in SSM's Parameter Store; the reader's template names it, and CloudFormation looks it up each
time the reader is deployed. Both stacks may be deployed again in any order.
"""

from aws_cdk import Stack
from aws_cdk import aws_ssm as ssm


def _name(environment: str, id: str) -> str:
    return f"/ganymede/{environment}/{id}"


def tell(stack: Stack, environment: str, id: str, value: str) -> None:
    """Let stacks that are deployed later know `value`."""
    ssm.StringParameter(stack, id, parameter_name=_name(environment, id), string_value=value)


def learn(stack: Stack, environment: str, id: str) -> str:
    """What a stack that is deployed earlier told by `id`."""
    value: str = ssm.StringParameter.value_for_string_parameter(stack, _name(environment, id))
    return value
