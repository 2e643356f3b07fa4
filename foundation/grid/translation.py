"""A float graph written down again, operator by operator, in the units that were decided."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from foundation.grid.building import Builder
from foundation.grid.calibration import Range
from foundation.grid.demands import Layout, Room, place_points
from foundation.grid.ending import HALF, End
from foundation.grid.extents import LIMIT
from foundation.grid.linear import LINEAR, read_linear
from foundation.grid.movement import MOVERS, Array
from foundation.grid.reading import Graph
from foundation.grid.slopes import SLOPE_STEPS, count_slope_steps, turned_slope

SUMMAND_BITS = 4
"""Behind the point of a constant that is added, where the sum has room for them."""


@dataclass
class Translation:
    """One try to build the exact graph."""

    graph: Graph
    ranges: Mapping[str, Range]
    layout: Layout
    end: End
    room: Room
    builder: Builder

    def build(self, bounds: Mapping[str, tuple[float, float, float]]) -> tuple[onnx.NodeProto, str] | None:
        """Add every operator; the first whose sums may round, and why, or None."""
        self.names: dict[str, str] = {}
        for name, (unit, low, high) in bounds.items():
            scaled = self.builder.add("Mul", [name, self.builder.number(1 / unit)], f"{name}/steps")
            rounded = self.builder.add("Round", [scaled], f"{name}/rounded")
            ends = [self.builder.number(low), self.builder.number(high)]
            self.names[name] = self.builder.add("Clip", [rounded, *ends], f"{name}/grid")
        for node in self.graph.nodes:
            if node.op_type == "Constant" or node.output[0] in self.end.behind:
                continue
            try:
                self._add(node)
            except ValueError as error:
                return node, str(error)
        return self._add_end()

    def _add_end(self) -> tuple[onnx.NodeProto, str] | None:
        name, half = self.end.name, self.builder.number(HALF)
        between = self.builder.add("Add", [self.names[name], half], f"{name}/between")
        unit = self.builder.number(self.end.unit)
        self.names[name] = self.builder.add("Mul", [between, unit], f"{name}/scaled")
        for node in self.graph.nodes:
            if node.output[0] in self.end.behind:
                self._copy(node, list(node.output), follow=False)
        return None

    def share_end(self) -> Array:
        """What the last sums may reach, as a share of 2²⁴: (channels,)."""
        steps = self.builder.walk.extents[f"{self.end.name}/sum"].steps
        shares: Array = steps.reshape(-1, steps.shape[-1]).max(0) if steps.ndim < 4 else steps.max((0, 2, 3))
        return shares / LIMIT

    def _copy(self, node: onnx.NodeProto, outputs: list[str], *, follow: bool = True) -> None:
        copied = onnx.NodeProto()
        copied.CopyFrom(node)
        del copied.input[:], copied.output[:]
        for name in node.input:
            if name in self.graph.constants:
                self.builder.constant(name, self.graph.constants[name])
            copied.input.append(self.names.get(name, name))
        copied.output.extend(outputs)
        self.builder.copy(copied, follow=follow)
        self.names.update(zip(node.output, outputs, strict=True))

    def _add(self, node: onnx.NodeProto) -> None:
        name = node.output[0]
        if all(each not in self.layout.units for each in node.output):
            return
        fraction = self.layout.fractions.get(name)
        target = name if fraction is None else f"{name}/sum"
        kind = node.op_type
        moving = self.graph.moving(node)
        if kind in LINEAR:
            self._add_linear(node, target)
        elif kind in ("Add", "Sub", "Mul") and len(moving) == 1:
            self._add_constant(node, target)
        elif kind == "LeakyRelu":
            slope: float | None = turned_slope(node) if (self.layout.units[name] < 0).any() else None
            slope = slope or count_slope_steps(node) / SLOPE_STEPS
            self.names[name] = self.builder.add(kind, [self.names[moving[0]]], target, alpha=float(slope))
        elif kind in MOVERS:
            self._copy(node, list(node.output) if fraction is None else [target])
        else:
            self._copy(node, [target])
        if fraction is not None:
            self._round(name, fraction)

    def _add_linear(self, node: onnx.NodeProto, target: str) -> None:
        linear = read_linear(node, self.graph.constants)
        source, name = node.input[0], node.output[0]
        unit = self.layout.step(name)
        factors = (_by_channel(self.layout.units[source], linear.axis), 1 / _by_channel(unit, linear.axis))
        limit = self.room.limits.get(name, LIMIT)
        joined = name in self.room.joined
        self.builder.add_linear(node, linear, self.names[source], target, factors, limit, joined=joined)
        self.names[name] = target

    def _add_constant(self, node: onnx.NodeProto, target: str) -> None:
        (source,) = self.graph.moving(node)
        name = node.output[0]
        values = np.asarray(
            self.graph.constants[next(each for each in node.input if each in self.graph.constants)]
        )
        if node.op_type == "Mul":  # the unit has its magnitude
            signs = np.sign(values).astype(np.float32)
            if np.all(signs == 1):
                self.names[name] = self.builder.add("Identity", [self.names[source]], target)
            else:
                inputs = [self.names[source], self.builder.constant(f"{target}/signs", signs)]
                self.names[name] = self.builder.add("Mul", inputs, target)
            return
        steps = values / self.layout.step(name)
        lined = steps.reshape(steps.shape)
        for axis in range(lined.ndim):
            if np.all(lined == np.take(lined, [0], axis)):
                lined = np.take(lined, [0], axis)
        extent = self.builder.walk.extents[self.names[source]]
        most = np.maximum(-extent.low, extent.high).max() + np.abs(lined).max()
        parts = 2.0 ** np.clip(np.floor(np.log2(LIMIT / max(most, 1.0))), 0, SUMMAND_BITS)
        rounded = (np.rint(lined * parts) / parts).astype(np.float32)
        self.names[name] = self.builder.add(
            node.op_type, [self.names[source], self.builder.constant(f"{target}/steps", rounded)], target
        )

    def _round(self, name: str, fraction: Array) -> None:
        fraction, unit = place_points(fraction), self.layout.step(name)
        ranges = self.ranges[name]
        bottom, top = (self.end.low, self.end.high) if name == self.end.name else (-np.inf, np.inf)
        ends = [np.clip(each, bottom, top) / unit for each in (ranges.low, ranges.high)]
        low, high = _ends(np.minimum(*ends), np.maximum(*ends), fraction)
        summed = f"{name}/sum"
        if name == self.end.name:
            summed = self.builder.add("Sub", [summed, self.builder.number(HALF)], f"{name}/shifted")
        self.builder.add_rounding(summed, name, low, high, fraction)
        self.names[name] = name


def _by_channel(values: Array, axis: int) -> Array:
    """One number for each channel.

    Raises:
        ValueError: they differ within a channel.
    """
    axes = tuple(each for each in range(values.ndim) if each != axis % values.ndim)
    least, most = values.min(axes), values.max(axes)
    if not np.allclose(least, most, rtol=1e-9):
        raise ValueError("its channels would need several units at once")
    found: Array = most
    return found


def _ends(low: Array, high: Array, fraction: Array) -> tuple[Array, Array]:
    """Whole numbers that bound what was seen: one pair where all is on one grid, else one a channel."""
    low, high = np.floor(low), np.ceil(high)
    if np.ptp(fraction) == 0 and float(fraction.flat[0]) == 0:
        return np.full(low.shape, low.min()), np.full(high.shape, high.max())
    return low, high
