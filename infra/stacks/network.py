"""The network: public subnets for the load balancer alone, private ones for everything that computes."""

from aws_cdk import Environment, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.acknowledgements import acknowledge
from infra.constructs.trust import trust

MAX_ZONES = 2


class NetworkStack(Stack):
    """A VPC over two zones with flow logs; the traffic to S3 stays inside AWS."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        nat_gateways: int,
        retention: logs.RetentionDays,
        env: Environment,
    ) -> None:
        super().__init__(scope, id, env=env)
        flow_logs = logs.LogGroup(self, "FlowLogs", retention=retention, removal_policy=RemovalPolicy.DESTROY)
        acknowledge(
            flow_logs,
            {
                "CKV_AWS_158": "CloudWatch encrypts logs with its own key; flow logs hold addresses only.",
                "CKV_AWS_338": "How long they are kept is the environment's choice (log_retention_days).",
            },
        )
        writer = iam.Role(self, "FlowLogsRole", assumed_by=trust(self, "vpc-flow-logs"))
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=MAX_ZONES,
            nat_gateways=nat_gateways,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=24,
                    map_public_ip_on_launch=False,
                ),
                ec2.SubnetConfiguration(
                    name="private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20
                ),
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)
            },
            flow_logs={
                "All": ec2.FlowLogOptions(
                    destination=ec2.FlowLogDestination.to_cloud_watch_logs(flow_logs, writer),
                    traffic_type=ec2.FlowLogTrafficType.ALL,
                )
            },
        )
        # Told whoever reads them now: an export that a stack reads can go no more.
        for value in (self.vpc.vpc_id, self.vpc.vpc_cidr_block):
            self.export_value(value)
        for subnet in (*self.vpc.public_subnets, *self.vpc.private_subnets):
            self.export_value(subnet.subnet_id)
