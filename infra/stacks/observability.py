"""Eyes and ears: one dashboard, and the alarms that reach a person."""

from aws_cdk import Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.configuration import Configuration
from infra.constructs.metrics import (
    GPU_MEMORY_TOTAL,
    GPU_MEMORY_USED,
    GPU_UTILIZATION,
    IMAGES,
    QUEUE,
    RELOADS,
    gpu_metric,
    service_metric,
)
from infra.constructs.names import learn
from infra.stacks.ecs_service import BALANCER, CLUSTER, SERVICE, TARGETS, ServiceStack
from infra.stacks.sagemaker_realtime import RealtimeEndpointStack

MINUTE = Duration.minutes(1)
GPU_MEMORY_LIMIT_PERCENT = 90
BAD_RELOAD = "refused"
REFUSED_PER_MINUTE = 10


class ObservabilityStack(Stack):
    """Alarms of the service and of the real-time endpoint go to one encrypted topic, by e-mail."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        configuration: Configuration,
        service: ServiceStack,
        endpoint: RealtimeEndpointStack,
        env: Environment,
    ) -> None:
        super().__init__(scope, id, env=env)
        self.name = service.name
        self.topic = self._topic(configuration.alert_email)
        self.queue = service_metric(QUEUE, self.name)
        self.reloads = service_metric(RELOADS, self.name, statistic="Sum", outcome=BAD_RELOAD)
        self.add_stack_dependency(service)
        self.add_stack_dependency(endpoint)
        self._environment = configuration.environment
        self._balancer = {"LoadBalancer": learn(self, self._environment, BALANCER)}
        self._targets = {**self._balancer, "TargetGroup": learn(self, self._environment, TARGETS)}
        self.unhealthy = _balanced("UnHealthyHostCount", "Maximum", self._targets)
        healthy = _balanced("HealthyHostCount", "Minimum", self._targets)
        refused = _balanced("HTTPCode_ELB_5XX_Count", "Sum", self._balancer)
        alarms = [
            self._alarm("Queue", self.queue, configuration.alarming_queue_images_per_task, minutes=5),
            self._alarm("FailedReload", self.reloads, 0, minutes=1),
            self._alarm("UnhealthyHosts", self.unhealthy, 0, minutes=5),
            # Where no task is left, targets answer nothing and have no figures: the balancer's own 503s, and
            # the number of targets, still say so.
            self._alarm("NoAnswer", refused, REFUSED_PER_MINUTE, minutes=3),
            self._alarm("TooFewHosts", healthy, configuration.minimum_tasks, minutes=5, below=True),
        ]
        self.gpu_memory = self._gpu_memory(service)
        if self.gpu_memory:
            alarms.append(self._alarm("GpuMemory", self.gpu_memory, GPU_MEMORY_LIMIT_PERCENT, minutes=5))
        for alarm in alarms:
            alarm.add_alarm_action(actions.SnsAction(self.topic))
            alarm.add_ok_action(actions.SnsAction(self.topic))
        # The deployment's own alarms live in other stacks; here they only learn whom to tell.
        names = [*service.alarm_names, *endpoint.alarm_names]
        others = [cloudwatch.Alarm.from_alarm_name(self, name, name) for name in names]
        self._alert_on_rollback_alarms(others)
        self._dashboard([*alarms, *others])

    def _topic(self, email: str) -> sns.Topic:
        key = kms.Key(
            self,
            "Key",
            enable_key_rotation=True,
            description="Alerts of Ganymede",
            removal_policy=RemovalPolicy.DESTROY,  # what it encrypted was sent
        )
        # Whose alarms may publish the topic's policy says; AWS's own texts give the key no condition.
        key.grant(iam.ServicePrincipal("cloudwatch.amazonaws.com"), "kms:Decrypt", "kms:GenerateDataKey*")
        topic = sns.Topic(self, "Alerts", master_key=key, enforce_ssl=True)
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic

    def _alarm(
        self, id: str, metric: cloudwatch.IMetric, limit: float, *, minutes: int, below: bool = False
    ) -> cloudwatch.Alarm:
        """Alarm for `minutes` above `limit`; or `below` it, where silence is as bad."""
        above = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
        return cloudwatch.Alarm(
            self,
            id,
            alarm_name=f"{self.name}-{id.lower()}",
            metric=metric,
            threshold=limit,
            evaluation_periods=minutes,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD if below else above,
            treat_missing_data=(
                cloudwatch.TreatMissingData.BREACHING if below else cloudwatch.TreatMissingData.NOT_BREACHING
            ),
        )

    def _alert_on_rollback_alarms(self, alarms: list[cloudwatch.IAlarm]) -> None:
        rule = cloudwatch.AlarmRule.any_of(
            *(cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM) for alarm in alarms)
        )
        composite = cloudwatch.CompositeAlarm(
            self,
            "Answers",
            composite_alarm_name=f"{self.name}-answers",
            alarm_description="Answers fail or are slow, on ECS or SageMaker",
            alarm_rule=rule,
        )
        composite.add_alarm_action(actions.SnsAction(self.topic))
        composite.add_ok_action(actions.SnsAction(self.topic))

    def _gpu_memory(self, service: ServiceStack) -> cloudwatch.MathExpression | None:
        if not service.on_gpus:
            return None
        return cloudwatch.MathExpression(
            expression="100 * used / total",
            using_metrics={
                "used": gpu_metric(GPU_MEMORY_USED, self.name, statistic="Maximum"),
                "total": gpu_metric(GPU_MEMORY_TOTAL, self.name, statistic="Maximum"),
            },
            period=MINUTE,
            label="GPU memory, %",
        )

    def _dashboard(self, alarms: list[cloudwatch.IAlarm]) -> None:
        board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self.name)

        def graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
            return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, height=6)

        images = cloudwatch.MathExpression(
            expression="SUM(SEARCH('{Ganymede,model,service} "
            f"service=\"{self.name}\" {IMAGES}', 'Sum'))/60",
            using_metrics={},
            period=MINUTE,
            label="images/s",
        )
        times = [_balanced("TargetResponseTime", s, self._targets) for s in ("p50", "p90", "p99")]
        task = {
            "ClusterName": learn(self, self._environment, CLUSTER),
            "ServiceName": learn(self, self._environment, SERVICE),
        }
        use = [_metric("AWS/ECS", f"{name}Utilization", "Average", task) for name in ("CPU", "Memory")]
        board.add_widgets(cloudwatch.AlarmStatusWidget(alarms=list(alarms), title="Alarms", width=24))
        board.add_widgets(
            graph("Images/s", images),
            graph("Requests", _balanced("RequestCount", "Sum", self._balancer)),
            graph("Answered in, s", *times),
        )
        board.add_widgets(
            graph("Queue, images per task", self.queue),
            graph("Unhealthy hosts · failed reloads", self.unhealthy, self.reloads),
            graph("CPU and memory, %", *use),
        )
        if self.gpu_memory:
            gpu = gpu_metric(GPU_UTILIZATION, self.name)
            board.add_widgets(graph("GPU, %", gpu, self.gpu_memory))


def _balanced(name: str, statistic: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
    return _metric("AWS/ApplicationELB", name, statistic, dimensions)


def _metric(namespace: str, name: str, statistic: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
    """By the minute, and by names: an object of another stack would bring an export with it."""
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        statistic=statistic,
        dimensions_map=dimensions,
        period=MINUTE,
    )
