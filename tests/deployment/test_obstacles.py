"""What would fail later is said at once, all of it, with what to do; and nothing is made."""

import os

import boto3
import pytest

from ganymede.deployment import account as accounts
from ganymede.deployment.checks import check_flags
from ganymede.deployment.wishes import Wishes
from tests.deployment.conftest import REGION, Machine

DONE = "CREATE_COMPLETE"
READ_QUOTA = accounts.Account.read_quota


def assert_refused(machine: Machine, result, *words: str) -> None:
    assert result.exit_code == 1
    for word in words:
        assert word in result.output, result.output
    assert not machine.asked("cdk", "deploy")
    assert not machine.asked("cdk", "bootstrap")
    assert machine.stacks() == set()


def test_all_obstacles_are_listed_at_once(machine: Machine):
    machine.patch.setenv("STANDIN_FAILS", "docker version")
    machine.patch.setattr(accounts.Account, "read_quota", lambda self, service, code: 0.0)
    result = machine.deploy(models=("absent",), clients="10.0.0.0/8")
    expected = ("Docker does not answer", "no model 'absent'", "nobody could come")
    assert_refused(machine, result, *expected, "Fargate vCPUs", "VPCs", "Elastic IP addresses")
    assert "request-service-quota-increase" in result.output


def test_a_region_that_does_not_exist_is_named_with_those_that_do(machine: Machine):
    result = machine.deploy("--region", "eu-central-9")
    assert_refused(machine, result, "no region eu-central-9", "eu-central-1")


def test_an_altered_model_is_found_before_it_is_copied(machine: Machine):
    graph = machine.folder / "models" / "mine" / "versions" / "v1" / "generator.onnx"
    graph.chmod(0o644)
    content = bytearray(graph.read_bytes())
    content[-1] ^= 1
    graph.write_bytes(content)
    assert_refused(machine, machine.deploy(), "generator.onnx")


def test_no_credentials_are_an_obstacle_with_a_way_to_sign_in(machine: Machine):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        machine.patch.delenv(name)
    machine.patch.setattr(boto3, "DEFAULT_SESSION", None)
    machine.patch.setenv("HOME", str(machine.folder))
    machine.patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    result = machine.deploy()
    assert result.exit_code == 1
    assert "Unable to locate credentials" in result.output
    assert "aws sso login" in result.output
    assert not machine.asked("cdk", "deploy")


def test_a_profile_that_is_not_there_is_an_obstacle_and_no_trace(machine: Machine):
    machine.patch.setattr(boto3, "DEFAULT_SESSION", None)
    machine.patch.setenv("AWS_CONFIG_FILE", str(machine.folder / "config"))
    machine.patch.setenv("AWS_PROFILE", "nobodys")
    result = machine.deploy(models=("absent",))
    assert result.exit_code == 1
    assert "The config profile (nobodys) could not be found" in result.output
    assert "aws configure list" in result.output
    assert "no model 'absent'" in result.output, "the other obstacles are listed too"
    machine.patch.delenv("AWS_REGION")
    said = str(machine.destroy_somewhere().exception)
    assert "nobodys" in said
    assert "AWS_PROFILE" in said


def test_programs_that_are_missing_are_named(machine: Machine):
    machine.patch.setenv("PATH", str(machine.folder / "nothing"))
    result = machine.deploy()
    assert result.exit_code == 1
    assert "Docker does not answer: docker version --format is not installed" in result.output
    machine.patch.setenv("PATH", f"{machine.folder / 'bin'}{os.pathsep}/bin:/usr/bin")
    machine.patch.setenv("STANDIN_FAILS", "cdk --version")
    assert_refused(machine, machine.deploy(), "The CDK's command line does not run", "make .venv/.infra")


