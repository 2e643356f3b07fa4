"""The steps of a deployment, in their order; each looks what is there already, so a second try goes on."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from foundation.store import Sent
from ganymede.api_keys import make_key
from ganymede.deployment.account import Account
from ganymede.deployment.checks import BOOTSTRAP
from ganymede.deployment.image import copy_agent, push_image
from ganymede.deployment.regions import EDGE, find_home, list_regions, look_into
from ganymede.deployment.releases import copy_models
from ganymede.deployment.tools import CommandFailed, Tools
from ganymede.deployment.wishes import Wishes

Say = Callable[[str], None]
Answer = TypeVar("Answer")
Bar = Callable[[], AbstractContextManager[Sent | None]]
STANDING = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
"""States of a stack that was made once and keeps what it was told."""
KEY_NAME = "owner"


class DeploymentStopped(CommandFailed):
    """A step failed; what was made before it stays, and the same command goes on from there."""

    code = "deployment-stopped"

    def __init__(self, step: str, error: CommandFailed) -> None:
        Exception.__init__(
            self,
            f"{step}: {error}. What it said stands above. What was made so far stays, and may cost: run the "
            "same command again to go on, or ganymede destroy aws.",
        )
        self.said = error.said


@dataclass(frozen=True, slots=True)
class Deployed:
    """Where the API is; `key` only where a new one was made, for it is shown once."""

    url: str
    key: str | None
    record: str | None
    """The DNS record to make, where the name is in no zone of the account."""


def deploy(
    wishes: Wishes,
    account: Account,
    tools: Tools,
    templates: Path,
    *,
    say: Say,
    new_key: bool = False,
    bar: Bar = nullcontext,
) -> Deployed:
    """Make the deployment what `wishes` says: stacks from `templates`, image, models.

    Raises:
        DeploymentStopped: CDK or Docker failed; the message says at which step, and how to go on.
        AccountRefused: AWS refused something.
    """
    number, _ = account.read_identity()
    for region in list_regions(wishes):
        if look_into(region, account).read_status(BOOTSTRAP) in STANDING:
            continue
        say(f"Preparing the account for the CDK in {region}, once for each region…")
        # Without an app of its own the CDK would make cdk.json's templates, which hold placeholders.
        place = f"aws://{number}/{region}"
        _cdk(tools, "Preparing the account", "bootstrap", "--app", str(templates), place)
    storage, service = f"{wishes.prefix}-Storage", f"{wishes.prefix}-Service"
    say("Making the bucket and the image repositories…")
    _deploy(tools, "Making the storage", templates, [storage])
    images = account.read_output(storage, "Repository")
    agents = account.read_output(storage, "AgentRepository")
    digest = _step("Building the image", lambda: push_image(wishes, account, tools, images, say))
    agent = _step("Copying the agent", lambda: copy_agent(wishes, account, tools, agents))
    with bar() as sent:
        served = copy_models(wishes, account.read_output(storage, "Bucket"), say, sent)
    parameters = {f"{service}:ImageDigest": digest}
    if agent:
        parameters[f"{service}:AgentImageDigest"] = agent
    for part, stack in (("realtime", "Realtime"), ("bulk", "Bulk")):
        if part in wishes.parts:
            parameters[f"{wishes.prefix}-{stack}:ImageDigest"] = digest
            parameters[f"{wishes.prefix}-{stack}:ModelVersion"] = served
    key = None
    if new_key or account.read_status(service) not in STANDING:
        key, entry = make_key(KEY_NAME)
        parameters[f"{service}:ApiKeyEntries"] = entry
        say(f"Your API key, shown this once; the account gets its hash alone:\n  {key}")
    say("Making network, load balancer and tasks: about ten minutes the first time…")
    _deploy(tools, "Making the service", templates, wishes.stacks, parameters)
    front = f"{wishes.prefix}-{EDGE}" if wishes.edge else service
    url = find_home(front, account).read_output(front, "Url")
    return Deployed(url=url, key=key, record=_find_record(account, service, wishes))


def _find_record(account: Account, service: str, wishes: Wishes) -> str | None:
    if not wishes.certificate_arn:
        return None
    return account.read_output(service, "RecordToMake")


def _deploy(
    tools: Tools,
    step: str,
    templates: Path,
    stacks: Sequence[str],
    parameters: dict[str, str] | None = None,
) -> None:
    words = [
        word for name, value in (parameters or {}).items() for word in ("--parameters", f"{name}={value}")
    ]
    _cdk(tools, step, "deploy", "--app", str(templates), "--require-approval", "never", *stacks, *words)


def _cdk(tools: Tools, step: str, *words: str) -> None:
    _step(step, lambda: tools.show("cdk", *words))


def _step(name: str, act: Callable[[], Answer]) -> Answer:
    try:
        return act()
    except CommandFailed as error:
        raise DeploymentStopped(name, error) from error
