"""The Grafana dashboard and the AWS alarms, held against the metrics that the service really has."""

import json
import re

import httpx
import pytest

from service.metrics import Metrics
from tests.conftest import REPOSITORY

DASHBOARD = REPOSITORY / "compose" / "grafana" / "dashboards" / "ganymede.json"
_FUNCTIONS = {"sum", "rate", "increase", "by", "histogram_quantile", "or", "vector"}


def expressions():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def names_in(expression):
    """The metrics that an expression of PromQL asks for: its words outside braces, brackets and groupings."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)", " ", expression)
    return set(re.findall(r"[a-z_]{2,}", bare)) - _FUNCTIONS


@pytest.fixture(scope="module")
def metric_names(server):
    """Every name on /metrics, and of the histograms and counters that have no sample yet."""
    exposed = set(re.findall(r"^([a-z_]+)", httpx.get(f"{server.url}/metrics").text, re.MULTILINE))
    for family in Metrics().registry.collect():
        exposed |= {family.name, f"{family.name}_total", f"{family.name}_bucket"}
    return exposed


@pytest.mark.parametrize("expression", expressions())
def test_the_dashboard_asks_only_for_metrics_that_exist(expression, metric_names):
    names = names_in(expression)
    assert names
    assert names <= metric_names


@pytest.mark.parametrize("expression", expressions())
def test_the_dashboard_groups_only_by_labels_that_exist(expression):
    known = {"le", "instance"} | {
        label for collector in vars(Metrics()).values() for label in getattr(collector, "_labelnames", ())
    }
    grouped = re.findall(r"by \(([^)]*)\)", expression)
    assert {label.strip() for group in grouped for label in group.split(",")} <= known


def test_every_panel_of_the_dashboard_has_a_place_of_its_own():
    places = [panel["gridPos"] for panel in json.loads(DASHBOARD.read_text())["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))


def test_the_alarms_in_aws_watch_metrics_that_exist(metric_names):
    text = (REPOSITORY / "infra" / "constructs" / "metrics.py").read_text()
    watched = set(re.findall(r'"(ganymede_[a-z_]+)"', text))
    assert watched == {"ganymede_queue_images", "ganymede_images_total", "ganymede_reloads_total"}
    assert watched <= metric_names
