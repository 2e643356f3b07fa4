"""What a person asked for on the command line, and what that is to the stacks."""

import ipaddress
from dataclasses import dataclass
from typing import Any

from foundation.errors import GanymedeError

SIZES: dict[str, tuple[int, int]] = {"small": (1024, 2048), "medium": (2048, 4096), "large": (4096, 8192)}
"""CPU units (1,024 are a vCPU) and MiB of memory of one task."""
TASKS: dict[str, tuple[int, int]] = {"small": (1, 2), "medium": (1, 3), "large": (2, 8)}
"""How many tasks there are at least and at most."""
GPU_TASK = (3072, 12288)
GPU_INSTANCE, REALTIME_INSTANCE, BULK_INSTANCE = "g4dn.xlarge", "ml.c7i.large", "ml.c7i.large"
MODEL_PREFIX = "models"
DEFAULT_BUDGET_USD = 200
EVERYONE, INSIDE = "0.0.0.0/0", "10.0.0.0/8"
"""Who may come: with a domain, and with a load balancer that has private addresses alone."""
NARROW_PREFIX = 8
"""Bits that a range has in common at least where keys are sent in the clear: no half of the internet."""


class WishRefused(GanymedeError):
    """What was asked for does not go together; the message names the flags."""

    code = "wish-refused"


