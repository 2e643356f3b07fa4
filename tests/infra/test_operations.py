import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from ganymede.command import app
from infra.constructs.metrics import agent_configuration
from service.metrics import Metrics
from service.settings import Settings
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.xdist_group("infra")
STACKS = (
    "Budget",
    "Bulk",
    "DeployRole",
    "Network",
    "Observability",
    "Realtime",
    "Service",
    "Storage",
    "Training",
)


def test_each_promised_alarm_exists_and_tells_a_person(prod):
    alarms = prod.find("Observability", "AWS::CloudWatch::Alarm")
    assert {alarm["AlarmName"] for alarm in alarms} == {
        f"ganymede-prod-{name}"
        for name in ("queue", "failedreload", "unhealthyhosts", "noanswer", "toofewhosts", "gpumemory")
    }
    composite = prod.one("Observability", "AWS::CloudWatch::CompositeAlarm")
    assert composite["AlarmName"] == "ganymede-prod-answers"
    for alarm in [*alarms, composite]:
        assert alarm["AlarmActions"]
    subscription = prod.one("Observability", "AWS::SNS::Subscription")
    assert subscription["Protocol"] == "email"


def test_the_runbook_has_a_line_for_every_alarm_and_for_no_other(prod):
    text = (REPOSITORY / "docs" / "operating.md").read_text()
    described = re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)
    alarms = [
        *(alarm for stack in STACKS for alarm in prod.find(stack, "AWS::CloudWatch::Alarm")),
        *prod.find("Observability", "AWS::CloudWatch::CompositeAlarm"),
    ]
    names = {alarm["AlarmName"].removeprefix("ganymede-prod-") for alarm in alarms if "AlarmName" in alarm}
    assert sorted(described) == sorted(names)


@pytest.mark.parametrize("name", ["operating.md", "deploy.md"])
def test_what_the_documents_name_exists(name, prod):
    text = (REPOSITORY / "docs" / name).read_text()
    variables = {variable.lower() for variable in re.findall(r"GANYMEDE_([A-Z_]+)", text)}
    assert variables <= set(Settings.model_fields)
    assert set(re.findall(r"Ganymede-(?:dev|prod)-([A-Z]\w+)", text)) <= set(STACKS)
    for stack, parameter in re.findall(r"Ganymede-prod-(\w+):(\w+)=", text):
        assert parameter in prod.template(stack)["Parameters"]
    for path in re.findall(r"(?:\./|`)((?:deploy|infra|benchmarks|compose|docs)/[\w./-]+)", text):
        assert (REPOSITORY / path).exists(), path
    commands = set(re.findall(r"(?:`|bin/)ganymede ([a-z]+)", text))
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    assert commands
    assert commands <= known


def test_failures_and_slowness_are_watched_on_ecs_and_sagemaker(prod):
    for stack, share in (("Service", "HTTPCode_Target_5XX_Count"), ("Realtime", "Invocation5XXErrors")):
        text = json.dumps(prod.find(stack, "AWS::CloudWatch::Alarm"))
        assert share in text
        assert "SlowSmallAnswers" in text


def test_the_deploy_role_opens_to_one_repository_and_one_environment_only(prod):
    role = prod.one("DeployRole", "AWS::IAM::Role")
    conditions = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]
    assert list(conditions) == ["StringEquals"]
    issuer = "token.actions.githubusercontent.com"
    assert conditions["StringEquals"] == {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": "repo:YOUR-ORGANISATION/YOUR-REPOSITORY:environment:prod",
    }


def test_the_budget_warns_of_money_spent_and_of_money_foreseen(prod):
    budget = prod.one("Budget", "AWS::Budgets::Budget")
    kinds = [n["Notification"]["NotificationType"] for n in budget["NotificationsWithSubscribers"]]
    assert kinds == ["ACTUAL", "FORECASTED"]
    assert budget["Budget"]["BudgetLimit"]["Amount"] == 4000


def test_no_template_needs_a_look_up_or_an_asset(dev, prod):
    for assembly in (dev, prod):
        manifest = json.loads((assembly.folder / "manifest.json").read_text())
        assert "missing" not in manifest
        for path in assembly.folder.glob("*.assets.json"):
            assets = json.loads(path.read_text())
            assert not assets["dockerImages"]
            assert len(assets["files"]) == 1, "a template is its own only asset"


def test_cfn_lint_has_nothing_to_say(dev, prod, options):
    templates = [str(path) for each in (dev, prod) for path in each.folder.glob("*.template.json")]
    assert len(templates) == 18
    templates.append(str(options["edge"].folder / "Ganymede-dev-Edge.template.json"))
    templates.append(str(options["zone"].folder / "Ganymede-dev-Service.template.json"))
    linted = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", "-t", *templates],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_plain_http_to_the_whole_internet_is_refused(assemblies):
    from infra.app import read_context
    from infra.configuration import Configuration

    values = read_context("dev")["environments"]["dev"] | {"environment": "dev"}
    for wide in ("0.0.0.0/0", "0.0.0.0/00", "0.0.0.0/1", "128.0.0.0/1"):
        with pytest.raises(ValidationError, match="certificate_arn or a narrow range"):
            Configuration.model_validate(values | {"client_cidr": wide})
    for wrong in ("300.1.1.1/32", "10.0.0.1/8", "10.0.0.0/40"):
        with pytest.raises(ValidationError, match="client_cidr"):
            Configuration.model_validate(values | {"client_cidr": wrong})
    with pytest.raises(ValidationError, match="maximum_task"):
        Configuration.model_validate(values | {"maximum_task": 3})


def test_the_agent_publishes_by_labels_that_the_metrics_have():
    published = json.loads(agent_configuration("group"))["logs"]["metrics_collected"]["prometheus"]
    labels = {
        name: set(collector._labelnames)
        for collector in vars(Metrics()).values()
        if hasattr(collector, "_labelnames")
        for family in collector.describe()
        for name in (family.name, f"{family.name}_total")
    }
    for declaration in published["emf_processor"]["metric_declaration"]:
        for selector in declaration["metric_selectors"]:
            for dimensions in declaration["dimensions"]:
                assert set(dimensions) <= {"service"} | labels[selector.strip("^$")], selector
