"""Where the stacks of a deployment lie: all in one region, but the edge's where CloudFront looks for it."""

import os

from ganymede.deployment.account import Account, AccountRefused
from ganymede.deployment.wishes import Wishes

EDGE, EDGE_REGION = "Edge", "us-east-1"


def find_region() -> str | None:
    """The region of AWS's own variables and profile, None where they name none.

    Raises:
        AccountRefused: there is no such profile, or AWS's own files cannot be read.
    """
    import boto3
    from botocore.exceptions import BotoCoreError

    if given := os.environ.get("AWS_REGION"):
        return given
    try:
        region: str | None = boto3.session.Session().region_name
    except BotoCoreError as error:
        raise AccountRefused(f"{error}. AWS_PROFILE or ~/.aws/config is wrong: aws configure list") from error
    return region


def find_home(stack: str, account: Account) -> Account:
    """The account as it is asked of `stack`."""
    return look_into(EDGE_REGION, account) if stack.endswith(f"-{EDGE}") else account


def look_into(region: str, account: Account) -> Account:
    """The same account in `region`."""
    return account if account.region == region else Account(region)


def list_regions(wishes: Wishes) -> list[str]:
    """The regions that are prepared for the CDK."""
    return list(dict.fromkeys((wishes.region, EDGE_REGION) if wishes.edge else (wishes.region,)))
