"""What differs from one environment to the next; read from cdk.json, checked, frozen."""

import ipaddress
import re
from typing import Any, Literal, Self

from constructs import Node
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator, model_validator

from infra.instances import check_instance_type, has_gpu

PREFIX_PATTERN = r"^[a-z0-9][a-z0-9/-]*[a-z0-9]$"
PLACEHOLDER = re.compile(r"YOUR-|[@.]example\.|:111111111111:")
"""What cdk.json holds where a person's own value has to stand: it may be a stranger's."""
MAX_QUEUE_IMAGES = 4096
"""Of one task; given to it as GANYMEDE_MAX_QUEUE_IMAGES."""
CIDR_PATTERN = r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$"
NARROW_PREFIX = 8
"""Bits that a range has in common at least where keys are sent in the clear: no half of the internet."""
DOMAIN_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9][A-Za-z0-9-]*)+$"
ACCOUNT_PATTERN = r"^\d{12}$"
Part = Literal["realtime", "bulk", "training", "alerts", "github"]
"""What an environment may be without: SageMaker's endpoints and jobs, alarms and budget, the workflows."""
EVERY_PART: frozenset[Part] = frozenset(("realtime", "bulk", "training", "alerts", "github"))
EDGE_REGION = "us-east-1"
"""Where CloudFront looks for its firewall and its certificates."""


