"""Backwards through a float graph: in which unit each tensor must come, and where it is rounded.

A tensor's number is unit times a number on a grid. Units are any positive numbers, one for each channel: the
weights before and behind absorb them, so that channels use all of their bits and nothing is multiplied at run
time. Equalising channels so: Nagel et al., "Data-free quantization through weight equalization" (2019).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx

from foundation.errors import GanymedeError
from foundation.grid.calibration import Range
from foundation.grid.extents import LIMIT
from foundation.grid.linear import LINEAR, Linear, bound_sums, read_linear
from foundation.grid.movement import MOVERS, Array, move, read_attributes
from foundation.grid.reading import Graph

MAP_BITS, MIN_BITS = 13, 7
"""Of what enters a convolution, its sign among them: at most, and at least."""
FACTOR_BITS = 11
"""Of what is multiplied with what another layer computed."""
FRACTION_BITS = 12
"""Behind the point, of a factor and of what is added to its product, at most."""
SLOPE_STEPS = 256
"""A leaky slope is a multiple of one part in so many."""
_REFINED = 0.3
"""What is left of the noise of weights, once they are rounded so that their errors cancel."""
_BELOW = 0.35
"""The share of a channel's bits that is for what a leaky slope let through."""


@dataclass
class Room:
    """What had to be made smaller for the proof, by tensor."""

    fewer: dict[str, int] = field(default_factory=dict)
    """Bits behind the point."""
    limits: dict[str, float] = field(default_factory=dict)
    """Steps that a sum may reach, which is added to others afterwards."""


class NotPlaceable(GanymedeError):
    """A float graph that cannot be placed on grids; the message names the operator."""

    code = "not-placeable"


@dataclass
class Demand:
    """What a reader of a tensor needs of it."""

    unit: Array | None = None
    """Of each number (1, …); None where any will do."""
    axis: int | None = None
    """Along which a free unit may differ."""
    fraction: Array | None = None
    """Where it is rounded: to so many bits behind the point; -1 where it need not be."""
    bits: int = FACTOR_BITS


@dataclass
class Layout:
    """What was decided of each tensor."""

    units: dict[str, Array] = field(default_factory=dict)
    fractions: dict[str, Array] = field(default_factory=dict)
    """Of tensors that are rounded where they are computed."""
    wanted: dict[str, int] = field(default_factory=dict)
    """Bits behind the point that a reader asked for, by the tensor that it reads."""