def test_docker_without_a_builder_is_told_what_is_missing(machine: Machine):
    machine.patch.setenv("STANDIN_FAILS", "buildx inspect")
    assert_refused(machine, machine.deploy(), "Docker has no builder", "plugin buildx")


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"domain": "api.pictures.test", "client_cidr": "0.0.0.0/0"}, "no zone of Route 53"),
        ({"certificate_arn": "arn:aws:acm:eu-west-1:1:certificate/x"}, "give --domain too"),
        ({"client_cidr": "0.0.0.0/0"}, "plain HTTP"),
        ({"client_cidr": None}, "no range of IPv4 addresses"),
        ({"client_cidr": None}, "Your own address could not be found"),
        ({"client_cidr": "203.0.114.7/33"}, "no range of IPv4 addresses"),
        ({"client_cidr": "203.0.114.7/24"}, "no range of IPv4 addresses"),
        ({"client_cidr": "0.0.0.0/1"}, "plain HTTP"),
        ({"client_cidr": "128.0.0.0/2"}, "plain HTTP"),
        ({"client_cidr": "192.168.0.0/16"}, "nobody could come"),
        ({"client_cidr": "100.64.3.4/32"}, "nobody could come"),
        ({"client_cidr": "224.0.0.0/8"}, "nobody could come"),
        ({"client_cidr": "127.0.0.1/32"}, "nobody could come"),
        ({"client_cidr": "0.0.0.0/1", "domain": "a.test", "hosted_zone_id": "Z1"}, None),
        ({"gpu": True, "spot": True, "agent_image": "x"}, "--gpu runs on EC2"),
        ({"gpu": True}, "--agent-image"),
        ({"edge": True}, "give one, without --internal"),
        ({"edge": True, "domain": "a.test", "hosted_zone_id": "Z1"}, "no list of CloudFront's addresses"),
        ({"graviton": True, "bulk": True}, "x86-64 image"),
        ({"default_model": "absent"}, "--default-model absent"),
        ({"default_model": "mine@v2"}, None),
        ({"client_cidr": "10.0.0.0/8", "internal": True}, None),
        ({"client_cidr": "0.0.0.0/0", "domain": "a.test", "hosted_zone_id": "Z1"}, None),
    ],
)
def test_flags_that_do_not_go_together_are_refused_in_words(wishes, said):
    plain = {"name": "live", "region": "eu-west-1", "models": ("mine",), "client_cidr": "203.0.114.7/32"}
    found = [finding.what for finding in check_flags(Wishes(**{**plain, **wishes}))]
    assert len(found) == (0 if said is None else 1)
    assert said is None or said in found[0]


def test_flags_that_do_not_go_together_stop_the_command(machine: Machine):
    assert_refused(machine, machine.deploy("--gpu"), "--gpu needs --agent-image")


def test_a_stack_that_cannot_be_deployed_onto_is_an_obstacle(machine: Machine):
    status = {"StackStatus": "UPDATE_ROLLBACK_FAILED"}
    machine.patch.setattr(accounts.Account, "read_stack", lambda self, name: status)
    said = "Ganymede-live-Service is in the state UPDATE_ROLLBACK_FAILED"
    result = machine.deploy()
    assert result.exit_code == 1
    assert said in result.output
    assert "delete-stack" in result.output
    assert not machine.asked("cdk", "deploy")


def test_a_storage_that_could_not_be_made_is_unlocked_before_it_is_deleted(machine: Machine):
    states = {"Ganymede-live-Storage": "ROLLBACK_COMPLETE", "Ganymede-live-Network": "ROLLBACK_COMPLETE"}
    machine.patch.setattr(
        accounts.Account, "read_stack", lambda self, name: {"StackStatus": states.get(name, DONE)}
    )
    result = machine.deploy()
    assert result.exit_code == 1
    assert "1 things would fail" in result.output
    assert "--no-enable-termination-protection" in result.output


def test_a_quota_counts_what_is_in_use(machine: Machine):
    allowed = {"L-F678F1CE": 1.0}
    machine.patch.setattr(accounts.Account, "read_quota", lambda self, service, code: allowed.get(code))
    # moto's account has a default VPC, as AWS's have
    assert_refused(machine, machine.deploy(), "limited to 1, and 1 are in use; 1 are needed")
    allowed["L-F678F1CE"] = 2.0
    assert "Deploy?" in machine.deploy(answer="n\n").output


def test_a_quota_is_read_from_the_account(machine: Machine):
    assert READ_QUOTA(accounts.Account(REGION), "vpc", "L-A4707A72") > 0


@pytest.mark.parametrize("name", ["Live", "x", "a-b", "a" * 17, "1a"])
def test_a_name_that_stacks_cannot_bear_is_refused(machine: Machine, name):
    assert machine.deploy("--name", name).exit_code == 2
    assert machine.destroy("--name", name).exit_code == 2


def test_the_region_is_the_flags_the_variables_or_the_profiles_and_never_a_guess(machine: Machine):
    machine.patch.delenv("AWS_REGION")
    profile = machine.folder / "config"
    machine.patch.setenv("AWS_CONFIG_FILE", str(profile))
    asked = machine.destroy_somewhere()
    assert asked.exit_code == 2
    assert "--region" in asked.output
    profile.write_text("[default]\nregion = sa-east-1\n")
    assert "in sa-east-1" in machine.destroy_somewhere().output
    machine.patch.setenv("AWS_REGION", "eu-north-1")
    assert "in eu-north-1" in machine.destroy_somewhere().output
    assert f"in {REGION}" in machine.destroy().output
