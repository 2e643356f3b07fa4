"""What a deployment costs a month, from the one dated table of prices."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ganymede.deployment.regions import EDGE_REGION
from ganymede.deployment.wishes import GPU_INSTANCE, REALTIME_INSTANCE, Wishes

PRICES = Path(__file__).parent / "prices.json"
HOURS_A_MONTH = 730
ZONES, SECRETS, GATEWAYS = 2, 2, 1
EXTRA = (
    "On top comes what is used: traffic (NAT gateway, load balancer, out to the internet), logs and metrics, "
    "S3 and the registry. Usually a few dollars."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One item of the bill; `usd` is a month's, None where the table has no price for the region."""

    item: str
    how: str
    usd: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A month's bill while nobody asks, and how far scaling may take the tasks' share."""

    lines: tuple[Line, ...]
    note: str

    @property
    def total_usd(self) -> float:
        """The sum of what has a price."""
        return sum(line.usd or 0.0 for line in self.lines)


@cache
def read_prices() -> dict[str, Any]:
    """The table: `date`, `source`, `everywhere`, and by region what an hour of each item costs.

    `looked_up` says of a region whether its prices were seen somewhere, which `seen` names.
    """
    prices: dict[str, Any] = json.loads(PRICES.read_text(encoding="utf-8"))
    return prices


def is_looked_up(region: str) -> bool:
    """Whether every price of `region` was seen somewhere; else it is an estimate."""
    return bool(read_prices()["regions"].get(region, {}).get("looked_up", False))


def estimate(wishes: Wishes) -> Estimate:
    """The bill of a month of 730 hours with the fewest tasks; what the region has no price for is named."""
    prices = read_prices()
    region = prices["regions"].get(wishes.region, {})
    least, most = wishes.tasks
    lines = (
        *_tasks(wishes, region, prices["everywhere"]["spot_share"]),
        _hourly("Load balancer", region.get("balancer_hour"), 1),
        _hourly("NAT gateway", region.get("gateway_hour"), GATEWAYS),
        _hourly(
            "Public IPv4 addresses",
            prices["everywhere"]["address_hour"],
            GATEWAYS + (0 if wishes.internal else ZONES),
        ),
        _secrets(wishes, prices["everywhere"]["secret_month"]),
        *_optional(wishes, region, prices["everywhere"]["firewall_month"]),
    )
    note = f"Prices of {prices['date']} for {wishes.region} ({region.get('seen', 'none known')}); check them."
    if not is_looked_up(wishes.region):
        note = f"An estimate: nobody has looked this region's prices up. {note}"
    if most > least:
        share = sum(line.usd or 0.0 for line in lines if line.item.startswith("Tasks"))
        note += f" Under load up to {most} tasks run: {share * (most - least) / least:.0f} more."
    return Estimate(lines, f"{note} {EXTRA}")


def _tasks(wishes: Wishes, region: dict[str, Any], spot_share: float) -> Iterator[Line]:
    least, _ = wishes.tasks
    cpu_units, memory_mib = wishes.task
    if wishes.gpu:
        yield _hourly(f"Tasks: {GPU_INSTANCE}", region.get(GPU_INSTANCE), least)
        return
    kind = "arm_" if wishes.graviton else ""
    vcpu, gb = region.get(f"{kind}vcpu_hour"), region.get(f"{kind}gb_hour")
    hour = None if vcpu is None or gb is None else vcpu * cpu_units / 1024 + gb * memory_mib / 1024
    name = f"Tasks: Fargate, {cpu_units / 1024:g} vCPU, {memory_mib / 1024:g} GB"
    if wishes.graviton:
        name += ", Graviton"
    if wishes.spot:
        name += ", spot"
        hour = None if hour is None else hour * spot_share
    yield _hourly(name, hour, least)


def _secrets(wishes: Wishes, month: float) -> Line:
    shown = 0 if not wishes.edge else 1 if wishes.region == EDGE_REGION else 2
    number = SECRETS + shown
    return Line("Secrets", f"{number} of them", number * month)


def _optional(wishes: Wishes, region: dict[str, Any], firewall_month: float) -> Iterator[Line]:
    if wishes.edge:
        yield Line("Edge: its firewall", "a list and two rules; by use on top", firewall_month)
    if wishes.sagemaker:
        yield _hourly(f"SageMaker endpoint: {REALTIME_INSTANCE}", region.get(REALTIME_INSTANCE), 1)
    if wishes.bulk:
        yield Line("Bulk endpoint", "nothing runs while there is no order", 0.0)
    if wishes.alerts:
        yield Line("Alarms, key of the topic", "dashboard, about 8 alarms, one KMS key", 3 + 8 * 0.1 + 1)


def _hourly(item: str, hour: float | None, count: int) -> Line:
    if hour is None:
        return Line(item, "no price known here for this region", None)
    return Line(item, f"{count} × {hour:.4g} × {HOURS_A_MONTH} h", count * hour * HOURS_A_MONTH)
