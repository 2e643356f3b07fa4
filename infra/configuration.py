"""What differs from one environment to the next; read from cdk.json, checked, frozen."""

import re
from typing import Any, Literal, Self

from constructs import Node
from pydantic import BaseModel, ConfigDict, Field, model_validator

PREFIX_PATTERN = r"^[a-z0-9][a-z0-9/-]*[a-z0-9]$"
PLACEHOLDER = re.compile(r"YOUR-|@example\.|:111111111111:")
"""What cdk.json holds where a person's own value has to stand: it may be a stranger's."""
MAX_QUEUE_IMAGES = 4096
"""Of one task; given to it as GANYMEDE_MAX_QUEUE_IMAGES."""
CIDR_PATTERN = r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$"


class Configuration(BaseModel):
    """One environment's sizes, limits and addresses; names carry their unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: str = Field(pattern="^[a-z][a-z0-9]{1,15}$")
    region: str = Field(pattern=r"^[a-z]{2}-[a-z]+-\d$")
    github_repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    alert_email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    monthly_budget_usd: int = Field(ge=1)
    log_retention_days: Literal[7, 14, 30, 90, 365]
    model_prefix: str = Field(pattern=PREFIX_PATTERN)
    """The one prefix of the bucket that the readers may read."""
    nat_gateways: int = Field(ge=1, le=3)
    certificate_arn: str | None = Field(default=None, pattern="^arn:aws[a-z-]*:acm:")
    client_cidr: str = Field(pattern=CIDR_PATTERN)
    """Who may reach the load balancer; without a certificate never the whole internet."""
    compute: Literal["fargate", "gpu"]
    gpu_instance_type: str = Field(pattern=r"^g[45][a-z]*\.\w+$")
    task_cpu_units: int
    task_memory_mib: int
    minimum_tasks: int = Field(ge=1)
    maximum_tasks: int = Field(ge=1)
    target_queue_images_per_task: int = Field(ge=1)
    images_per_s_per_key: int = Field(ge=1)
    realtime_instance_type: str = Field(pattern=r"^ml\.")
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
        if self.certificate_arn is None and self.client_cidr.endswith("/0"):
            raise ValueError("client_cidr: API keys over plain HTTP: give certificate_arn or a narrow range")
        if self.minimum_tasks > self.maximum_tasks:
            raise ValueError("minimum_tasks is more than maximum_tasks")
        return self

    def require_own_values(self) -> None:
        """Refuse what cdk.json holds as an example, before anything is deployed with it.

        Raises:
            ValueError: a value is still the example's; the message names it.
        """
        for name in ("github_repository", "alert_email", "certificate_arn"):
            value = getattr(self, name) or ""
            if PLACEHOLDER.search(value):
                raise ValueError(f"{name} is still the example's, {value}: put yours into cdk.json.")

    @property
    def is_production(self) -> bool:
        """Whether losing data or a second of service matters."""
        return self.environment == "prod"