class Placement:
    """The walk from the output to the inputs."""

    def __init__(
        self, graph: Graph, ranges: Mapping[str, Range], given: Mapping[str, Array], room: "Room"
    ) -> None:
        """`given` has the units of the inputs, and of what only moves them about."""
        self.graph, self.ranges, self.given, self.room = graph, ranges, given, room
        self.demands: dict[str, list[Demand]] = {}
        self.layout = Layout(units=dict(given))
        self.points: dict[str, Array] = {}

    def walk(self, end: str, unit: float) -> Layout:
        """Decide all that `end`, in `unit` and rounded, needs.

        Raises:
            NotPlaceable: it cannot be.
        """
        shape = self.ranges[end].low.shape
        self.demand(end, Demand(np.full(shape, unit), fraction=np.zeros(shape)))
        for node in reversed(list(self.graph.nodes)):
            wanted = [name for name in node.output if name in self.demands]
            if not wanted:
                continue
            try:
                for name in wanted:
                    self._resolve(name)
                self._pass_on(node)
            except (ValueError, KeyError, IndexError) as error:
                raise NotPlaceable(f"{self.graph.name(node)}: {error}.") from error
        return self.layout

    def demand(self, name: str, demand: Demand) -> None:
        """Note what a reader needs of a tensor."""
        if name not in self.given:
            self.demands.setdefault(name, []).append(demand)

    def _resolve(self, name: str) -> None:
        demands = self.demands[name]
        fixed = [each.unit for each in demands if each.unit is not None]
        if fixed:
            unit = fixed[0]
            if not all(np.allclose(each, unit, rtol=1e-9) for each in fixed):
                raise ValueError(f"{name} is read in two units")
        else:
            axes = {each.axis for each in demands}
            bits = min(each.bits for each in demands)
            unit = self.choose_unit(name, axes.pop() if len(axes) == 1 else None, bits)
        self.layout.units[name] = unit
        fractions = [each.fraction for each in demands if each.fraction is not None]
        if fractions:
            self.layout.fractions[name] = np.maximum.reduce(
                [np.broadcast_to(each, unit.shape) for each in fractions]
            )

    def choose_unit(self, name: str, axis: int | None, bits: int, over: tuple[int, ...] = ()) -> Array:
        """The unit in which the greatest number of each channel takes all of `bits`, its sign among them."""
        ranges = self.ranges[name]
        greatest = ranges.greatest
        if self._is_leaky(name):
            greatest = np.maximum(ranges.high, -ranges.low / _BELOW)
        if over:
            greatest = np.broadcast_to(greatest.max(over, keepdims=True), greatest.shape)
        elif axis is None:
            greatest = np.full_like(greatest, greatest.max())
        else:
            axes = tuple(each for each in range(greatest.ndim) if each not in (0, axis % greatest.ndim))
            greatest = np.broadcast_to(greatest.max(axes, keepdims=True), greatest.shape)
        greatest = self._join(name, greatest)
        floor = max(float(greatest.max()) * 1e-3, 1e-12)
        unit: Array = np.maximum(greatest, floor) / (2.0 ** (bits - 1) - 1)
        return unit

    def _is_leaky(self, name: str) -> bool:
        node = self.graph.producers.get(name)
        while node is not None and node.op_type in MOVERS:
            node = self.graph.producers.get(self.graph.moving(node)[0])
        return node is not None and node.op_type in ("LeakyRelu", "Relu")

    def _join(self, name: str, values: Array) -> Array:
        """Make `values` the same for all that share a channel where they are computed: the greatest."""
        values = np.array(values)
        groups = [values_ids(values), *self._sources(name)]
        for _ in range(20):
            before = values
            for ids in groups[1:]:
                most = np.full(int(ids.max()) + 1, -np.inf)
                np.maximum.at(most, ids.ravel(), values.ravel())
                values = most[ids]
            axes_same = np.full(int(groups[0].max()) + 1, -np.inf)
            np.maximum.at(axes_same, groups[0].ravel(), values.ravel())
            values = axes_same[groups[0]]
            if np.array_equal(before, values):
                break
        return values

    def _sources(self, name: str) -> list[Array]:
        """For each layer that a tensor comes from, which of its channels each number does: (1, …)."""
        node = self.graph.producers.get(name)
        if node is None or name in self.given:
            return []
        shape = self.ranges[name].low.shape
        kind = node.op_type
        if kind in LINEAR:
            channels = read_linear(node, self.graph.constants).weights.shape[0]
            axis = 1 if kind.startswith("Conv") else len(shape) - 1
            lined = np.arange(channels).reshape([-1 if each == axis else 1 for each in range(len(shape))])
            return [np.broadcast_to(lined, shape)]
        if kind in MOVERS:
            return self._moved_sources(node, name)
        if kind == "ReduceSum":
            return []
        found = []
        for each in self.graph.moving(node):
            found += [np.broadcast_to(ids, shape) for ids in self._sources(each)]
        return found

    def _moved_sources(self, node: onnx.NodeProto, name: str) -> list[Array]:
        moving = self.graph.moving(node)
        index = list(node.output).index(name)
        if node.op_type == "Concat":
            lists = [self._sources(each) for each in moving]
            if any(len(each) != 1 for each in lists):
                return []
            offset, arrays = 0, []
            for (ids,) in lists:
                arrays.append(ids + offset)
                offset += int(ids.max()) + 1
            return move(node, arrays, self.graph.constants)
        if any(each not in self.ranges for each in moving[:1]):
            return []
        return [
            move(node, [ids], self.graph.constants, fill=int(ids.max()) + 1)[index]
            for ids in self._sources(moving[0])
        ]

    def _pass_on(self, node: onnx.NodeProto) -> None:
        """What `node` needs of its inputs, to give its outputs as they were decided."""
        kind, name = node.op_type, node.output[0]
        moving = self.graph.moving(node)
        if kind in MOVERS:
            self._pass_mover(node, moving)
        elif kind in LINEAR:
            self._pass_linear(node)
        elif kind in ("LeakyRelu", "Relu"):
            summed = kind == "LeakyRelu" and self.is_sum(moving[0])
            unit = self.layout.units[name]
            self.demand(moving[0], Demand(unit, fraction=np.zeros(unit.shape) if summed else None))
        elif kind in ("Add", "Sub", "Mul"):
            self._pass_pair(node, moving)
        elif kind == "ReduceSum":
            shape = self.ranges[moving[0]].low.shape
            self.demand(moving[0], Demand(np.broadcast_to(self.layout.units[name], shape)))
        else:
            raise ValueError("an operator that has no place on a grid")

    def is_sum(self, name: str) -> bool:
        """Whether a tensor, perhaps moved about, comes straight from a layer's sum."""
        node = self.graph.producers.get(name)
        while node is not None and node.op_type in MOVERS:
            node = self.graph.producers.get(self.graph.moving(node)[0])
        return node is not None and node.op_type in LINEAR

    def _pass_mover(self, node: onnx.NodeProto, moving: list[str]) -> None:
        shapes = [self.ranges[each].low.shape for each in moving]
        sizes = [int(np.prod(shape)) for shape in shapes]
        starts = np.cumsum([0, *sizes])
        places = [
            np.arange(start, start + size).reshape(shape)
            for start, size, shape in zip(starts, sizes, shapes, strict=False)
        ]
        units, fractions = np.full(starts[-1], np.nan), np.full(starts[-1], -1.0)
        for name, place in zip(node.output, move(node, places, self.graph.constants, fill=-1), strict=True):
            if name not in self.layout.units:
                continue
            inside = place >= 0
            units[place[inside]] = self.layout.units[name][inside]
            fraction = self.layout.fractions.pop(name, None)
            if fraction is not None:
                fractions[place[inside]] = np.maximum(fractions[place[inside]], fraction[inside])
        for each, start, size, shape in zip(moving, starts, sizes, shapes, strict=False):
            unit = units[start : start + size]
            if np.isnan(unit).all():
                continue
            unit = np.where(np.isnan(unit), np.nanmin(unit), unit).reshape(shape)
            fraction = fractions[start : start + size].reshape(shape)
            self.demand(each, Demand(unit, fraction=fraction if (fraction >= 0).any() else None))

    def _pass_linear(self, node: onnx.NodeProto) -> None:
        linear = read_linear(node, self.graph.constants)
        source = node.input[0]
        unit = self.layout.units[node.output[0]]
        if linear.is_sum and np.ptp(unit) == 0:
            self.demand(source, Demand(np.full(self.ranges[source].low.shape, float(unit.flat[0]))))
            return
        if source in self.given:
            return
        bits = choose_bits(linear, self, source, self.room.limits.get(node.output[0], LIMIT))
        self.demand(source, Demand(axis=linear.axis, fraction=np.zeros(1), bits=bits))

    def _pass_pair(self, node: onnx.NodeProto, moving: list[str]) -> None:
        unit = self.layout.units[node.output[0]]
        if len(moving) == 1:
            shape = self.ranges[moving[0]].low.shape
            if node.op_type == "Mul":
                factor = np.asarray(
                    next(self.graph.constants[each] for each in node.input if each in self.graph.constants)
                )
                if np.any(factor <= 0):
                    raise ValueError("a constant factor is not positive")
                unit = unit / factor
            elif node.op_type == "Sub" and node.input[0] in self.graph.constants:
                raise ValueError("a constant is diminished by what comes before")
            if unit.shape != shape:
                raise ValueError("a constant makes it larger")
            self.demand(moving[0], Demand(unit))
            return
        if node.op_type == "Mul":
            self._pass_product(moving, unit)
            return
        self._point_products(node, moving, unit)
        for each in moving:
            shape = self.ranges[each].low.shape
            small = int(np.prod(shape)) * 4 <= unit.size
            fraction = self._behind_point(each, shape) if small else np.zeros(shape)
            if not self.is_sum(each):
                fraction = None
            self.demand(each, Demand(reduce_unit(unit, shape), fraction=fraction))

    def _pass_product(self, moving: list[str], unit: Array) -> None:
        large, small = self._sort_factors(moving, unit)
        shape = self.ranges[small].low.shape
        own = self._factor_unit(large, small)
        self.demand(large, Demand(own, fraction=np.zeros(own.shape)))
        if small not in self.points:
            self._point_factor(small, unit, own, np.zeros(1), "")
        self.demand(small, Demand(reduce_unit(unit / own, shape), fraction=self._behind_point(small, shape)))

    def _sort_factors(self, moving: list[str], unit: Array) -> tuple[str, str]:
        large, small = sorted(moving, key=lambda each: -self.ranges[each].low.size)
        shapes = [self.ranges[each].low.shape for each in (large, small)]
        if shapes[0] != unit.shape or len(shapes[1]) != len(unit.shape):
            raise ValueError("both factors are spread")
        return large, small

    def _factor_unit(self, large: str, small: str) -> Array:
        over = tuple(axis for axis, side in enumerate(self.ranges[small].low.shape) if side == 1 and axis)
        return self.choose_unit(large, None, FACTOR_BITS, over or (0,))

    def _point_products(self, node: onnx.NodeProto, moving: list[str], unit: Array) -> None:
        """Find where the point lies of a factor, and of what is added to its product: nothing may pass 2²⁴."""
        for name, other in (moving, moving[::-1]):
            product = self.graph.producers.get(name)
            if product is None or product.op_type != "Mul" or len(self.graph.moving(product)) != 2:
                continue
            if not self.is_sum(other):
                continue
            large, small = self._sort_factors(self.graph.moving(product), unit)
            added = self.ranges[other].greatest / reduce_unit(unit, self.ranges[other].low.shape)
            self._point_factor(small, unit, self._factor_unit(large, small), added, node.output[0])
            if added.shape == self.ranges[small].low.shape:
                self.points[other] = self.points[small]

    def _point_factor(self, small: str, unit: Array, own: Array, added: Array, behind: str) -> None:
        shape = self.ranges[small].low.shape
        greatest = self.ranges[small].greatest / reduce_unit(unit / own, shape)
        most = greatest * 2.0 ** (FACTOR_BITS - 1) + added + 1
        room = LIMIT / (most * self._slope_steps(behind) * 1.01)
        self.points[small] = np.clip(np.floor(np.log2(room)), 0, FRACTION_BITS)

    def _slope_steps(self, name: str) -> int:
        """Of the slope that comes next: its numerator, and 1 without one."""
        readers = self.graph.readers.get(name, [])
        while len(readers) == 1 and readers[0].op_type in MOVERS:
            readers = self.graph.readers.get(readers[0].output[0], [])
        slopes = [
            round(read_attributes(each).get("alpha", 0.01) * SLOPE_STEPS)
            for each in readers
            if each.op_type == "LeakyRelu"
        ]
        return max([1, *slopes])

    def _behind_point(self, name: str, shape: tuple[int, ...]) -> Array:
        bits = np.broadcast_to(self.points.get(name, np.full(shape, FRACTION_BITS)), shape)
        fewer = np.maximum(bits - self.room.fewer.get(name, 0), 0).astype(float)
        self.layout.wanted[name] = int(fewer.max())
        return fewer


