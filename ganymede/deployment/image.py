"""The image of a deployment: built from the clone once for what it holds, found again afterwards."""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from ganymede.deployment.account import Account
from ganymede.deployment.tools import CommandFailed, Tools
from ganymede.deployment.wishes import Wishes

SOURCES = ("Dockerfile", "pyproject.toml", "README.md", "LICENSE")
FOLDERS = ("requirements", "foundation", "service", "training", "ganymede", "models")
TAG_DIGITS = 16
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

Say = Callable[[str], None]


def name_image(clone: Path, platform: str, target: str) -> str:
    """The tag of the image: `release-` and a digest of all that goes into it."""
    content = hashlib.sha256(f"{platform} {target}".encode())
    for path in _sources(clone):
        content.update(f"\n{path.relative_to(clone).as_posix()} ".encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return f"release-{content.hexdigest()[:TAG_DIGITS]}"


def push_image(wishes: Wishes, account: Account, tools: Tools, repository: str, say: Say) -> str:
    """The digest of the clone's image in the account's repository, built and pushed unless it is there.

    Raises:
        CommandFailed: Docker cannot build or push it.
        AccountRefused: AWS lends no password for its registry.
    """
    target = "gpu" if wishes.gpu else "cpu"
    tag = name_image(tools.clone, wishes.platform, target)
    there = account.read_image_digest(repository, tag)
    if there is not None:
        say("The image of this code is in the repository already.")
        return there
    say(f"Building the image for {wishes.platform} and pushing it: some minutes, half a gigabyte…")
    log_in(account, tools, repository)
    script = str(tools.clone / "deploy" / "push")
    said = tools.run(script, f"{repository}:{tag}", target, PLATFORM=wishes.platform)
    return _read_digest(script, said)


def copy_agent(wishes: Wishes, account: Account, tools: Tools, repository: str) -> str | None:
    """The digest of CloudWatch's agent in the account's own repository; None where none was asked for."""
    if wishes.agent_image is None:
        return None
    tag = f"release-{hashlib.sha256(wishes.agent_image.encode()).hexdigest()[:TAG_DIGITS]}"
    there = account.read_image_digest(repository, tag)
    if there is not None:
        return there
    log_in(account, tools, repository)
    name = f"{repository}:{tag}"
    tools.show("docker", "buildx", "imagetools", "create", "--tag", name, wishes.agent_image)
    script = str(tools.clone / "deploy" / "digest")
    return _read_digest(script, tools.run(script, name))


def log_in(account: Account, tools: Tools, repository: str) -> None:
    """Let Docker push into `repository`."""
    user, password = account.lend_registry_password()
    tools.log_in(repository.partition("/")[0], user, password)


def _read_digest(script: str, said: str) -> str:
    digest = said.splitlines()[-1].strip() if said else ""
    if not _DIGEST.fullmatch(digest):
        raise CommandFailed((script,), f"printed no digest but {digest[:80]!r}")
    return digest


def _sources(clone: Path) -> Iterator[Path]:
    yield from (clone / name for name in SOURCES if (clone / name).is_file())
    for folder in FOLDERS:
        for path in sorted((clone / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
