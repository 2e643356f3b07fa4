"""The network: public subnets for the load balancer alone, private ones for everything that computes."""

from aws_cdk import Environment, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.acknowledgements import acknowledge

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
                    destination=ec2.FlowLogDestination.to_cloud_watch_logs(flow_logs),
                    traffic_type=ec2.FlowLogTrafficType.ALL,
                )
            },
        )
