"""CloudFront and its firewall: what they keep, for whom, and who is refused."""

import json

import pytest

pytestmark = pytest.mark.xdist_group("infra")


@pytest.fixture
def edge(options):
    return options["edge"]


def distribution(edge):
    return edge.one("Edge", "AWS::CloudFront::Distribution")["DistributionConfig"]


def test_pictures_are_kept_as_long_as_the_service_says_and_for_one_key_only(edge):
    policy = edge.one("Edge", "AWS::CloudFront::CachePolicy")["CachePolicyConfig"]
    assert (policy["MinTTL"], policy["DefaultTTL"]) == (0, 0), "private and no-cache are kept not at all"
    assert policy["MaxTTL"] >= 31_536_000
    named = policy["ParametersInCacheKeyAndForwardedToOrigin"]
    assert sorted(named["HeadersConfig"]["Headers"]) == ["Authorization", "X-Api-Key"]
    assert named["QueryStringsConfig"] == {"QueryStringBehavior": "all"}, "a signature is part of the name"
    [pictures] = distribution(edge)["CacheBehaviors"]
    assert pictures["PathPattern"] == "/images/*"
    assert "Ref" in pictures["CachePolicyId"]


def test_all_else_passes_through_with_its_headers_and_its_name(edge):
    default = distribution(edge)["DefaultCacheBehavior"]
    assert default["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # AWS's CachingDisabled
    assert default["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"  # AllViewerExceptHost
    assert "POST" in default["AllowedMethods"]
    assert "x-forwarded-host" in edge.one("Edge", "AWS::CloudFront::Function")["FunctionCode"]


def test_an_address_that_asks_too_often_is_refused_and_told_when_to_come_again(edge):
    firewall = edge.one("Edge", "AWS::WAFv2::WebACL")
    assert firewall["Scope"] == "CLOUDFRONT"
    [rate] = [rule for rule in firewall["Rules"] if "RateBasedStatement" in rule["Statement"]]
    assert rate["Statement"]["RateBasedStatement"]["AggregateKeyType"] == "IP"
    response = rate["Action"]["Block"]["CustomResponse"]
    assert response["ResponseCode"] == 429
    assert response["ResponseHeaders"][0]["Name"] == "Retry-After"
    assert "Firewall" in json.dumps(distribution(edge)["WebACLId"])


def test_the_firewalls_log_holds_no_key_and_no_signature(edge):
    hidden = json.dumps(edge.one("Edge", "AWS::WAFv2::LoggingConfiguration")["RedactedFields"]).lower()
    for field in ("authorization", "x-api-key", "querystring"):
        assert field in hidden


def test_nobody_walks_around_the_firewall(edge):
    group = edge.one("Service", "AWS::EC2::SecurityGroup", containing="LoadBalancer")
    rules = group.get("SecurityGroupIngress", []) + edge.find("Service", "AWS::EC2::SecurityGroupIngress")
    assert not [rule for rule in rules if "CidrIp" in rule]
    assert "pl-" in json.dumps(rules)


def test_the_edge_is_an_option_and_lives_where_cloudfront_looks(edge, dev):
    manifest = json.loads((edge.folder / "manifest.json").read_text())["artifacts"]
    assert manifest["Ganymede-dev-Edge"]["environment"].endswith("/us-east-1")
    assert not list(dev.folder.glob("*-Edge.template.json"))
