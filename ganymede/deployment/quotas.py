"""What an account may have, against what a deployment takes: new accounts have little."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ganymede.deployment.account import Account
from ganymede.deployment.wishes import Wishes

GPU_INSTANCE_VCPUS = 4


@dataclass(frozen=True, slots=True)
class Short:
    """Too little of something, and how to ask for more."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class _Need:
    name: str
    service: str
    code: str
    needed: float
    used: Callable[[Account], int] = lambda _: 0


def find_short_quotas(wishes: Wishes, account: Account) -> Iterator[Short]:
    """Yield what there is too little of; a quota that cannot be read counts as enough."""
    for need in _needs(wishes):
        allowed = account.read_quota(need.service, need.code)
        if allowed is None:
            continue
        used = need.used(account)
        if used + need.needed <= allowed:
            continue
        in_use = f", and {used} are in use" if used else ""
        yield Short(
            f"Quota: {need.name} in {wishes.region} are limited to {allowed:g}{in_use}; {need.needed:g} are "
            "needed.",
            f"aws service-quotas request-service-quota-increase --region {wishes.region} --service-code "
            f"{need.service} --quota-code {need.code} --desired-value {used + need.needed:g}",
        )


def _needs(wishes: Wishes) -> Iterator[_Need]:
    # A release starts its tasks beside the old ones.
    twice = 2 * wishes.tasks[0]
    vcpus = twice * wishes.task[0] / 1024
    yield _Need("VPCs", "vpc", "L-F678F1CE", 1, Account.count_networks)
    yield _Need("Elastic IP addresses", "ec2", "L-0263D0A3", 1, Account.count_addresses)
    if wishes.gpu:
        yield _Need("vCPUs of running G instances", "ec2", "L-DB2E81BA", twice * GPU_INSTANCE_VCPUS)
    elif wishes.spot:
        yield _Need("Fargate Spot vCPUs", "fargate", "L-36FBB829", vcpus)
    else:
        yield _Need("Fargate vCPUs", "fargate", "L-3032A538", vcpus)
