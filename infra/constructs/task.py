"""The ECS task: the service in a read-only container, and the agent that publishes its metrics."""

from dataclasses import dataclass

from aws_cdk import CfnOutput, CfnParameter, Duration, SecretValue, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from infra.configuration import MAX_QUEUE_IMAGES, Configuration
from infra.constructs.acknowledgements import acknowledge
from infra.constructs.bucket_rights import objects_finding, read_prefix
from infra.constructs.metrics import agent_configuration, scrape_configuration
from infra.constructs.release import container_image, digest_parameter
from infra.constructs.retention import KEPT
from infra.constructs.trust import trust

PORT = 8080
LAME_DUCK_S = 15
"""As long as the load balancer takes to notice that a task says 503; see `infra.constructs.load_balancer`."""
DRAIN_TIMEOUT_S = 25
STOP_TIMEOUT_S = 60
WRITABLE = {"tmp": "/tmp", "cache": "/var/cache/ganymede"}  # noqa: S108 - inside the container
AGENT_MEMORY_MIB = 256
SIGNING_KEY_CHARACTERS = 64
_ENTRY = "[A-Za-z0-9._-]+:[0-9a-f]{64}(:(rate_images_per_s|quota_images_per_day)=[0-9a-z.]+)*"
ENTRIES_PATTERN = f"{_ENTRY}(,{_ENTRY})*"


@dataclass(frozen=True)
class TaskSources:
    """What a task is made of: where its models and images lie, and the network it answers in."""

    models: s3.IBucket
    images: ecr.IRepository
    agent_images: ecr.IRepository
    vpc: ec2.IVpc


def make_task(
    stack: Stack, configuration: Configuration, sources: TaskSources, *, group: logs.LogGroup
) -> ecs.TaskDefinition:
    """The task definition for the environment's compute, which logs to `group`; its role reads one prefix."""
    gpu = configuration.compute == "gpu"
    service = f"ganymede-{configuration.environment}"
    role = iam.Role(
        stack,
        "TaskRole",
        assumed_by=trust(stack, "ecs-tasks"),
        inline_policies={"ReadModels": read_prefix(sources.models, configuration.model_prefix)},
    )
    acknowledge(role, {objects_finding(sources.models, configuration.model_prefix): "The models, no more."})
    common = {
        "task_role": role,
        "execution_role": iam.Role(stack, "ExecutionRole", assumed_by=trust(stack, "ecs-tasks")),
        "volumes": [ecs.Volume(name=name) for name in WRITABLE],
        "family": service,
    }
    task = (
        ecs.Ec2TaskDefinition(stack, "Task", network_mode=ecs.NetworkMode.AWS_VPC, **common)
        if gpu
        else ecs.FargateTaskDefinition(
            stack,
            "Task",
            cpu=configuration.task_cpu_units,
            memory_limit_mib=configuration.task_memory_mib,
            runtime_platform=_platform(configuration),
            **common,
        )
    )
    secrets = {"GANYMEDE_API_KEYS": _api_keys(stack), "GANYMEDE_URL_SIGNING_KEYS": _signing_key(stack)}
    digest = digest_parameter(stack, "ImageDigest", "The service's image, from this environment's repository")
    container = task.add_container(
        "service",
        image=container_image(sources.images, digest, task),
        command=["serve"],
        gpu_count=1 if gpu else None,
        cpu=configuration.task_cpu_units if gpu else None,
        memory_limit_mib=configuration.task_memory_mib if gpu else None,
        readonly_root_filesystem=True,
        environment={
            "GANYMEDE_MODELS": f"s3://{sources.models.bucket_name}/{configuration.model_prefix}",
            "GANYMEDE_DEVICE": "cuda" if gpu else "cpu",
            **(
                {"GANYMEDE_DEFAULT_MODEL": configuration.default_model} if configuration.default_model else {}
            ),
            "GANYMEDE_LAME_DUCK_S": str(LAME_DUCK_S),
            "GANYMEDE_DRAIN_TIMEOUT_S": str(DRAIN_TIMEOUT_S),
            "GANYMEDE_MAX_QUEUE_IMAGES": str(MAX_QUEUE_IMAGES),
            "GANYMEDE_RATE_IMAGES_PER_S": str(configuration.images_per_s_per_key),
            # The load balancer alone reaches a task: it is believed about addresses, and with it CloudFront.
            "FORWARDED_ALLOW_IPS": sources.vpc.vpc_cidr_block,
            "GANYMEDE_PROXY_HOPS": "2" if configuration.edge else "1",
        },
        secrets={name: ecs.Secret.from_secrets_manager(secret) for name, secret in secrets.items()},
        port_mappings=[ecs.PortMapping(container_port=PORT)],
        health_check=ecs.HealthCheck(
            command=["CMD", "python", "-m", "ganymede.container", "health"],
            interval=Duration.seconds(10),
            timeout=Duration.seconds(5),
            retries=3,
            start_period=Duration.seconds(120),
        ),
        stop_timeout=Duration.seconds(STOP_TIMEOUT_S),
        logging=ecs.LogDrivers.aws_logs(stream_prefix="service", log_group=group),
    )
    for name, path in WRITABLE.items():
        container.add_mount_points(ecs.MountPoint(source_volume=name, container_path=path, read_only=False))
    if configuration.metrics_agent:
        _add_agent(stack, task, sources.agent_images, group, service)
    _acknowledge_task(task)
    return task


