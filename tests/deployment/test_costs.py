"""What is said to cost: from the one table, for what was asked for, and in the docs as computed."""

import dataclasses
import json
import re
from datetime import date
from typing import Any

import pytest

from ganymede.deployment.costs import HOURS_A_MONTH, PRICES, estimate, is_looked_up, read_prices
from ganymede.deployment.wishes import Wishes
from tests.conftest import REPOSITORY

WISHES = Wishes(name="live", region="us-east-1", models=("mine",), client_cidr="203.0.114.7/32")
COLUMNS: dict[str, dict[str, Any]] = {
    "small": {"size": "small"},
    "medium": {},
    "medium, Graviton": {"graviton": True},
}


def total(region: str, **wishes: Any) -> float:
    return estimate(dataclasses.replace(WISHES, region=region, **wishes)).total_usd


def make_table() -> str:
    """The docs' table of what the least costs by region."""
    lines = [f"| region | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for region in read_prices()["regions"]:
        sums = [f"{total(region, **wishes):.0f}" for wishes in COLUMNS.values()]
        mark = "" if is_looked_up(region) else " (estimate)"
        lines += [f"| {region}{mark} | {' | '.join(sums)} |"]
    return "\n".join(lines)


def test_the_docs_show_what_the_table_of_prices_makes():
    text = (REPOSITORY / "docs" / "deploy.md").read_text()
    assert make_table() in text
    assert read_prices()["date"] in text
    date.fromisoformat(read_prices()["date"])


def test_what_nobody_has_looked_up_is_called_an_estimate():
    for name, region in read_prices()["regions"].items():
        assert region["looked_up"] == ("memory" not in region["seen"]), name
        note = estimate(dataclasses.replace(WISHES, region=name)).note
        assert note.startswith("An estimate") != region["looked_up"], name
    assert estimate(dataclasses.replace(WISHES, region="sa-east-1")).note.startswith("An estimate")


def test_prices_stand_in_one_place():
    """A price that is looked up anew is changed once."""
    gateway = str(read_prices()["regions"]["eu-central-1"]["gateway_hour"])
    for path in (REPOSITORY / "ganymede").rglob("*.py"):
        assert not re.search(rf"(?<![\d.]){re.escape(gateway)}(?!\d)", path.read_text()), path
    assert all("seen" in region for region in json.loads(PRICES.read_text())["regions"].values())


def test_the_sum_is_that_of_what_runs():
    prices = read_prices()["regions"]["us-east-1"]
    everywhere = read_prices()["everywhere"]
    hours = 2 * prices["vcpu_hour"] + 4 * prices["gb_hour"] + prices["balancer_hour"] + prices["gateway_hour"]
    hours += 3 * everywhere["address_hour"]
    assert total("us-east-1") == pytest.approx(hours * HOURS_A_MONTH + 2 * everywhere["secret_month"])


@pytest.mark.parametrize(
    "cheaper", [{"size": "small"}, {"graviton": True}, {"spot": True}, {"internal": True}], ids=str
)
def test_what_is_less_costs_less(cheaper):
    assert total("eu-central-1", **cheaper) < total("eu-central-1")


@pytest.mark.parametrize(
    "dearer", [{"size": "large"}, {"sagemaker": True}, {"alerts": "a@b.test"}, {"edge": True}], ids=str
)
def test_what_is_more_costs_more(dearer):
    assert total("us-east-1", **dearer) > total("us-east-1")


def test_a_region_without_prices_says_so_and_gives_no_number_for_what_is_unknown():
    bill = estimate(dataclasses.replace(WISHES, region="sa-east-1"))
    unknown = [line.item for line in bill.lines if line.usd is None]
    assert {"Load balancer", "NAT gateway"} <= set(unknown)
    assert any(item.startswith("Tasks") for item in unknown)
    assert "none known" in bill.note
