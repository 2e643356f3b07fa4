"""Where the stacks of a deployment lie: all in one region, but the edge's where CloudFront looks for it."""

from ganymede.deployment.account import Account
from ganymede.deployment.wishes import Wishes

EDGE, EDGE_REGION = "Edge", "us-east-1"


def find_home(stack: str, account: Account) -> Account:
    """The account as it is asked of `stack`."""
    return look_into(EDGE_REGION, account) if stack.endswith(f"-{EDGE}") else account


def look_into(region: str, account: Account) -> Account:
    """The same account in `region`."""
    return account if account.region == region else Account(region)


def list_regions(wishes: Wishes) -> list[str]:
    """The regions that are prepared for the CDK."""
    return list(dict.fromkeys((wishes.region, EDGE_REGION) if wishes.edge else (wishes.region,)))
