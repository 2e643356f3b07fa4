"""The edge: CloudFront, a cache of pictures that knows keys, and a firewall that counts by address."""

from aws_cdk import CfnOutput, Duration, Environment, Fn, RemovalPolicy, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.configuration import Configuration
from infra.constructs.acknowledgements import acknowledge
from infra.constructs.origin_secret import HEADER, find_origin_secret
from infra.constructs.retention import retention

KEY_HEADERS = ("Authorization", "X-Api-Key")
"""Part of a cached picture's name: what one key was answered goes to no other."""
PICTURES = "/images/*"
READ_TIMEOUT_S = 60
WINDOW_S = 300
TELL_HOST = """
function handler(event) {
  var request = event.request;
  request.headers['x-forwarded-host'] = {value: request.headers.host.value};
  return request;
}
"""
"""The page compares its browser's Origin with the name it was asked by, which the origin does not see."""


class EdgeStack(Stack):
    """A distribution and its firewall, in the one region where CloudFront looks for them."""

    def __init__(self, scope: Construct, id: str, *, configuration: Configuration, env: Environment) -> None:
        super().__init__(scope, id, env=env)
        self._configuration = configuration
        firewall = self._firewall()
        origin = origins.HttpOrigin(
            configuration.domain or "",
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
            read_timeout=Duration.seconds(READ_TIMEOUT_S),
            custom_headers={HEADER: find_origin_secret(configuration)},
        )
        redirect = cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            web_acl_id=firewall.attr_arn,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            **self._names(),
            default_behavior=cloudfront.BehaviorOptions(
                origin=origin,
                allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                viewer_protocol_policy=redirect,
                cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
                function_associations=[self._tell_host()],
                compress=False,
            ),
            additional_behaviors={
                PICTURES: cloudfront.BehaviorOptions(
                    origin=origin,
                    allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
                    viewer_protocol_policy=redirect,
                    cache_policy=self._picture_cache(),
                    compress=False,
                )
            },
        )
        self._acknowledge()
        name = configuration.edge_domain or self.distribution.distribution_domain_name
        CfnOutput(self, "Url", value=f"https://{name}")
        if configuration.edge_domain:
            record = f"{configuration.edge_domain} CNAME {self.distribution.distribution_domain_name}"
            CfnOutput(self, "RecordToMake", value=record)

    def _names(self) -> dict[str, object]:
        domain, certificate = self._configuration.edge_domain, self._configuration.edge_certificate_arn
        if domain is None or certificate is None:
            return {}
        found = acm.Certificate.from_certificate_arn(self, "Certificate", certificate)
        return {"domain_names": [domain], "certificate": found}

    def _tell_host(self) -> cloudfront.FunctionAssociation:
        function = cloudfront.Function(
            self,
            "TellHost",
            code=cloudfront.FunctionCode.from_inline(TELL_HOST),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
        )
        return cloudfront.FunctionAssociation(
            function=function, event_type=cloudfront.FunctionEventType.VIEWER_REQUEST
        )

    def _picture_cache(self) -> cloudfront.CachePolicy:
        """As long as the service says, and what it calls private not at all."""
        return cloudfront.CachePolicy(
            self,
            "Pictures",
            comment="Pictures by address, query and API key",
            min_ttl=Duration.seconds(0),
            default_ttl=Duration.seconds(0),
            max_ttl=Duration.days(365),
            header_behavior=cloudfront.CacheHeaderBehavior.allow_list(*KEY_HEADERS),
            query_string_behavior=cloudfront.CacheQueryStringBehavior.all(),
            cookie_behavior=cloudfront.CacheCookieBehavior.none(),
        )

    def _firewall(self) -> waf.CfnWebACL:
        name = f"ganymede-{self._configuration.environment}"

        def show(rule: str) -> waf.CfnWebACL.VisibilityConfigProperty:
            return waf.CfnWebACL.VisibilityConfigProperty(
                cloud_watch_metrics_enabled=True, metric_name=f"{name}-{rule}", sampled_requests_enabled=True
            )

        by_address = waf.CfnWebACL.RateBasedStatementProperty(
            aggregate_key_type="IP",
            limit=self._configuration.edge_requests_per_address,
            evaluation_window_sec=WINDOW_S,
        )
        bad_inputs = waf.CfnWebACL.ManagedRuleGroupStatementProperty(
            vendor_name="AWS", name="AWSManagedRulesKnownBadInputsRuleSet"
        )
        refuse = waf.CfnWebACL.BlockActionProperty(
            custom_response=waf.CfnWebACL.CustomResponseProperty(
                response_code=429,
                response_headers=[
                    waf.CfnWebACL.CustomHTTPHeaderProperty(name="Retry-After", value=str(WINDOW_S))
                ],
            )
        )
        firewall = waf.CfnWebACL(
            self,
            "Firewall",
            scope="CLOUDFRONT",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=show("all"),
            rules=[
                waf.CfnWebACL.RuleProperty(
                    name="RateByAddress",
                    priority=0,
                    action=waf.CfnWebACL.RuleActionProperty(block=refuse),
                    statement=waf.CfnWebACL.StatementProperty(rate_based_statement=by_address),
                    visibility_config=show("rate"),
                ),
                waf.CfnWebACL.RuleProperty(
                    name="KnownBadInputs",
                    priority=1,
                    override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
                    statement=waf.CfnWebACL.StatementProperty(managed_rule_group_statement=bad_inputs),
                    visibility_config=show("bad-inputs"),
                ),
            ],
        )
        self._log(firewall, name)
        return firewall

    def _log(self, firewall: waf.CfnWebACL, name: str) -> None:
        group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"aws-waf-logs-{name}",  # WAF writes to groups of such names alone
            retention=retention(self._configuration.log_retention_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(
            group,
            {
                "CKV_AWS_158": "CloudWatch's own key encrypts them; keys and signatures are left out.",
                "CKV_AWS_338": "How long they are kept is the environment's choice (log_retention_days).",
            },
        )
        # WAF takes the group's ARN without the `:*` behind it.
        destination = Fn.select(0, Fn.split(":*", group.log_group_arn))
        field = waf.CfnLoggingConfiguration.FieldToMatchProperty
        hidden = [field(single_header={"Name": header.lower()}) for header in (*KEY_HEADERS, "cookie")]
        waf.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=firewall.attr_arn,
            log_destination_configs=[destination],
            redacted_fields=[*hidden, field(query_string={})],
        )

    def _acknowledge(self) -> None:
        logged = "The firewall logs every request, and the load balancer those that reach it."
        own = "Without a name of one's own CloudFront's certificate sets the protocols."
        acknowledge(
            self.distribution,
            {
                "AwsSolutions-CFR1": "Pictures are for everyone; who may ask is told by keys.",
                "AwsSolutions-CFR3": logged,
                "CKV_AWS_86": logged,
                "AwsSolutions-CFR4": own,
                "CKV_AWS_174": own,
                "CKV_AWS_305": "There is no root object: every address is an endpoint of the service.",
                "CKV_AWS_310": "There is one service to ask; ECS and the load balancer replace its tasks.",
                "CKV_AWS_374": "Pictures are for everyone; who may ask is told by keys.",
            },
        )