def _platform(configuration: Configuration) -> ecs.RuntimePlatform | None:
    """What Fargate runs the task on; None is its default, x86-64, for which there is no need to say so."""
    if not configuration.graviton:
        return None
    linux = ecs.OperatingSystemFamily.LINUX
    return ecs.RuntimePlatform(cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=linux)


def _add_agent(
    stack: Stack, task: ecs.TaskDefinition, images: ecr.IRepository, group: logs.LogGroup, service: str
) -> None:
    digest = digest_parameter(stack, "AgentImageDigest", "The CloudWatch agent's image")
    task.add_container(
        "cloudwatch-agent",
        image=container_image(images, digest, task),
        essential=False,
        memory_limit_mib=AGENT_MEMORY_MIB,
        environment={
            "PROMETHEUS_CONFIG_CONTENT": scrape_configuration(service, PORT),
            "CW_CONFIG_CONTENT": agent_configuration(group.log_group_name),
        },
        logging=ecs.LogDrivers.aws_logs(stream_prefix="agent", log_group=group),
    )
    group.grant_write(task.task_role)


def _api_keys(stack: Stack) -> secretsmanager.Secret:
    entries = CfnParameter(
        stack,
        "ApiKeyEntries",
        type="String",
        no_echo=True,
        min_length=1,
        description="NAME:SHA256 of each API key, separated by commas; `ganymede key NAME` makes one",
        allowed_pattern=ENTRIES_PATTERN,
    )
    keys = secretsmanager.Secret(
        stack,
        "ApiKeys",
        secret_string_value=SecretValue.cfn_parameter(entries),
        description="Names and sha256 hashes of the API keys, NAME:HASH, separated by commas",
        removal_policy=KEPT,
    )
    acknowledge(
        keys,
        {
            "AwsSolutions-SMG4": "Hashes of keys that people were given; no machine can rotate those.",
            "CKV_AWS_149": "The account's own Secrets Manager key suffices for hashes.",
        },
    )
    return keys


def _signing_key(stack: Stack) -> secretsmanager.Secret:
    key = secretsmanager.Secret(
        stack,
        "UrlSigningKeys",
        description="What the addresses of pictures are signed with; the first of several signs",
        generate_secret_string=secretsmanager.SecretStringGenerator(
            exclude_punctuation=True, password_length=SIGNING_KEY_CHARACTERS
        ),
        removal_policy=KEPT,
    )
    acknowledge(
        key,
        {
            "AwsSolutions-SMG4": "Pages hold addresses signed with it; a new key goes beside the old one.",
            "CKV_AWS_149": "The account's own Secrets Manager key suffices.",
        },
    )
    CfnOutput(stack, "UrlSigningKeysArn", value=key.secret_arn)
    return key


def _acknowledge_task(task: ecs.TaskDefinition) -> None:
    acknowledge(
        task.obtain_execution_role(),
        {"AwsSolutions-IAM5[Resource::*]": "ecr:GetAuthorizationToken has no narrower resource."},
    )
    acknowledge(
        task,
        {
            "AwsSolutions-ECS2": "The variables are sizes and addresses; secrets come as secrets.",
            "CKV_AWS_336": "The service's container is read-only; the agent writes its parsed configuration.",
        },
    )