class Configuration(BaseModel):
    """One environment's sizes, limits and addresses; names carry their unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: str = Field(pattern="^[a-z][a-z0-9]{1,15}$")
    region: str = Field(pattern=r"^[a-z]{2}-[a-z]+-\d$")
    parts: frozenset[Part] = EVERY_PART
    github_repository: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    alert_email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$")
    monthly_budget_usd: int = Field(ge=1)
    log_retention_days: Literal[7, 14, 30, 90, 365]
    model_prefix: str = Field(pattern=PREFIX_PATTERN)
    """The one prefix of the bucket that the readers may read."""
    promoted_from: str | None = Field(default=None, pattern=ACCOUNT_PATTERN)
    """The account whose proven images are copied into this one's repository."""
    promoted_to: str | None = Field(default=None, pattern=ACCOUNT_PATTERN)
    """The account that may copy images from this one's repository."""
    nat_gateways: int = Field(ge=1, le=3)
    domain: str | None = Field(default=None, pattern=DOMAIN_PATTERN)
    """The name under which clients reach the load balancer; the certificate is for it."""
    hosted_zone_id: str | None = Field(default=None, pattern="^Z[A-Z0-9]+$")
    """The zone of Route 53 that `domain` lies in: its record is made, and a certificate if none is given."""
    certificate_arn: str | None = Field(default=None, pattern="^arn:aws[a-z-]*:acm:")
    client_cidr: str = Field(pattern=CIDR_PATTERN)
    """Who may reach the load balancer; without a certificate never the whole internet."""
    internal: bool = False
    """Whether the load balancer has private addresses alone, which the VPC reaches."""
    edge: bool = False
    """Whether CloudFront and a firewall stand in front."""
    edge_prefix_list: str | None = Field(default=None, pattern="^pl-[0-9a-f]+$")
    """CloudFront's own addresses in the region: with the edge, nobody else reaches the load balancer."""
    edge_secrets: tuple[PositiveInt, ...] = Field(default=(1,), min_length=1, max_length=2)
    """The numbers of the secrets that the load balancer takes; CloudFront shows the first."""
    edge_domain: str | None = Field(default=None, pattern=DOMAIN_PATTERN)
    edge_certificate_arn: str | None = Field(default=None, pattern=f"^arn:aws[a-z-]*:acm:{EDGE_REGION}:")
    edge_requests_per_address: int = Field(default=3000, ge=100)
    """In five minutes; more are refused by the firewall."""
    compute: Literal["fargate", "gpu"]
    graviton: bool = False
    """Whether tasks run on ARM; the image must be one for it."""
    spot: bool = False
    """Whether tasks run on what AWS has to spare: cheaper, taken away with two minutes' notice."""
    metrics_agent: bool = True
    """Whether CloudWatch's agent runs beside each task; without it scaling goes by CPU alone."""
    default_model: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9._-]*(@[a-z0-9][a-z0-9._-]*)?$")
    gpu_instance_type: str = Field(pattern=r"^[a-z][a-z0-9-]*\.\w+$")
    task_cpu_units: int
    task_memory_mib: int
    minimum_tasks: int = Field(ge=1)
    maximum_tasks: int = Field(ge=1)
    target_queue_images_per_task: int = Field(ge=1)
    images_per_s_per_key: int = Field(ge=1)
    realtime_instance_type: str = Field(pattern=r"^ml\.")
    realtime_requests_per_s: int = Field(ge=1)
    """Measured on one such instance by `ganymede bench`, one image a request; scaling aims at half of it."""
    realtime_minimum_instances: int = Field(ge=1)
    """With one there is no canary: a release takes all requests at once."""
    realtime_maximum_instances: int = Field(ge=1)
    asynchronous_instance_type: str = Field(pattern=r"^ml\.")
    asynchronous_maximum_instances: int = Field(ge=1)

    @classmethod
    def load(cls, node: Node) -> Self:
        """The environment that the context's `environment` names, single values given by `-c NAME=VALUE`.

        Raises:
            ValueError: there is no such environment, or a value is wrong; the message names it.
        """
        environments: dict[str, dict[str, Any]] = node.try_get_context("environments") or {}
        name = node.try_get_context("environment") or "dev"
        if name not in environments:
            raise ValueError(f"-c environment={name}: cdk.json knows {', '.join(sorted(environments))}.")
        given = {key: node.try_get_context(key) for key in cls.model_fields if key != "environment"}
        overrides = {key: value for key, value in given.items() if value is not None}
        return cls.model_validate({"environment": name, **environments[name], **overrides})

    @property
    def alarming_queue_images_per_task(self) -> int:
        """What waits when twice as much waits as scaling aims at."""
        return 2 * self.target_queue_images_per_task

    @property
    def tls(self) -> bool:
        """Whether the load balancer speaks TLS: there is a certificate, or a zone to prove a new one by."""
        return self.certificate_arn is not None or self.hosted_zone_id is not None

    @property
    def is_production(self) -> bool:
        """Whether losing data or a second of service matters."""
        return self.environment == "prod"

    @field_validator("gpu_instance_type", "realtime_instance_type", "asynchronous_instance_type")
    @classmethod
    def _image_runs_there(cls, value: str) -> str:
        return check_instance_type(value)

    @field_validator("gpu_instance_type")
    @classmethod
    def _has_a_gpu(cls, value: str) -> str:
        if not has_gpu(value):
            raise ValueError(f"{value} has no GPU that the image runs on")
        return value

    @field_validator("client_cidr")
    @classmethod
    def _is_a_range(cls, value: str) -> str:
        return str(ipaddress.IPv4Network(value))

    @model_validator(mode="after")
    def _alarms_can_fire(self) -> Self:
        if self.alarming_queue_images_per_task > MAX_QUEUE_IMAGES // 2:
            raise ValueError(
                f"target_queue_images_per_task is more than {MAX_QUEUE_IMAGES // 4}: the alarm at twice as "
                f"much is too near to the {MAX_QUEUE_IMAGES} images at which a task refuses"
            )
        return self

    @model_validator(mode="after")
    def _no_key_in_the_clear(self) -> Self:
        if not self.tls and ipaddress.IPv4Network(self.client_cidr).prefixlen < NARROW_PREFIX:
            raise ValueError("client_cidr: API keys over plain HTTP: give certificate_arn or a narrow range")
        if self.minimum_tasks > self.maximum_tasks:
            raise ValueError("minimum_tasks is more than maximum_tasks")
        if self.realtime_minimum_instances > self.realtime_maximum_instances:
            raise ValueError("realtime_minimum_instances is more than realtime_maximum_instances")
        return self

    @model_validator(mode="after")
    def _names_match_certificates(self) -> Self:
        if self.tls and self.domain is None:
            raise ValueError(
                "domain: give the name that the certificate is for; no load balancer's own is on one"
            )
        if self.domain and not self.tls:
            raise ValueError("domain: give hosted_zone_id (Route 53) or the certificate_arn of that name")
        if self.certificate_arn and f":acm:{self.region}:" not in self.certificate_arn:
            raise ValueError(f"certificate_arn: it is not in {self.region}, where the load balancer is")
        if self.edge and not (self.tls and self.edge_prefix_list):
            raise ValueError("edge: give domain, certificate (CloudFront asks by TLS) and edge_prefix_list")
        if len(set(self.edge_secrets)) < len(self.edge_secrets):
            raise ValueError("edge_secrets: the new number, then the old one, not one of them twice")
        if bool(self.edge_domain) != bool(self.edge_certificate_arn):
            raise ValueError(f"edge_domain and edge_certificate_arn ({EDGE_REGION}) go together")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if "github" in self.parts and self.github_repository is None:
            raise ValueError("github_repository: whose workflows may deploy, ORGANISATION/REPOSITORY")
        if "alerts" in self.parts and self.alert_email is None:
            raise ValueError("alert_email: whom the alarms and the budget write to")
        if self.compute == "gpu" and (self.graviton or self.spot):
            raise ValueError("graviton and spot are Fargate's; compute is gpu")
        if self.compute == "gpu" and not self.metrics_agent:
            raise ValueError("metrics_agent: tasks on GPUs are scaled by what it publishes")
        if self.internal and self.edge:
            raise ValueError("edge: CloudFront does not reach an internal load balancer")
        return self

    def require_own_values(self) -> None:
        """Refuse what cdk.json holds as an example, before anything is deployed with it.

        Raises:
            ValueError: a value is still the example's; the message names it.
        """
        for name, value in self:
            if isinstance(value, str) and PLACEHOLDER.search(value):
                raise ValueError(f"{name} is still the example's, {value}: put yours into cdk.json.")
