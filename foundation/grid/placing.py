"""A float graph placed on grids: the same layers, in numbers whose sums are whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx

from foundation.grid.building import Builder, Unrounded
from foundation.grid.calibration import Feeds, Range, fold, measure_ranges
from foundation.grid.demands import SLOPE_STEPS, Layout, NotPlaceable, Placement, Room
from foundation.grid.ending import HALF, End, find_end
from foundation.grid.extents import LIMIT
from foundation.grid.linear import LINEAR, read_linear
from foundation.grid.movement import MOVERS, Array, move, read_attributes
from foundation.grid.proof import Proof, prove_exact
from foundation.grid.reading import Graph
from foundation.grid.refining import Refiner

LATENT_BITS, LABEL_BITS = 11, 10
"""Behind the point of what lies in [-1, 1]: of latents, three fewer if they are normal, and of labels."""
NORMAL_RANGE = 8.0
REFINING_IMAGES = 192
_MAX_TRIES = 60


@dataclass(frozen=True)
class Placed:
    """An exact graph, and what it was before its weights were rounded."""

    model: onnx.ModelProto
    proof: Proof
    unrounded: Mapping[str, Unrounded]
    folded: onnx.ModelProto
    """The float graph that it comes from, as ONNX Runtime simplifies it."""


def place(model: onnx.ModelProto, feeds: Feeds, *, normal: bool) -> Placed:
    """Place a float graph on grids, by its ranges over `feeds`; `normal` are latents that are not uniform.

    Raises:
        NotPlaceable: an operator has no place on a grid.
    """
    folded = fold(model)
    graph, ranges = Graph(folded), measure_ranges(folded, feeds)
    end = find_end(graph, ranges)
    bounds = _bound_inputs(graph, normal=normal)
    given = _move_given(
        graph, {name: np.full(shape, bounds[name][0]) for name, shape in graph.inputs.items()}
    )
    room, refiner = Room(), None
    for _ in range(_MAX_TRIES):
        layout = Placement(graph, ranges, given, room).walk(end.name, end.unit)
        work = _Work(graph, ranges, layout, end, room, Builder(folded, refiner))
        failed = work.build(bounds)
        if failed is None and refiner is None:
            refiner = Refiner(folded, feeds, REFINING_IMAGES)
        elif failed is None:
            return Placed(work.builder.model, prove_exact(work.builder.model), work.builder.unrounded, folded)
        elif not _make_room(graph, failed[0], room, layout):
            raise NotPlaceable(f"{graph.name(failed[0])}: {failed[1]}.")
    raise NotPlaceable("No grid was found on which the graph's sums stay below 2^24.")


def _bound_inputs(graph: Graph, *, normal: bool) -> dict[str, tuple[float, float, float]]:
    """Of each input: its unit, and the whole numbers that bound it."""
    latent_bits = LATENT_BITS - 3 if normal else LATENT_BITS
    most = (NORMAL_RANGE if normal else 1.0) * 2.0**latent_bits
    known = {"latent": (2.0**-latent_bits, -most, most), "label": (2.0**-LABEL_BITS, 0.0, 2.0**LABEL_BITS)}
    return {name: known[name] for name in graph.inputs}


def _move_given(graph: Graph, given: dict[str, Array]) -> dict[str, Array]:
    """The units of the inputs, and of all that only moves them about."""
    for node in graph.nodes:
        moving = graph.moving(node)
        if node.op_type in MOVERS and moving and all(name in given for name in moving):
            arrays = move(node, [given[name] for name in moving], graph.constants)
            given.update(zip(node.output, arrays, strict=True))
    return given


def _make_room(graph: Graph, node: onnx.NodeProto, room: Room, layout: Layout) -> bool:
    """Give up a bit of what `node`'s sum comes from; False where nothing can be given up."""
    fractions: set[str] = set()
    sums: set[str] = set()
    waiting = [name for name in graph.moving(node)] if node.op_type not in LINEAR else []
    if node.op_type in LINEAR and read_linear(node, graph.constants).is_sum:
        waiting = graph.moving(node)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        producer = graph.producers.get(name)
        if name in seen or producer is None:
            continue
        seen.add(name)
        if layout.wanted.get(name, 0) > 0:
            fractions.add(name)
        elif name in layout.fractions and not (layout.fractions[name] > 0).any():
            continue
        elif producer.op_type in LINEAR and not read_linear(producer, graph.constants).is_sum:
            sums.add(name)
        else:
            waiting += graph.moving(producer)
    for name in fractions:
        room.fewer[name] = room.fewer.get(name, 0) + 1
    if fractions:
        return True
    for name in sums:
        room.limits[name] = room.limits.get(name, LIMIT) / 2
    return bool(sums)


@dataclass
class _Work:
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
            self._add_linear(node, target, fraction)
        elif kind in ("Add", "Sub", "Mul") and len(moving) == 1:
            self._add_constant(node, target)
        elif kind == "LeakyRelu":
            slope = round(read_attributes(node).get("alpha", 0.01) * SLOPE_STEPS) / SLOPE_STEPS
            self.names[name] = self.builder.add(kind, [self.names[moving[0]]], target, alpha=slope)
        elif kind in MOVERS:
            self._copy(node, list(node.output))
        else:
            self._copy(node, [target])
        if fraction is not None and kind not in MOVERS:
            self._round(name, fraction)

    def _add_linear(self, node: onnx.NodeProto, target: str, fraction: Array | None) -> None:
        linear = read_linear(node, self.graph.constants)
        source, name = node.input[0], node.output[0]
        unit = self.layout.units[name]
        if fraction is not None:
            unit = unit / np.ldexp(1.0, np.maximum(fraction, 0).astype(int))
        factors = (_by_channel(self.layout.units[source], linear.axis), 1 / _by_channel(unit, linear.axis))
        limit = self.room.limits.get(name, LIMIT)
        self.builder.add_linear(node, linear, self.names[source], target, factors, limit)
        self.names[name] = target

    def _add_constant(self, node: onnx.NodeProto, target: str) -> None:
        (source,) = self.graph.moving(node)
        name = node.output[0]
        if node.op_type == "Mul":
            self.names[name] = self.builder.add("Identity", [self.names[source]], target)
            return
        values = np.asarray(
            self.graph.constants[next(each for each in node.input if each in self.graph.constants)]
        )
        steps = values / self.layout.units[name]
        lined = steps.reshape(steps.shape)
        for axis in range(lined.ndim):
            if np.all(lined == np.take(lined, [0], axis)):
                lined = np.take(lined, [0], axis)
        rounded = (np.rint(lined * 16) / 16).astype(np.float32)
        self.names[name] = self.builder.add(
            node.op_type, [self.names[source], self.builder.constant(f"{target}/steps", rounded)], target
        )

    def _round(self, name: str, fraction: Array) -> None:
        fraction = np.where(fraction < 0, max(float(fraction.max()), 0.0), fraction)
        unit = self.layout.units[name] / np.ldexp(1.0, fraction.astype(int))
        ranges = self.ranges[name]
        low, high = _ends(ranges.low / unit, ranges.high / unit, fraction)
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
    """Whole numbers that bound what was seen: one pair where all is on one grid, else one for each channel."""
    low, high = np.floor(low), np.ceil(high)
    if np.ptp(fraction) == 0 and float(fraction.flat[0]) == 0:
        return np.full(low.shape, low.min()), np.full(high.shape, high.max())
    return low, high
