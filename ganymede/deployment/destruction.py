"""The end of a deployment: what computes goes, what holds data stays and is named."""

from collections.abc import Callable
from dataclasses import dataclass

from ganymede.deployment.account import Account, AccountRefused
from ganymede.deployment.regions import EDGE, find_home

Say = Callable[[str], None]
ORDER = (
    *(EDGE, "Observability", "Budget", "DeployRole", "Training", "Bulk", "Realtime"),
    *("Service", "Network"),
)
"""Who reads what another stack has goes before it."""
STORAGE = "Storage"


@dataclass(frozen=True, slots=True)
class Remains:
    """What is there to destroy, and what stays after that."""

    stacks: tuple[str, ...]
    kept: tuple[str, ...]
    """Sentences: what, and how to delete it."""


def look_around(name: str, account: Account) -> Remains:
    """What of the deployment `name` there is in the account's region.

    Raises:
        AccountRefused: AWS does not say.
    """
    prefix = f"Ganymede-{name}"
    known = [f"{prefix}-{stack}" for stack in ORDER]
    stacks = tuple(stack for stack in known if find_home(stack, account).read_status(stack) is not None)
    return Remains(stacks, (*_secrets(name, account), *_storage(prefix, account)))


def destroy(remains: Remains, account: Account, say: Say) -> None:
    """Delete the stacks, one after the other; a second try goes on with those that are left.

    Raises:
        AccountRefused: one cannot be deleted; the message says why, and those after it stay.
    """
    for stack in remains.stacks:
        say(f"Deleting {stack}…")
        home = find_home(stack, account)
        try:
            home.unlock_balancers(stack)
            home.delete_stack(stack)
        except AccountRefused as error:
            raise AccountRefused(
                f"{stack} could not be deleted ({error}). Its events say why: aws cloudformation "
                f"describe-stack-events --stack-name {stack} --region {home.region}. "
                "Then run the same command again."
            ) from error


def _secrets(name: str, account: Account) -> list[str]:
    delete = f"aws secretsmanager delete-secret --region {account.region} --secret-id"
    leaving = f":secret:ganymede-{name}-edge"  # what CloudFront shows goes with its stack
    kept = [secret for secret in account.list_secrets(name) if leaving not in secret]
    return [f"a secret (0.40 a month): {delete} {secret}" for secret in kept]


def _storage(prefix: str, account: Account) -> list[str]:
    stack = f"{prefix}-{STORAGE}"
    if account.read_status(stack) is None:
        return []
    bucket = account.read_output(stack, "Bucket")
    images = [account.read_output(stack, name) for name in ("Repository", "AgentRepository")]
    region = f"--region {account.region}"
    unlock = f"aws cloudformation update-termination-protection --no-enable-termination-protection {region}"
    return [
        (
            f"the models in s3://{bucket}, with all their old versions, and the bucket of logs: empty and "
            "delete them in the console, where it asks for their names"
        ),
        *(
            f"the images in {uri}: aws ecr delete-repository --force {region} --repository-name "
            f"{uri.partition('/')[2]}"
            for uri in images
        ),
        (
            f"the stack {stack}, which is protected: {unlock} --stack-name {stack}, then aws cloudformation "
            f"delete-stack {region} --stack-name {stack}"
        ),
    ]
