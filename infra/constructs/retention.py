"""How long things stay: logs for a number of days, what holds data for ever."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_logs as logs

from infra.constructs.acknowledgements import acknowledge

KEPT = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""For what outlives its stack. A creation that failed leaves nothing behind that a second try would meet."""


def retention(days: int) -> logs.RetentionDays:
    """CDK's name for `days` of keeping logs."""
    names = {7: "ONE_WEEK", 14: "TWO_WEEKS", 30: "ONE_MONTH", 90: "THREE_MONTHS", 365: "ONE_YEAR"}
    return logs.RetentionDays[names[days]]


def make_log_group(stack: Stack, days: int, *, name: str | None = None, kept: bool = False) -> logs.LogGroup:
    """The group of the service's log in `stack`; `kept` when the stack goes."""
    group = logs.LogGroup(
        stack,
        "Logs",
        log_group_name=name,
        retention=retention(days),
        removal_policy=KEPT if kept else RemovalPolicy.DESTROY,
    )
    acknowledge(
        group,
        {
            "CKV_AWS_158": "CloudWatch's own key encrypts them; the service never logs a key or a body.",
            "CKV_AWS_338": "How long they are kept is the environment's choice (log_retention_days).",
        },
    )
    return group
