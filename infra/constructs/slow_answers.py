"""Which share of small answers was slow: counted in the service's log, which says how large each is.

A time over all requests, such as the load balancer's, is that of the largest: an order of a thousand pictures
says nothing of a release. What a client takes to send or to read is not counted.
"""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs

SMALL_IMAGES = 16
"""What a request asks for that says nothing of it."""
SMALL_PIXELS = 2**20
ALLOWED_PERCENT = 1.0
SMALL, SLOW = "SmallAnswers", "SlowSmallAnswers"


def measure_slow_answers(
    stack: Stack, group: logs.ILogGroup, *, namespace: str, slow_s: float
) -> cloudwatch.MathExpression:
    """Of the small answers in `group`, by the minute, the percentage that took more than `slow_s` to make."""
    small = [
        logs.FilterPattern.number_value("$.images", "<=", SMALL_IMAGES),
        logs.FilterPattern.number_value("$.pixels", "<=", SMALL_PIXELS),
    ]
    slow = logs.FilterPattern.number_value("$.work_s", ">", slow_s)
    minute = Duration.minutes(1)

    def count(name: str, *patterns: logs.JsonPattern) -> cloudwatch.Metric:
        logs.CfnMetricFilter(
            stack,
            name,
            log_group_name=group.log_group_name,
            filter_pattern=logs.FilterPattern.all(*patterns).log_pattern_string,
            metric_transformations=[
                logs.CfnMetricFilter.MetricTransformationProperty(
                    metric_namespace=namespace, metric_name=name, metric_value="1"
                )
            ],
        )
        return cloudwatch.Metric(namespace=namespace, metric_name=name, statistic="Sum", period=minute)

    return cloudwatch.MathExpression(
        expression="100 * FILL(slow, 0) / small",
        using_metrics={"slow": count(SLOW, *small, slow), "small": count(SMALL, *small)},
        period=minute,
        label=f"small answers above {slow_s:g} s, %",
    )