def reduce_unit(unit: Array, shape: tuple[int, ...]) -> Array:
    """The unit of what is spread to `unit`'s shape.

    Raises:
        ValueError: it would have to be several at once.
    """
    full = unit.reshape((1,) * (len(shape) - unit.ndim) + unit.shape)
    lined = (1,) * (full.ndim - len(shape)) + tuple(shape)
    over = tuple(axis for axis, side in enumerate(lined) if side == 1 and full.shape[axis] != 1)
    least, most = full.min(over, keepdims=True), full.max(over, keepdims=True)
    if not np.allclose(least, most, rtol=1e-9):
        raise ValueError("its numbers would need several units at once")
    reduced: Array = most.reshape(shape)
    return reduced


def values_ids(values: Array) -> Array:
    """Which of them are equal: an id for each."""
    _, ids = np.unique(values, return_inverse=True)
    return np.asarray(ids).reshape(values.shape)


def choose_bits(linear: Linear, placement: Placement, source: str, limit: float) -> int:
    """How many bits what goes in has, for the least noise: more of its bits leave fewer to the weights."""
    ranges = placement.ranges[source]
    axes = tuple(axis for axis in range(ranges.low.ndim) if axis != linear.axis % ranges.low.ndim)
    greatest, square = np.maximum(ranges.greatest.max(axes), 1e-12), ranges.square.mean(axes)
    low, high = ranges.low.min(axes) / greatest, ranges.high.max(axes) / greatest
    weights = linear.weights * linear.spread(greatest)  # of what goes in as a share of its greatest
    least, most = bound_sums(linear, weights, None, low, high)
    bound = np.maximum(np.maximum(-least, most), 1e-30)
    taps = linear.weights.shape[2]
    through = (weights**2).sum((1, 2))
    carried = linear.spread(square / greatest**2).sum((1, 2)) * taps
    noise = []
    for bits in range(MIN_BITS, MAP_BITS + 1):
        whole = 2.0 ** (bits - 1)
        step = bound * whole / (limit / 2**0.5)  # of the weights; half a bit is lost on average
        noise.append(
            float(
                np.mean(
                    (through / whole**2 + _REFINED * carried * step**2)
                    / np.maximum((weights**2 * linear.spread(square / greatest**2)).sum((1, 2)), 1e-30)
                )
            )
        )
    return MIN_BITS + int(np.argmin(noise))


__all__ = ["Demand", "Layout", "NotPlaceable", "Placement", "read_attributes"]
