"""The training curves of a release: the points of its `metrics.json`, as many as a chart can show."""

import math
from contextlib import suppress
from typing import Any

import orjson

from foundation.errors import GanymedeError
from foundation.manifest import Manifest
from foundation.store import Store

_METRICS = "metrics.json"
MAX_METRICS_BYTES = 2**21
"""Some thousands of epochs; what is larger is not read."""

MAX_POINTS = 500
"""In one chart: more than it has pixels for, and each is sent to each visitor."""

_MAX_SERIES = 16
_MAX_NAME = 64

Point = dict[str, Any]
"""The place of a point on a curve, and which curve it is of."""


def read_curves(store: Store, manifest: Manifest) -> tuple[list[Point], list[Point], str]:
    """The losses and the distances of a release, at most `MAX_POINTS` of each, and why there are none."""
    file = manifest.file(_METRICS)
    if file is None:
        return [], [], ""
    if file.size_bytes > MAX_METRICS_BYTES:
        reason = f"it has {file.size_bytes:,} bytes, and at most {MAX_METRICS_BYTES:,} are read for this page"
        return [], [], f"The curves of `{_METRICS}` are not shown: {reason}."
    with suppress(GanymedeError, orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        # Somebody else's metrics.json may hold anything: the page does without.
        rows = orjson.loads(store.read(manifest, _METRICS, max_bytes=MAX_METRICS_BYTES)).get("epochs", [])
        losses, distances = list_points(rows)
        return thin(losses), thin(distances), ""
    return [], [], ""


def list_points(rows: list[dict[str, Any]]) -> tuple[list[Point], list[Point]]:
    """The points of both curves: the losses of each epoch, and the Fréchet distances (`fd_…`) measured."""
    losses = [
        {"epoch": row["epoch"], "loss": value, "of": name.removesuffix("_loss")}
        for row in rows
        for name, value in row.items()
        if name.endswith("_loss") and _can_be_drawn(row["epoch"], name, value)
    ]
    distances = [
        {"epoch": row["epoch"], "distance": value, "of": name.replace("_", " ")}
        for row in rows
        for name, value in row.get("figures", {}).items()
        if name.startswith("fd_") and not name.endswith("_real") and _can_be_drawn(row["epoch"], name, value)
    ]
    return losses, distances


def _can_be_drawn(epoch: Any, name: str, value: Any) -> bool:
    numbers = all(type(number) in (int, float) and math.isfinite(number) for number in (epoch, value))
    return numbers and len(name) <= _MAX_NAME


def thin(points: list[Point]) -> list[Point]:
    """At most `MAX_POINTS` of `points`: of each curve as many, evenly, with its first and its last."""
    series: dict[str, list[Point]] = {}
    for point in points:
        if point["of"] in series or len(series) < _MAX_SERIES:
            series.setdefault(point["of"], []).append(point)
    room = MAX_POINTS // max(1, len(series))
    return [point for curve in series.values() for point in _thin_one(curve, room)]


def _thin_one(curve: list[Point], room: int) -> list[Point]:
    if len(curve) <= room:
        return curve
    return [curve[index * (len(curve) - 1) // (room - 1)] for index in range(room)]
