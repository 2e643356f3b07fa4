"""The API on ECS: behind a load balancer, scaled by its queue, rolled back when a deployment goes wrong."""

from aws_cdk import Duration, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.configuration import Configuration
from infra.constructs.capacity import add_gpu_capacity, hold_capacity
from infra.constructs.load_balancer import make_load_balancer
from infra.constructs.metrics import GPU_UTILIZATION, QUEUE, gpu_metric, service_metric
from infra.constructs.names import tell
from infra.constructs.retention import make_log_group
from infra.constructs.slow_answers import ALLOWED_PERCENT, measure_slow_answers
from infra.constructs.task import PORT, TaskSources, make_task

TARGET_UTILIZATION_PERCENT = 70
SCALE_IN_COOLDOWN_S = 300
SCALE_OUT_COOLDOWN_S = 60
FAILED_SHARE_PERCENT = 1.0
SLOW_S = 2.0
BALANCER, TARGETS, CLUSTER, SERVICE = "BalancerName", "TargetsName", "ClusterName", "ServiceName"
"""By which the stack tells others of them."""


class ServiceStack(Stack):
    """Cluster, service, load balancer, scaling, and the alarms that stop a bad deployment."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        configuration: Configuration,
        vpc: ec2.IVpc,
        access_logs: s3.IBucket,
        sources: TaskSources,
        env: Environment,
    ) -> None:
        super().__init__(scope, id, env=env)
        self.name = f"ganymede-{configuration.environment}"
        self.on_gpus = configuration.compute == "gpu"
        # GPUs have a cluster of their own: a switch takes none of its providers from a service that runs.
        self.cluster = ecs.Cluster(
            self,
            "GpuCluster" if self.on_gpus else "Cluster",
            vpc=vpc,
            container_insights_v2=ecs.ContainerInsights.ENHANCED,
        )
        self.front = make_load_balancer(self, configuration, vpc=vpc, logs=access_logs)
        group = make_log_group(self, configuration.log_retention_days, kept=configuration.is_production)
        task = make_task(self, configuration, sources, group=group)
        self.service = self._service(configuration, task)
        hold_capacity(self.cluster, self.service)
        for targets in (self.front.targets, self.front.apart):
            targets.add_target(self.service)
        self.service.connections.allow_from(self.front.balancer, ec2.Port.tcp(PORT), "the load balancer")
        self.alarm_names = [self._alarm_name("Failures"), self._alarm_name("Slowness")]
        self.service.enable_deployment_alarms(self.alarm_names, behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM)
        self.service.node.add_dependency(*self._rollback_alarms(group))
        self._scale(configuration)
        self._tell(configuration.environment)

    def _tell(self, environment: str) -> None:
        """What the observers name: it may change, as a load balancer or a service is replaced."""
        tell(self, environment, BALANCER, self.front.balancer.load_balancer_full_name)
        tell(self, environment, TARGETS, self.front.targets.target_group_full_name)
        tell(self, environment, CLUSTER, self.cluster.cluster_name)
        tell(self, environment, SERVICE, self.service.service_name)

    def _service(
        self, configuration: Configuration, task: ecs.TaskDefinition
    ) -> ecs.Ec2Service | ecs.FargateService:
        common = {
            "cluster": self.cluster,
            "task_definition": task,
            "min_healthy_percent": 100,
            "max_healthy_percent": 200,
            "circuit_breaker": ecs.DeploymentCircuitBreaker(rollback=True),
            "health_check_grace_period": Duration.seconds(120),
            "propagate_tags": ecs.PropagatedTagSource.SERVICE,
            "vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            "security_groups": [self._tasks_security_group()],
        }
        if configuration.compute == "fargate":
            if configuration.spot:
                self.cluster.enable_fargate_capacity_providers()
                spare = ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=1)
                common["capacity_provider_strategies"] = [spare]
            return ecs.FargateService(self, "Service", assign_public_ip=False, **common)
        provider = add_gpu_capacity(self, self.cluster, configuration)
        strategy = ecs.CapacityProviderStrategy(capacity_provider=provider.capacity_provider_name, weight=1)
        return ecs.Ec2Service(self, "Service", capacity_provider_strategies=[strategy], **common)

    def _tasks_security_group(self) -> ec2.SecurityGroup:
        """Out by TLS alone: the registry, S3, secrets, logs and metrics; in from the load balancer, later."""
        group = ec2.SecurityGroup(self, "TasksSecurityGroup", vpc=self.cluster.vpc, allow_all_outbound=False)
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS's services")
        return group

    def _scale(self, configuration: Configuration) -> None:
        scaling = self.service.auto_scale_task_count(
            min_capacity=configuration.minimum_tasks, max_capacity=configuration.maximum_tasks
        )
        cooldowns = {
            "scale_in_cooldown": Duration.seconds(SCALE_IN_COOLDOWN_S),
            "scale_out_cooldown": Duration.seconds(SCALE_OUT_COOLDOWN_S),
        }
        if configuration.metrics_agent:
            scaling.scale_to_track_custom_metric(
                "Queue",
                metric=service_metric(QUEUE, self.name),
                target_value=configuration.target_queue_images_per_task,
                **cooldowns,
            )
        if not self.on_gpus:
            scaling.scale_on_cpu_utilization(
                "Cpu", target_utilization_percent=TARGET_UTILIZATION_PERCENT, **cooldowns
            )
        else:
            scaling.scale_to_track_custom_metric(
                "Gpu",
                metric=gpu_metric(GPU_UTILIZATION, self.name),
                target_value=TARGET_UTILIZATION_PERCENT,
                **cooldowns,
            )

    def _alarm_name(self, id: str) -> str:
        return f"{self.name}-{id.lower()}"

    def _rollback_alarms(self, group: logs.LogGroup) -> tuple[cloudwatch.Alarm, cloudwatch.Alarm]:
        minute = Duration.minutes(1)
        everything = self.front.balancer.metrics  # walks and the page too
        failed = everything.http_code_target(
            elb.HttpCodeTarget.TARGET_5XX_COUNT, period=minute, statistic="Sum"
        )
        asked = everything.request_count(period=minute, statistic="Sum")
        share = cloudwatch.MathExpression(
            expression="100 * FILL(failed, 0) / asked",
            using_metrics={"failed": failed, "asked": asked},
            period=minute,
            label="5xx, % of requests",
        )
        slow = measure_slow_answers(self, group, namespace=f"Ganymede/ECS/{self.name}", slow_s=SLOW_S)

        def alarm(id: str, metric: cloudwatch.IMetric, limit: float) -> cloudwatch.Alarm:
            return cloudwatch.Alarm(
                self,
                id,
                alarm_name=self._alarm_name(id),
                metric=metric,
                threshold=limit,
                evaluation_periods=5,
                datapoints_to_alarm=3,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )

        return alarm("Failures", share, FAILED_SHARE_PERCENT), alarm("Slowness", slow, ALLOWED_PERCENT)
