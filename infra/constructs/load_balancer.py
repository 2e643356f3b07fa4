"""The load balancer: TLS when there is a certificate, and never a public /metrics."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_s3 as s3

from infra.configuration import Configuration
from infra.constructs.acknowledgements import acknowledge
from infra.constructs.task import DRAIN_TIMEOUT_S, PORT

IDLE_TIMEOUT_S = 65
HEALTH_PATH = "/readyz"
METRICS_PATTERNS = ["/metrics", "/%*"]
"""The balancer compares paths as they are written: no path of the service begins with an escape."""


def make_load_balancer(
    stack: Stack, configuration: Configuration, *, vpc: ec2.IVpc, logs: s3.IBucket
) -> tuple[elb.ApplicationLoadBalancer, elb.ApplicationTargetGroup]:
    """An application load balancer and the target group whose members answer /readyz."""
    group = ec2.SecurityGroup(stack, "LoadBalancerSecurityGroup", vpc=vpc, allow_all_outbound=False)
    balancer = elb.ApplicationLoadBalancer(
        stack,
        "LoadBalancer",
        vpc=vpc,
        internet_facing=True,
        security_group=group,
        idle_timeout=Duration.seconds(IDLE_TIMEOUT_S),
        drop_invalid_header_fields=True,
        deletion_protection=configuration.is_production,
    )
    balancer.log_access_logs(logs, "load-balancer")
    targets = elb.ApplicationTargetGroup(
        stack,
        "Targets",
        vpc=vpc,
        port=PORT,
        protocol=elb.ApplicationProtocol.HTTP,
        target_type=elb.TargetType.IP,
        stickiness_cookie_duration=Duration.hours(1),  # the page's events find the task that drew it
        deregistration_delay=Duration.seconds(DRAIN_TIMEOUT_S + 5),
        load_balancing_algorithm_type=elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
        health_check=elb.HealthCheck(
            path=HEALTH_PATH,
            healthy_http_codes="200",
            interval=Duration.seconds(10),
            timeout=Duration.seconds(5),
            healthy_threshold_count=2,
            unhealthy_threshold_count=3,
        ),
    )
    _add_listeners(configuration, balancer, targets)
    clients = ec2.Peer.ipv4(configuration.client_cidr)
    for port in (443, 80) if configuration.certificate_arn else (80,):
        group.add_ingress_rule(clients, ec2.Port.tcp(port), "clients")
    acknowledge(
        group,
        {
            "AwsSolutions-EC23": "A public API: TLS, API keys and a rate limit stand behind it.",
            "CKV_AWS_260": "Port 80 only redirects to HTTPS, or is open to client_cidr alone.",
        },
    )
    _acknowledge(balancer, targets)
    return balancer, targets


def _add_listeners(
    configuration: Configuration, balancer: elb.ApplicationLoadBalancer, targets: elb.ApplicationTargetGroup
) -> None:
    forward = elb.ListenerAction.forward([targets])
    if configuration.certificate_arn:
        balancer.add_redirect(open=False)
        listener = balancer.add_listener(
            "Https",
            port=443,
            open=False,
            certificates=[elb.ListenerCertificate.from_arn(configuration.certificate_arn)],
            ssl_policy=elb.SslPolicy.TLS13_RES,
            default_action=forward,
        )
    else:
        listener = balancer.add_listener("Http", port=80, open=False, default_action=forward)
    listener.add_action(
        "Metrics",
        priority=1,
        conditions=[elb.ListenerCondition.path_patterns(METRICS_PATTERNS)],
        action=elb.ListenerAction.fixed_response(404),
    )


def _acknowledge(balancer: elb.ApplicationLoadBalancer, targets: elb.ApplicationTargetGroup) -> None:
    narrow = "Without a certificate only client_cidr, never the internet, reaches the listener."
    acknowledge(
        balancer,
        {
            "CKV_AWS_2": narrow,
            "CKV_AWS_103": narrow,
            "CKV_AWS_150": "Deletion protection is on in prod; dev is made and thrown away.",
        },
    )
    acknowledge(
        targets, {"CKV_AWS_378": "TLS ends at the load balancer; the way to the task stays in the VPC."}
    )
