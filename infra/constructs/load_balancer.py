"""The load balancer: TLS when there is a certificate, and never a public /metrics."""

from dataclasses import dataclass

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_s3 as s3

from infra.configuration import Configuration
from infra.constructs.acknowledgements import acknowledge
from infra.constructs.address import Address
from infra.constructs.origin_secret import HEADER, make_origin_secrets
from infra.constructs.task import DRAIN_TIMEOUT_S, PORT

IDLE_TIMEOUT_S = 65
HEALTH_PATH = "/readyz"
HEALTH_INTERVAL_S, HEALTH_TIMEOUT_S, UNHEALTHY_COUNT = 5, 4, 2
"""A task that is to end is out of the balance after 2 × 5 + 4 s, within its lame duck's time."""
METRICS_PATTERNS = ["/metrics*", "/%*", "/m%*", "/me*%*"]
"""The balancer compares paths as they are written; with escapes `/metrics` has one of these forms, nothing
else of the service begins so."""
VALUES_A_RULE = 5
"""That a rule of the balancer's may compare with, its wildcards being six at most."""
APART_PATTERNS = ["/ui", "/ui/*", "/latent-walk", "/project", "/invocations"]
"""Whose times say nothing of the pictures': a walk takes long because much was asked for, a file no time."""


@dataclass(frozen=True)
class Front:
    """What stands before the tasks."""

    balancer: elb.ApplicationLoadBalancer
    targets: elb.ApplicationTargetGroup
    """For pictures."""
    apart: elb.ApplicationTargetGroup
    """For walks, what SageMaker's clients ask for, and the page's files."""
    clients: ec2.SecurityGroup
    """Who may reach the balancer."""


def make_load_balancer(
    stack: Stack, configuration: Configuration, *, vpc: ec2.IVpc, logs: s3.IBucket
) -> Front:
    """An application load balancer and two target groups whose members answer /readyz."""
    group = ec2.SecurityGroup(stack, "LoadBalancerSecurityGroup", vpc=vpc, allow_all_outbound=False)
    balancer = elb.ApplicationLoadBalancer(
        stack,
        "LoadBalancer",
        vpc=vpc,
        internet_facing=not configuration.internal,
        security_group=group,
        idle_timeout=Duration.seconds(IDLE_TIMEOUT_S),
        drop_invalid_header_fields=True,
        deletion_protection=configuration.is_production,
    )
    balancer.log_access_logs(logs, "load-balancer")
    # A balancer that goes inside, or out, is another one, and a target group never has two.
    place = "Inside" if configuration.internal else ""
    targets = _targets(stack, f"Targets{place}", vpc)
    apart = _targets(stack, f"Pages{place}", vpc)  # as it was called first: another name would replace it
    address = Address(stack, configuration)
    secrets = make_origin_secrets(stack, configuration) if configuration.edge else []
    _add_listeners(balancer, targets, apart, certificate=address.certify(), secrets=secrets)
    clients, ports = ec2.Peer.ipv4(configuration.client_cidr), (443, 80) if configuration.tls else (80,)
    if configuration.edge and configuration.edge_prefix_list:  # else the firewall could be walked around
        clients, ports = ec2.Peer.prefix_list(configuration.edge_prefix_list), (443,)
    for port in ports:
        group.add_ingress_rule(clients, ec2.Port.tcp(port), "clients")
    acknowledge(
        group,
        {
            "AwsSolutions-EC23": "A public API: TLS, API keys and a rate limit stand behind it.",
            "CKV_AWS_260": "Port 80 only redirects to HTTPS, or is open to client_cidr alone.",
        },
    )
    _acknowledge(balancer, targets, apart)
    address.point_to(balancer)
    CfnOutput(stack, "ClientsSecurityGroup", value=group.security_group_id)
    return Front(balancer, targets, apart, group)


def _targets(stack: Stack, id: str, vpc: ec2.IVpc) -> elb.ApplicationTargetGroup:
    return elb.ApplicationTargetGroup(
        stack,
        id,
        vpc=vpc,
        port=PORT,
        protocol=elb.ApplicationProtocol.HTTP,
        target_type=elb.TargetType.IP,
        deregistration_delay=Duration.seconds(DRAIN_TIMEOUT_S + 5),
        load_balancing_algorithm_type=elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
        health_check=elb.HealthCheck(
            path=HEALTH_PATH,
            healthy_http_codes="200",
            interval=Duration.seconds(HEALTH_INTERVAL_S),
            timeout=Duration.seconds(HEALTH_TIMEOUT_S),
            healthy_threshold_count=2,
            unhealthy_threshold_count=UNHEALTHY_COUNT,
        ),
    )


def _add_listeners(
    balancer: elb.ApplicationLoadBalancer,
    targets: elb.ApplicationTargetGroup,
    apart: elb.ApplicationTargetGroup,
    *,
    certificate: elb.IListenerCertificate | None,
    secrets: list[str],
) -> None:
    """Where there are `secrets`, what shows none of them is refused, whatever address it comes from.

    The listener of port 80 is one and the same with a certificate and without: a balancer has no second one
    on a port, not even while the first is about to go.
    """
    shown = [elb.ListenerCondition.http_header(HEADER, secrets)] if secrets else []
    forward = elb.ListenerAction.forward([targets])
    default = elb.ListenerAction.fixed_response(403) if shown else forward
    to_tls = elb.ListenerAction.redirect(port="443", protocol="HTTPS", permanent=True)
    listener = balancer.add_listener(
        "Http", port=80, open=False, default_action=to_tls if certificate else default
    )
    if certificate:
        listener = balancer.add_listener(
            "Https",
            port=443,
            open=False,
            certificates=[certificate],
            ssl_policy=elb.SslPolicy.TLS13_RES,
            default_action=default,
        )
    listener.add_action(
        "Metrics",
        priority=1,
        conditions=[elb.ListenerCondition.path_patterns(METRICS_PATTERNS)],
        action=elb.ListenerAction.fixed_response(404),
    )
    room = VALUES_A_RULE - len(secrets)
    for number, start in enumerate(range(0, len(APART_PATTERNS), room)):
        patterns = elb.ListenerCondition.path_patterns(APART_PATTERNS[start : start + room])
        listener.add_action(
            f"Page{number or ''}",
            priority=2 + number,
            conditions=[*shown, patterns],
            action=elb.ListenerAction.forward([apart]),
        )
    if shown:
        listener.add_action("Pictures", priority=10, conditions=shown, action=forward)


def _acknowledge(balancer: elb.ApplicationLoadBalancer, *targets: elb.ApplicationTargetGroup) -> None:
    narrow = "Without a certificate only client_cidr, never the internet, reaches the listener."
    acknowledge(
        balancer,
        {
            "CKV_AWS_2": narrow,
            "CKV_AWS_103": narrow,
            "CKV_AWS_150": "Deletion protection is on in prod; dev is made and thrown away.",
        },
    )
    for group in targets:
        acknowledge(
            group, {"CKV_AWS_378": "TLS ends at the load balancer; the way to the task stays in the VPC."}
        )
