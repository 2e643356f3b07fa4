"""Every option can be switched in an account that is in use: nothing that is read goes or changes."""

import itertools
import json
import re

import pytest
from pydantic import ValidationError

from infra.app import read_context
from infra.configuration import Configuration

pytestmark = pytest.mark.xdist_group("infra")
CERTIFICATE = "arn:aws:acm:eu-central-1:222222222222:certificate/1"
ZONE = {"domain": "pictures.ganymede.test", "hosted_zone_id": "Z0123456789"}


def dev(**changes):
    values = read_context("dev")["environments"]["dev"] | {"environment": "dev"} | changes
    return Configuration.model_validate(values)


def exports_of(assembly):
    """What each stack exports: name to value and the resource behind it."""
    return {
        output["Export"]["Name"]: output["Value"]
        for path in assembly.folder.glob("*.template.json")
        for output in json.loads(path.read_text()).get("Outputs", {}).values()
        if "Export" in output
    }


def imports_of(node):
    """The names of the exports that a template reads, wherever they stand in it."""
    if isinstance(node, dict):
        if set(node) == {"Fn::ImportValue"}:
            yield node["Fn::ImportValue"]
        for value in node.values():
            yield from imports_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from imports_of(value)


def test_no_switch_of_an_option_takes_an_export_away_that_another_stack_reads(options):
    read = {
        name: {
            found
            for path in assembly.folder.glob("*.template.json")
            for found in imports_of(json.loads(path.read_text()))
        }
        for name, assembly in options.items()
    }
    told = {name: exports_of(assembly) for name, assembly in options.items()}
    assert len(options) >= 5
    for before, after in itertools.permutations(options, 2):
        assert read[before]
        for export in read[before]:
            assert told[after].get(export) == told[before][export], f"{before} → {after}: {export}"


def test_the_exports_are_of_what_no_option_replaces(options):
    """A value that is read can no more change than go: only what is never replaced is exported."""
    for assembly in options.values():
        stacks = {
            path.name.split(".")[0].rsplit("-", 1)[1]
            for path in assembly.folder.glob("*.template.json")
            if any("Export" in o for o in json.loads(path.read_text()).get("Outputs", {}).values())
        }
        assert stacks <= {"Storage", "Network"}


NAMED = re.compile(r"Name|[A-Za-z]+Name")
NOT_OWN = {
    "PolicyName",
    "ContainerName",
    "VolumeName",
    "HeaderName",
    "CapacityProviderName",
    "MetricName",
    "VariantName",
}
"""Names inside a resource, which may stand in many."""

OF_DOMAIN = {"AWS::Route53::RecordSet", "AWS::CertificateManager::Certificate"}
"""Named as their owner says."""


def names_of(assembly):
    """The resources with a name that the template gives: kind and name to logical name."""
    found = {}
    for path in assembly.folder.glob("*.template.json"):
        for logical, resource in json.loads(path.read_text())["Resources"].items():
            for field, value in resource.get("Properties", {}).items():
                if NAMED.fullmatch(field) and field not in NOT_OWN and isinstance(value, str):
                    assert (resource["Type"], value) not in found, f"{value} twice"
                    found[resource["Type"], value] = f"{path.name}/{logical}"
    return found


def test_no_switch_makes_a_second_thing_of_a_name_before_the_first_is_gone(options):
    """CloudFormation makes what is new before it deletes what is old."""
    named = {option: names_of(assembly) for option, assembly in options.items()}
    assert len(named["plain"]) >= 10
    for before, after in itertools.permutations(options, 2):
        for name in named[before].keys() & named[after].keys():
            assert named[before][name] == named[after][name], f"{before} → {after}: {name}"


def test_every_name_of_ours_holds_the_environments_so_that_two_may_stand_in_one_account(options, prod):
    for assembly in (*options.values(), prod):
        for kind, name in names_of(assembly):
            if kind not in OF_DOMAIN:
                assert assembly.environment in name, (kind, name)


