"""What would fail later, looked for first: every finding at once, each with what to do about it."""

import difflib
import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from foundation.errors import GanymedeError
from ganymede.deployment.account import Account, AccountRefused
from ganymede.deployment.quotas import find_short_quotas
from ganymede.deployment.regions import find_home, list_regions, look_into
from ganymede.deployment.releases import check_whole
from ganymede.deployment.tools import CLONE_FILES, CommandFailed, Tools
from ganymede.deployment.wishes import Wishes

BOOTSTRAP = "CDKToolkit"
SETTLED = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}
    | {"ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"}  # nothing is there; CDK begins anew
)
"""States of a stack from which it can be deployed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What would fail, and what to do about it."""

    what: str
    remedy: str


def find_obstacles(wishes: Wishes, account: Account, tools: Tools, templates: Path) -> list[Finding]:
    """Everything that stands in the way of deploying `wishes`; nothing is made or changed in the account.

    Where nothing does, the empty folder `templates` holds what CDK is to deploy.
    """
    checks: list[Callable[[], Iterator[Finding]]] = [
        lambda: _check_clone(tools),
        lambda: _check_cdk(tools),
        lambda: _check_docker(tools),
        lambda: _check_models(wishes),
        lambda: check_flags(wishes),
    ]
    findings = [finding for check in checks for finding in check()]
    if not findings:  # what the templates refuse follows from the rest
        findings += _check_templates(wishes, tools, templates)
    return findings + list(_check_account(wishes, account))


def _check_clone(tools: Tools) -> Iterator[Finding]:
    missing = [name for name in CLONE_FILES if not (tools.clone / name).is_file()]
    if missing:
        yield Finding(
            f"{tools.clone} is no clone of Ganymede: {missing[0]} is missing.",
            "The image is built from a clone: clone the repository and run its own .venv/bin/ganymede.",
        )


def _check_cdk(tools: Tools) -> Iterator[Finding]:
    make = "In the clone: make .venv/.infra"
    if importlib.util.find_spec("aws_cdk") is None or importlib.util.find_spec("cdk_nag") is None:
        yield Finding(
            "The CDK's Python packages are not installed.", f"{make} (pip install 'ganymede[infra]')."
        )
    if tools.find("node") is None:
        yield Finding("There is no Node, on which the CDK runs.", f"{make}, which brings one.")
    try:
        tools.ask("cdk", "--version")
    except CommandFailed as error:
        yield Finding(f"The CDK's command line does not run: {error}.", f"{make}, or npm install -g aws-cdk.")


def _check_docker(tools: Tools) -> Iterator[Finding]:
    try:
        tools.ask("docker", "version", "--format", "{{.Server.Version}}")
    except CommandFailed as error:
        yield Finding(
            f"Docker does not answer: {error}.", "Install Docker, start it, and let your user use it."
        )
        return
    try:  # for whatever platform: the Dockerfile runs nothing of another processor's
        tools.ask("docker", "buildx", "inspect", "--bootstrap")
    except CommandFailed as error:
        yield Finding(f"Docker has no builder: {error}.", "Install Docker's plugin buildx.")


def _check_models(wishes: Wishes) -> Iterator[Finding]:
    try:
        check_whole(wishes)
    except GanymedeError as error:
        yield Finding(str(error), f"ganymede models --models {wishes.store} lists what there is.")


def check_flags(wishes: Wishes) -> Iterator[Finding]:
    """What excludes what, and who could come."""
    for check in (wishes.refuse_contradictions, wishes.refuse_clients):
        try:
            check()
        except GanymedeError as error:
            yield Finding(str(error), "Run the command again with other flags.")


def _check_templates(wishes: Wishes, tools: Tools, templates: Path) -> Iterator[Finding]:
    """Placeholders and values that the stacks refuse: they are the ones that know."""
    templates.mkdir(parents=True, exist_ok=True)
    configuration = templates.with_suffix(".json")
    configuration.write_text(json.dumps(wishes.configure()), encoding="utf-8")
    try:
        tools.synthesize(configuration, templates)
    except CommandFailed as error:
        yield Finding(f"The templates cannot be made: {error.said or error}", "Give another value.")


def _check_account(wishes: Wishes, account: Account) -> Iterator[Finding]:
    try:
        known = account.list_known_regions()
    except AccountRefused as error:
        yield Finding(f"{error}.", "AWS_PROFILE or ~/.aws/config is wrong: aws configure list.")
        return
    if wishes.region not in known:
        near = difflib.get_close_matches(wishes.region, known, n=3, cutoff=0)
        yield Finding(
            f"boto3 knows of no region {wishes.region}; the account was not looked at.",
            f"Give another --region, such as {', '.join(near)}.",
        )
        return
    try:
        account.read_identity()
    except AccountRefused as error:
        yield Finding(
            f"{error}.",
            "Sign in: aws sso login, or aws configure, or AWS_PROFILE. Region, quotas and stacks were not "
            "looked at.",
        )
        return
    try:
        yield from _check_region(wishes, account)
        yield from _check_quotas(wishes, account)
        yield from _check_stacks(wishes, account)
    except AccountRefused as error:
        yield Finding(f"{error}.", "Use credentials that may deploy: an administrator's.")


def _check_region(wishes: Wishes, account: Account) -> Iterator[Finding]:
    state = account.read_region_state()
    if state is None:
        yield Finding(f"AWS has no region {wishes.region}.", "Give another --region, such as eu-central-1.")
    elif state == "not-opted-in":
        yield Finding(
            f"The region {wishes.region} is not switched on in this account.",
            f"aws account enable-region --region-name {wishes.region}, and wait some minutes.",
        )


def _check_quotas(wishes: Wishes, account: Account) -> Iterator[Finding]:
    """What the account may not have enough of, unless the network stands already."""
    if account.read_status(f"{wishes.prefix}-Service") is not None:
        return
    for short in find_short_quotas(wishes, account):
        yield Finding(short.what, short.remedy)


def _check_stacks(wishes: Wishes, account: Account) -> Iterator[Finding]:
    named = [f"{wishes.prefix}-Storage", *wishes.stacks]
    homes = [(BOOTSTRAP, look_into(region, account)) for region in list_regions(wishes)]
    for name, home in [*homes, *((stack, find_home(stack, account)) for stack in named)]:
        status = home.read_status(name)
        storage = name.endswith("-Storage")
        if status is None or (status in SETTLED and not (storage and status == "ROLLBACK_COMPLETE")):
            continue
        command = f"aws cloudformation {{}} --region {home.region} --stack-name {name}"
        if status.endswith("_IN_PROGRESS"):
            remedy = "Someone changes it now: wait until that has ended."
        elif storage:  # it is protected, from the CDK too
            unlock = command.format("update-termination-protection --no-enable-termination-protection")
            remedy = f"Look at its events, then: {unlock} && {command.format('delete-stack')}"
        else:
            remedy = f"Look at its events, then: {command.format('delete-stack')}"
        yield Finding(f"The stack {name} is in the state {status}.", remedy)