@dataclass(frozen=True, slots=True)
class Wishes:
    """One deployment as it was asked for; `client_cidr` is filled in before anything is built."""

    name: str
    region: str
    models: tuple[str, ...]
    """MODEL, MODEL@ALIAS or MODEL@VERSION each; the first is the default unless another is named."""
    store: str = "models"
    size: str = "medium"
    client_cidr: str | None = None
    domain: str | None = None
    hosted_zone_id: str | None = None
    certificate_arn: str | None = None
    internal: bool = False
    edge: bool = False
    edge_prefix_list: str | None = None
    default_model: str | None = None
    graviton: bool = False
    spot: bool = False
    gpu: bool = False
    sagemaker: bool = False
    bulk: bool = False
    github: str | None = None
    alerts: str | None = None
    agent_image: str | None = None

    @property
    def prefix(self) -> str:
        """What the names of the stacks begin with."""
        return f"Ganymede-{self.name}"

    @property
    def platform(self) -> str:
        """What the image is built for."""
        return "linux/arm64" if self.graviton else "linux/amd64"

    @property
    def tasks(self) -> tuple[int, int]:
        """How many tasks there are at least and at most."""
        return TASKS[self.size]

    @property
    def task(self) -> tuple[int, int]:
        """CPU units and MiB of memory of one task."""
        return GPU_TASK if self.gpu else SIZES[self.size]

    @property
    def parts(self) -> list[str]:
        """The stacks beside the least: what `infra.configuration` calls parts."""
        flags = {
            "realtime": self.sagemaker,
            "training": self.sagemaker,
            "bulk": self.bulk,
            "alerts": self.alerts,
            "github": self.github,
        }
        return sorted(part for part, wanted in flags.items() if wanted)

    @property
    def stacks(self) -> list[str]:
        """The stacks after Storage, in the order in which they need each other."""
        by_part = {
            "realtime": ["Realtime"],
            "bulk": ["Bulk"],
            "training": ["Training"],
            "github": ["DeployRole"],
            "alerts": ["Observability", "Budget"],
        }
        optional = [stack for part, stacks in by_part.items() if part in self.parts for stack in stacks]
        edge = ["Edge"] if self.edge else []
        return [f"{self.prefix}-{stack}" for stack in ["Network", "Service", *optional, *edge]]

    @property
    def served_by_default(self) -> str | None:
        """The model that answers where a request names none; None where there is but one."""
        if self.default_model:
            return self.default_model
        names = list(dict.fromkeys(model.partition("@")[0] for model in self.models))
        return names[0] if len(names) > 1 else None

    def refuse_contradictions(self) -> None:
        """Refuse flags that exclude each other.

        Raises:
            WishRefused: they do; the message names them.
        """
        if self.gpu and (self.graviton or self.spot):
            raise WishRefused("--gpu runs on EC2 instances with x86-64: not with --graviton or --spot.")
        if self.gpu and not self.agent_image:
            raise WishRefused(
                "--gpu needs --agent-image: tasks on GPUs are scaled by what CloudWatch's agent publishes."
            )
        if self.graviton and (self.sagemaker or self.bulk):
            raise WishRefused("--sagemaker and --bulk take an x86-64 image: not with --graviton.")
        if self.domain and not (self.hosted_zone_id or self.certificate_arn):
            raise WishRefused(
                f"--domain {self.domain}: no zone of Route 53 in this account holds it. Make one, or give "
                "--certificate, the ARN of a certificate for it in the same region."
            )
        if self.certificate_arn and not self.domain:
            raise WishRefused("--certificate is for a name: give --domain too.")
        if self.edge and (self.internal or not self.domain):
            raise WishRefused(
                "--edge: CloudFront asks by a public --domain, so give one, without --internal."
            )
        if self.edge and not self.edge_prefix_list:
            raise WishRefused(f"--edge: AWS names no list of CloudFront's addresses in {self.region}.")
        served = {model.partition("@")[0] for model in self.models}
        if self.default_model and self.default_model.partition("@")[0] not in served:
            raise WishRefused(f"--default-model {self.default_model} is none of {', '.join(self.models)}.")

    def refuse_clients(self) -> None:
        """Refuse a `client_cidr` that lets nobody in, or everybody where keys would be sent in the clear.

        Raises:
            WishRefused: it does; the message says what to give.
        """
        if not self.client_cidr:
            raise WishRefused(
                "Your own address could not be found, and without --client-cidr there is no range of IPv4 "
                "addresses that may come: write A.B.C.D/32 for one address, A.B.C.0/24 for 256."
            )
        try:
            network = ipaddress.IPv4Network(self.client_cidr)
        except ValueError:
            raise WishRefused(
                f"--client-cidr {self.client_cidr} is no range of IPv4 addresses: write A.B.C.D/32 for one "
                "address, A.B.C.0/24 for 256."
            ) from None
        if network.prefixlen < NARROW_PREFIX and not self.domain and not self.internal:
            raise WishRefused(
                f"--client-cidr {network} would take API keys from everyone, or nearly, over plain HTTP: "
                f"give --domain, or a narrow range, of /{NARROW_PREFIX} or more."
            )
        if network.prefixlen and not self.internal and (not network.is_global or network.is_multicast):
            raise WishRefused(
                f"--client-cidr {network} holds no address of the internet, so nobody could come: give your "
                "public address, or --internal."
            )

    def configure(self) -> dict[str, Any]:
        """The environment as `infra.app --configuration` takes it."""
        cpu_units, memory_mib = self.task
        minimum, maximum = self.tasks
        return {
            "environment": self.name,
            "region": self.region,
            "parts": self.parts,
            "github_repository": self.github,
            "alert_email": self.alerts,
            "monthly_budget_usd": DEFAULT_BUDGET_USD,
            "log_retention_days": 30,
            "model_prefix": MODEL_PREFIX,
            "nat_gateways": 1,
            "domain": self.domain,
            "hosted_zone_id": None if self.certificate_arn else self.hosted_zone_id,
            "certificate_arn": self.certificate_arn,
            "client_cidr": self.client_cidr,
            "internal": self.internal,
            "edge": self.edge,
            "edge_prefix_list": self.edge_prefix_list,
            "compute": "gpu" if self.gpu else "fargate",
            "graviton": self.graviton,
            "spot": self.spot,
            "metrics_agent": self.agent_image is not None,
            "default_model": self.served_by_default,
            "gpu_instance_type": GPU_INSTANCE,
            "task_cpu_units": cpu_units,
            "task_memory_mib": memory_mib,
            "minimum_tasks": minimum,
            "maximum_tasks": maximum,
            "target_queue_images_per_task": 256,
            "images_per_s_per_key": 500,
            "realtime_instance_type": REALTIME_INSTANCE,
            "realtime_requests_per_s": 1800,
            "realtime_minimum_instances": 1,
            "realtime_maximum_instances": 2,
            "asynchronous_instance_type": BULK_INSTANCE,
            "asynchronous_maximum_instances": 1,
        }
