"""Backwards through a float graph: in which unit each tensor must come, and where it is rounded.

A tensor's number is unit times a number on a grid. Units are any positive numbers, one for each channel: the
weights before and behind absorb them, so that channels use all of their bits and nothing is multiplied at run
time. Equalising channels so: Nagel et al., "Data-free quantization through weight equalization" (2019).
"""

from collections.abc import Mapping

import numpy as np
import onnx

from foundation.grid.bits import choose_bits
from foundation.grid.calibration import Range
from foundation.grid.channels import Channels, reduce_unit
from foundation.grid.demands import Demand, Layout, NotPlaceable, Room
from foundation.grid.extents import LIMIT
from foundation.grid.linear import LINEAR, read_linear
from foundation.grid.movement import MOVERS, Array, move
from foundation.grid.parting import ReadInTwoUnits
from foundation.grid.points import Points
from foundation.grid.pooling import demand_mean
from foundation.grid.reading import Graph
from foundation.grid.slopes import can_turn, turned_slope


class Placement:
    """The walk from the output to the inputs."""

    def __init__(
        self, graph: Graph, ranges: Mapping[str, Range], given: Mapping[str, Array], room: Room
    ) -> None:
        """`given` has the units of the inputs, and of what only moves them about."""
        self.graph, self.ranges, self.given, self.room = graph, ranges, given, room
        self.demands: dict[str, list[Demand]] = {}
        self.layout = Layout(units=dict(given))
        self.channels = Channels(graph, ranges, given)
        self.points = Points(self.channels, room, self.layout, self._known_unit)

    def walk(self, end: str, unit: float) -> Layout:
        """Decide all that `end`, in `unit` and rounded, needs.

        Raises:
            NotPlaceable: it cannot be.
            ReadInTwoUnits: it could be, were a tensor computed for each of those that read it.
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
            except KeyError as error:
                raise NotPlaceable(
                    f"{self.graph.name(node)}: it reads {error}, which is on no grid."
                ) from error
            except (ValueError, IndexError) as error:
                raise NotPlaceable(f"{self.graph.name(node)}: {error}.") from error
        return self.layout

    def demand(self, name: str, demand: Demand) -> None:
        """Note what a reader needs of a tensor.

        Raises:
            ValueError: it is one that goes in, and it goes in in another unit.
        """
        if name not in self.given:
            self.demands.setdefault(name, []).append(demand)
        elif demand.unit is not None and not np.allclose(demand.unit, self.given[name], rtol=1e-9):
            raise ValueError(f"it needs {name} in another unit than that in which it goes in")

    def _resolve(self, name: str) -> None:
        demands = self.demands[name]
        fixed = [each.unit for each in demands if each.unit is not None]
        unit = fixed[0] if fixed else self._known_unit(name)
        if not all(np.allclose(each, fixed[0], rtol=1e-9) for each in fixed):
            raise ReadInTwoUnits(name)
        if unit is None:
            axes = {each.axis for each in demands}
            bits = min(each.bits for each in demands)
            unit = self.channels.choose_unit(name, axes.pop() if len(axes) == 1 else None, bits)
        self.layout.units[name] = unit
        fractions = [each.fraction for each in demands if each.fraction is not None]
        if fractions:
            self.layout.fractions[name] = np.maximum.reduce(
                [np.broadcast_to(each, unit.shape) for each in fractions]
            )

    def _known_unit(self, name: str) -> Array | None:
        """The unit of a tensor that others read as well, with none but slopes and movers in between."""
        fixed = [each.unit for each in self.demands.get(name, []) if each.unit is not None]
        if fixed:
            return fixed[0]
        node = self.graph.producers.get(name)
        if node is None or name in self.given or node.op_type not in {"Relu", "LeakyRelu"} | MOVERS:
            return None
        moving = self.graph.moving(node)
        unit = self._known_unit(moving[0]) if len(moving) == 1 else None
        if unit is None or node.op_type not in MOVERS:
            return unit
        moved = move(node, [unit], self.graph.constants, fill=float(unit.max()))
        return moved[list(node.output).index(name)]

    def _pass_on(self, node: onnx.NodeProto) -> None:
        """What `node` needs of its inputs, to give its outputs as they were decided."""
        kind, name = node.op_type, node.output[0]
        moving = self.graph.moving(node)
        if kind in MOVERS:
            self._pass_mover(node, moving)
        elif kind in LINEAR:
            self._pass_linear(node)
        elif kind in ("LeakyRelu", "Relu"):
            summed = kind == "LeakyRelu" and self.channels.is_sum(moving[0])
            unit = self.layout.units[name]
            turned = turned_slope(node) if kind == "LeakyRelu" and (unit < 0).any() else None
            self.demand(
                moving[0], Demand(unit * (turned or 1), fraction=np.zeros(unit.shape) if summed else None)
            )
        elif kind in ("Add", "Sub", "Mul"):
            self._pass_pair(node, moving)
        elif kind == "ReduceSum":
            shape = self.ranges[moving[0]].low.shape
            self.demand(moving[0], Demand(np.broadcast_to(self.layout.units[name], shape)))
        elif kind == "AveragePool":
            shape = self.ranges[moving[0]].low.shape
            self.demand(moving[0], demand_mean(node, self.layout.units[name], shape))
        else:
            raise ValueError("an operator that has no place on a grid")

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
            fraction = None if self._rounds_behind(node) else self.layout.fractions.pop(name, None)
            if fraction is not None:
                fractions[place[inside]] = np.maximum(fractions[place[inside]], fraction[inside])
        for each, start, size, shape in zip(moving, starts, sizes, shapes, strict=False):
            unit = units[start : start + size]
            if np.isnan(unit).all():
                continue
            unit = np.where(np.isnan(unit), np.nanmin(unit), unit).reshape(shape)
            fraction = fractions[start : start + size].reshape(shape)
            self.demand(each, Demand(unit, fraction=fraction if (fraction >= 0).any() else None))

    def _rounds_behind(self, node: onnx.NodeProto) -> bool:
        """Whether a sum is better rounded behind `node`: ONNX Runtime's layers turn planes round."""
        (source, *_) = self.graph.moving(node)
        producer, fraction = self.graph.producers.get(source), self.layout.fractions.get(node.output[0])
        return (
            node.op_type == "Transpose"
            and producer is not None
            and producer.op_type == "Conv"
            and len(self.graph.readers[source]) == 1
            and fraction is not None
            and not (fraction > 0).any()
        )

    def _pass_linear(self, node: onnx.NodeProto) -> None:
        linear = read_linear(node, self.graph.constants)
        source = node.input[0]
        unit = self.layout.units[node.output[0]]
        if linear.is_sum and np.ptp(unit) == 0:
            self.demand(source, Demand(np.full(self.ranges[source].low.shape, float(unit.flat[0]))))
            return
        if source in self.given:
            return
        joined = node.output[0] in self.room.joined
        limit = LIMIT if joined else self.room.limits.get(node.output[0], LIMIT)
        bits = choose_bits(linear, self.ranges[source], limit, joined=joined)
        self.demand(source, Demand(axis=linear.axis, fraction=np.zeros(1), bits=bits))

    def _pass_pair(self, node: onnx.NodeProto, moving: list[str]) -> None:
        unit = self.layout.units[node.output[0]]
        if len(moving) == 1:
            unit = self.layout.step(node.output[0])
            shape = self.ranges[moving[0]].low.shape
            if node.op_type == "Mul":
                factor = np.asarray(
                    next(self.graph.constants[each] for each in node.input if each in self.graph.constants)
                )
                unit = unit / np.where(factor == 0, 1, np.abs(factor))
            elif node.op_type == "Sub" and node.input[0] in self.graph.constants:
                raise ValueError("a constant is diminished by what comes before")
            if unit.shape != shape:
                raise ValueError("a constant makes it larger")
            self.demand(moving[0], Demand(unit))
            return
        if node.op_type == "Mul":
            self._pass_product(moving, unit)
            return
        self.points.point_products(node, moving, unit)
        for each in moving:
            shape = self.ranges[each].low.shape
            small = int(np.prod(shape)) * 4 <= unit.size
            fraction = None
            if self.channels.is_sum(each):
                fraction = self.points.behind_point(each, shape) if small else np.zeros(shape)
            self.demand(each, Demand(reduce_unit(unit, shape), fraction=fraction))

    def _pass_product(self, moving: list[str], unit: Array) -> None:
        large, small = self.points.sort_factors(moving, unit)
        shape = self.ranges[small].low.shape
        own = self.points.factor_unit(large, small)
        if (unit < 0).any() and not can_turn(self.graph, small):
            own = -own
        if small not in self.points.points:
            self.points.point_factor((large, small), unit, own, np.zeros(1), "")
        self.demand(large, Demand(own, fraction=np.zeros(own.shape)))
        self.demand(
            small, Demand(reduce_unit(unit / own, shape), fraction=self.points.behind_point(small, shape))
        )