def test_what_is_learned_was_told_before(options):
    for name, assembly in options.items():
        told = {each["Name"] for each in assembly.find("Service", "AWS::SSM::Parameter")}
        template = assembly.template("Observability")
        learned = {
            each["Default"]
            for each in template["Parameters"].values()
            if each["Type"].startswith("AWS::SSM::Parameter::Value")
            and "cdk-bootstrap" not in each["Default"]
        }
        assert learned
        assert learned <= told, name
        manifest = json.loads((assembly.folder / "manifest.json").read_text())["artifacts"]
        depends = manifest[f"Ganymede-{assembly.environment}-Observability"]["dependencies"]
        assert f"Ganymede-{assembly.environment}-Service" in depends


def test_a_domain_in_route_53_gets_its_record_and_its_certificate(options):
    zone = options["zone"]
    assert zone.one("Service", "AWS::CertificateManager::Certificate")["DomainName"] == ZONE["domain"]
    record = zone.one("Service", "AWS::Route53::RecordSet")
    assert record["Name"] == f"{ZONE['domain']}."
    assert record["AliasTarget"]
    assert url_of(zone) == f"https://{ZONE['domain']}"


def test_a_domain_elsewhere_is_told_which_record_to_make(options):
    outputs = options["certificate"].template("Service")["Outputs"]
    assert url_of(options["certificate"]) == f"https://{ZONE['domain']}"
    assert ZONE["domain"] in json.dumps(outputs["RecordToMake"]["Value"])


def url_of(assembly):
    return assembly.template("Service")["Outputs"]["Url"]["Value"]


def test_no_address_is_told_that_its_certificate_does_not_match(options, prod):
    for assembly in (*options.values(), prod):
        text = json.dumps(url_of(assembly))
        assert ("DNSName" in text) == ("http://" in text)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"certificate_arn": CERTIFICATE}, "domain"),
        ({"domain": "pictures.ganymede.test"}, "hosted_zone_id"),
        ({**ZONE, "certificate_arn": CERTIFICATE.replace("eu-central-1", "us-east-1")}, "certificate_arn"),
        ({**ZONE, "edge": True}, "edge_prefix_list"),
        ({**ZONE, "edge_secrets": [1, 1]}, "edge_secrets"),
        ({**ZONE, "edge_secrets": [0]}, "edge_secrets"),
        ({**ZONE, "edge_secrets": [3, 2, 1]}, "edge_secrets"),
        ({**ZONE, "edge_domain": "edge.ganymede.test"}, "edge_certificate_arn"),
        ({"realtime_instance_type": "ml.c7g.large"}, "realtime_instance_type"),
        ({"realtime_instance_type": "ml.p3.2xlarge"}, "realtime_instance_type"),
        ({"asynchronous_instance_type": "ml.inf2.xlarge"}, "asynchronous_instance_type"),
        ({"gpu_instance_type": "g5g.xlarge"}, "gpu_instance_type"),
        ({"gpu_instance_type": "g4ad.xlarge"}, "gpu_instance_type"),
        ({"gpu_instance_type": "c7i.large"}, "gpu_instance_type"),
        ({"realtime_minimum_instances": 9}, "realtime_minimum_instances"),
    ],
    ids=str,
)
def test_options_that_cannot_work_together_are_refused_before_anything_is_made(changes, field):
    with pytest.raises(ValidationError, match=field):
        dev(**changes)


@pytest.mark.parametrize(
    "kind", ["ml.g4dn.xlarge", "ml.g6e.xlarge", "ml.g7e.2xlarge", "ml.p4d.24xlarge", "ml.p5.48xlarge"]
)
def test_every_family_of_gpus_that_the_image_runs_on_is_known(kind):
    from infra.instances import has_gpu

    assert has_gpu(dev(realtime_instance_type=kind).realtime_instance_type)
    assert not has_gpu("ml.c7i.large")
