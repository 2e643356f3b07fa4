"""CloudFront and its firewall: what they keep, for whom, and who is refused."""

import fnmatch
import json
import re

import pytest

from tests.infra.walking import resources

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


SECRET = re.compile(r"\{\{resolve:secretsmanager:.*:SecretString:::\}\}")


def shown_header(edge):
    [origin] = distribution(edge)["Origins"]
    [header] = origin["OriginCustomHeaders"]
    return header


def answer(edge, path, **headers):
    """What the balancer's rules do with a request: the status of a fixed response, or the targets' name."""
    rules = edge.find("Service", "AWS::ElasticLoadBalancingV2::ListenerRule")
    for rule in sorted(rules, key=lambda each: each["Priority"]):
        met = []
        for condition in rule["Conditions"]:
            if "PathPatternConfig" in condition:
                patterns = condition["PathPatternConfig"]["Values"]
                met.append(any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns))
            else:
                field = condition["HttpHeaderConfig"]
                met.append(headers.get(field["HttpHeaderName"]) in map(flatten, field["Values"]))
        if all(met):
            return outcome(rule["Actions"][0])
    [listener] = [
        each for each in edge.find("Service", "AWS::ElasticLoadBalancingV2::Listener") if each["Port"] == 443
    ]
    return outcome(listener["DefaultActions"][0])


def outcome(action):
    if action["Type"] == "fixed-response":
        return action["FixedResponseConfig"]["StatusCode"]
    return re.match("[A-Za-z]+", action["TargetGroupArn"]["Ref"])[0]


def flatten(value):
    """A value of a template as one text; what CloudFormation knows later as `?`."""
    return (
        value
        if isinstance(value, str)
        else "".join(p if isinstance(p, str) else "?" for p in value["Fn::Join"][1])
    )


def test_the_balancer_takes_nothing_from_another_distribution_than_ours(edge):
    """CloudFront's addresses are everybody's who has a distribution, so they alone let nobody in."""
    [rule] = [
        condition["HttpHeaderConfig"]
        for each in edge.find("Service", "AWS::ElasticLoadBalancingV2::ListenerRule")
        for condition in each["Conditions"]
        if each["Priority"] == 10
    ]
    [value] = map(flatten, rule["Values"])
    assert SECRET.fullmatch(value)
    shown = {rule["HttpHeaderName"]: value}
    for path in ("/generate", "/images/m@v1/7.png", "/ui/", "/latent-walk", "/project", "/invocations", "/"):
        assert answer(edge, path) == "403", path
        assert answer(edge, path, **{rule["HttpHeaderName"]: "guessed"}) == "403", path
        assert answer(edge, path, **{"X-Forwarded-For": "192.0.2.1"}) == "403", path
        assert answer(edge, path, **shown) in ("Targets", "Pages"), path
    assert answer(edge, "/latent-walk", **shown) == answer(edge, "/invocations", **shown) == "Pages"
    assert answer(edge, "/generate", **shown) == "Targets"
    assert answer(edge, "/metrics", **shown) == "404"


def test_a_secret_that_is_exchanged_is_taken_beside_the_old_one_until_cloudfront_shows_it(edge, options):
    """As both stacks are deployed one after the other, and CloudFront takes minutes."""
    rotating = options["rotating"]
    secrets = {
        name: logical
        for assembly in (edge, rotating)
        for logical, each in assembly.template("Service")["Resources"].items()
        if (name := each.get("Properties", {}).get("Name")) and each["Type"] == "AWS::SecretsManager::Secret"
    }
    assert list(secrets) == ["ganymede-dev-edge", "ganymede-dev-edge-2"]
    assert "ganymede-dev-edge-2" in shown_header(rotating)["HeaderValue"]
    assert "ganymede-dev-edge-2" not in shown_header(edge)["HeaderValue"]
    rules = rotating.find("Service", "AWS::ElasticLoadBalancingV2::ListenerRule")
    taken = {
        json.dumps(condition["HttpHeaderConfig"]["Values"])
        for rule in rules
        for condition in rule["Conditions"]
        if "HttpHeaderConfig" in condition
    }
    [both] = taken
    assert all(f'"{logical}"' in both for logical in secrets.values())
    for path in ("/generate", "/ui/", "/latent-walk", "/project", "/invocations"):
        assert answer(rotating, path) == "403", path
        assert answer(rotating, path, **{"X-Ganymede-Edge": SHOWN}) in ("Targets", "Pages"), path


SHOWN = "{{resolve:secretsmanager:?:SecretString:::}}"


def test_our_distribution_shows_the_secret_by_the_name_that_it_has_in_its_own_region_too(edge):
    header = shown_header(edge)
    secret = edge.one("Service", "AWS::SecretsManager::Secret", containing="ReplicaRegions")
    assert secret["Name"] in header["HeaderValue"]
    assert SECRET.fullmatch(header["HeaderValue"])
    assert [each["Region"] for each in secret["ReplicaRegions"]] == ["us-east-1"]
    generated = secret["GenerateSecretString"]
    assert generated["ExcludePunctuation"] is True, "`*` and `?` stand for anything in a rule"
    assert 32 <= generated["PasswordLength"] <= 128, "a rule compares 128 characters at most"
    assert not re.match(r"(?i)x-(amz|edge)-", header["HeaderName"]), "CloudFront refuses those"
    rules = json.dumps(edge.find("Service", "AWS::ElasticLoadBalancingV2::ListenerRule"))
    assert rules.count(f'"{header["HeaderName"]}"') == 3
    manifest = json.loads((edge.folder / "manifest.json").read_text())["artifacts"]
    assert "Ganymede-dev-Service" in manifest["Ganymede-dev-Edge"]["dependencies"]


def test_a_client_behind_the_edge_has_its_own_address_and_not_the_edges(edge, dev):
    for assembly, hops in ((edge, "2"), (dev, "1")):
        task = assembly.one("Service", "AWS::ECS::TaskDefinition")
        variables = {e["Name"]: e["Value"] for e in task["ContainerDefinitions"][0]["Environment"]}
        assert variables["GANYMEDE_PROXY_HOPS"] == hops
    for policy in resources(edge, "AWS::CloudFront::OriginRequestPolicy").values():
        assert "x-forwarded-for" not in json.dumps(policy).lower()


def test_every_rule_is_one_that_a_balancer_takes(options, prod):
    for assembly in (*options.values(), prod):
        found = resources(assembly, "AWS::ElasticLoadBalancingV2::ListenerRule")
        assert len({rule["Priority"] for rule in found.values()}) == len(found)
        for name, rule in found.items():
            values = [
                flatten(value)
                for condition in rule["Conditions"]
                for field in ("PathPatternConfig", "HttpHeaderConfig")
                for value in condition.get(field, {}).get("Values", [])
            ]
            assert len(values) <= 5, name
            assert "".join(values).count("*") <= 6, name


def test_the_deploy_role_deploys_the_edge_in_its_own_region(edge, dev):
    for assembly, regions in ((edge, {"eu-central-1", "us-east-1"}), (dev, {"eu-central-1"})):
        text = json.dumps(assembly.find("DeployRole", "AWS::IAM::Policy"))
        assert (
            set(re.findall(r"-(?:deploy|lookup|file-publishing)-role-.{0,60}?(eu-central-1|us-east-1)", text))
            == regions
        )
        assert set(re.findall(r"arn:aws:cloudformation:(eu-central-1|us-east-1):", text)) == regions
