"""Where tasks run: Fargate for the CPU, EC2 instances with a GPU behind a capacity provider."""

import jsii
from aws_cdk import Aspects, Duration, IAspect, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from infra.configuration import Configuration
from infra.constructs.acknowledgements import acknowledge
from infra.constructs.metrics import gpu_agent_configuration
from infra.constructs.trust import trust

ROOT_VOLUME_GIB = 60
AMI_PARAMETER = "/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"
MAX_LIFETIME_DAYS = 14
"""Then a host makes room for one with the newest AMI; its tasks are drained first."""
AGENT_FOLDER = "/opt/aws/amazon-cloudwatch-agent"


def add_gpu_capacity(
    stack: Stack, cluster: ecs.Cluster, configuration: Configuration
) -> ecs.AsgCapacityProvider:
    """GPU instances that come with the tasks and leave when theirs have drained."""
    role = iam.Role(
        stack,
        "HostRole",
        assumed_by=trust(stack, "ec2"),
        managed_policies=[
            iam.ManagedPolicy.from_aws_managed_policy_name(name)
            for name in (
                "service-role/AmazonEC2ContainerServiceforEC2Role",
                "AmazonSSMManagedInstanceCore",
                "CloudWatchAgentServerPolicy",
            )
        ],
    )
    template = ec2.LaunchTemplate(
        stack,
        "Host",
        instance_type=ec2.InstanceType(configuration.gpu_instance_type),
        machine_image=ec2.MachineImage.resolve_ssm_parameter_at_launch(AMI_PARAMETER),
        role=role,
        security_group=ec2.SecurityGroup(stack, "HostSecurityGroup", vpc=cluster.vpc),
        user_data=_user_data(f"ganymede-{configuration.environment}"),
        require_imdsv2=True,
        http_put_response_hop_limit=1,
        detailed_monitoring=True,
        block_devices=[
            ec2.BlockDevice(
                device_name="/dev/xvda",
                volume=ec2.BlockDeviceVolume.ebs(
                    ROOT_VOLUME_GIB, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3
                ),
            )
        ],
    )
    group = autoscaling.AutoScalingGroup(
        stack,
        "Hosts",
        vpc=cluster.vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        launch_template=template,
        min_capacity=configuration.minimum_tasks,
        max_capacity=configuration.maximum_tasks + configuration.minimum_tasks,  # room for a deployment
        max_instance_lifetime=Duration.days(MAX_LIFETIME_DAYS),
        group_metrics=[autoscaling.GroupMetrics.all()],
    )
    provider = ecs.AsgCapacityProvider(
        stack,
        "Gpu",
        auto_scaling_group=group,
        # A protected host outlives its provider, and the group that holds it can never be deleted
        # (containers-roadmap#2862): a switch to Fargate, or a teardown, would hang and go on costing. That
        # tasks leave a host before it goes is managed draining's work.
        enable_managed_termination_protection=False,
        enable_managed_draining=True,
        spot_instance_draining=False,
        instance_warmup_period=120,
    )
    cluster.add_asg_capacity_provider(provider)
    _acknowledge(role, group)
    return provider


def hold_capacity(cluster: ecs.Cluster, service: ecs.BaseService) -> None:
    """Bind the cluster to its capacity providers before `service` is made, and until it is gone.

    ECS lets no provider go that a service uses, and CDK binds them while it synthesizes, without this order.
    """
    Aspects.of(cluster).add(_Before(service))


@jsii.implements(IAspect)
class _Before:
    def __init__(self, service: ecs.BaseService) -> None:
        self._service = service

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, ecs.CfnClusterCapacityProviderAssociations):
            self._service.node.add_dependency(node)


def _user_data(service: str) -> ec2.UserData:
    """Tasks get their own role's credentials, never the host's: the agent keeps them from the metadata."""
    data = ec2.UserData.for_linux()
    data.add_commands(
        "echo ECS_AWSVPC_BLOCK_IMDS=true >> /etc/ecs/ecs.config",
        "dnf install -y amazon-cloudwatch-agent",
        f"cat > {AGENT_FOLDER}/etc/gpu.json <<'JSON'",
        gpu_agent_configuration(service),
        "JSON",
        f"{AGENT_FOLDER}/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s"
        f" -c file:{AGENT_FOLDER}/etc/gpu.json",
    )
    return data


def _acknowledge(role: iam.Role, group: autoscaling.AutoScalingGroup) -> None:
    why = "AWS keeps this policy in step with what its agent on the host needs."
    policies = (
        "service-role/AmazonEC2ContainerServiceforEC2Role",
        "AmazonSSMManagedInstanceCore",
        "CloudWatchAgentServerPolicy",
    )
    acknowledge(
        role,
        {
            f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{policy}]": why
            for policy in policies
        }
        | {
            "AwsSolutions-IAM5[Action::ecs:Submit*]": "CDK's grant to the ECS agent, for this cluster alone.",
            "CKV_AWS_111": "CDK's grant to the ECS agent: what can be bound to the cluster is.",
            "AwsSolutions-IAM5[Resource::*]": "ECS's telemetry and discovery actions take no resource.",
        },
    )
    acknowledge(
        group,
        {"AwsSolutions-AS3": "ECS moves these instances; the alarms watch the service, not each launch."},
    )
