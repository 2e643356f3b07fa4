"""Whom an AWS service may take a role for: this account alone (the confused deputy)."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam


def trust(stack: Stack, service: str) -> iam.ServicePrincipal:
    """The principal of `service`, such as `ecs-tasks`, when it acts for something in `stack`'s account.

    EC2 hands an instance its role without saying for whom; it alone gets no condition.
    """
    conditions = None if service == "ec2" else {"StringEquals": {"aws:SourceAccount": stack.account}}
    return iam.ServicePrincipal(f"{service}.amazonaws.com", conditions=conditions)
