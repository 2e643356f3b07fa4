"""How long things stay: logs for a number of days, what holds data for ever."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

KEPT = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""For what outlives its stack. A creation that failed leaves nothing behind that a second try would meet."""


def retention(days: int) -> logs.RetentionDays:
    """CDK's name for `days` of keeping logs."""
    names = {7: "ONE_WEEK", 14: "TWO_WEEKS", 30: "ONE_MONTH", 90: "THREE_MONTHS", 365: "ONE_YEAR"}
    return logs.RetentionDays[names[days]]
