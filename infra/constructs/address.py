"""The name that clients ask by: its record and its certificate, or what is left to do for it."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as route53_targets

from infra.configuration import Configuration


class Address:
    """The domain of one environment; without one the load balancer's own name, over plain HTTP."""

    def __init__(self, stack: Stack, configuration: Configuration) -> None:
        self._stack = stack
        self._domain = configuration.domain
        self._certificate_arn = configuration.certificate_arn
        zone = configuration.hosted_zone_id
        self._zone = (
            None
            if zone is None or self._domain is None
            else route53.HostedZone.from_hosted_zone_attributes(
                stack,
                "Zone",
                hosted_zone_id=zone,
                zone_name=self._domain,  # records are given by their whole name, so this is enough
            )
        )

    def certify(self) -> elb.IListenerCertificate | None:
        """The certificate that is given, or a new one that the zone proves; None without a domain."""
        if self._certificate_arn:
            return elb.ListenerCertificate.from_arn(self._certificate_arn)
        if self._zone is None or self._domain is None:
            return None
        validation = acm.CertificateValidation.from_dns(self._zone)
        made = acm.Certificate(self._stack, "Certificate", domain_name=self._domain, validation=validation)
        return elb.ListenerCertificate.from_certificate_manager(made)

    def point_to(self, balancer: elb.ApplicationLoadBalancer) -> None:
        """Let clients find `balancer`: make the record where the zone is ours, else say which one to make."""
        address = balancer.load_balancer_dns_name
        if self._domain is None:
            CfnOutput(self._stack, "Url", value=f"http://{address}")
            return
        CfnOutput(self._stack, "Url", value=f"https://{self._domain}")
        if self._zone is None:
            CfnOutput(self._stack, "RecordToMake", value=f"{self._domain} CNAME {address}")
            return
        target = route53.RecordTarget.from_alias(route53_targets.LoadBalancerTarget(balancer))
        route53.ARecord(self._stack, "Name", zone=self._zone, record_name=f"{self._domain}.", target=target)
