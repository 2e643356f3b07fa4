"""The proof that no sum of a graph can round, on any machine: a walk along it with what each number may be.

Every tensor's numbers are multiples of 2⁻ᵗ between two bounds. A sum is exact in float32, in any order and
with or without fused multiply-add, if all that its parts may add up to is at most 2²⁴ steps of 2⁻ᵗ.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from foundation.errors import GanymedeError
from foundation.grid.admission import check_attributes, check_graph
from foundation.grid.batches import check_batch, keeps_first
from foundation.grid.extents import ALONE, ANY, Extent, check_steps, extent_of, scale_any
from foundation.grid.linear import LINEAR, bound_sums, read_linear
from foundation.grid.movement import MOVERS, Array, check_size, move, read_attributes
from foundation.grid.pairs import follow_pair
from foundation.grid.pooling import average_extent
from foundation.grid.reading import Graph, count_fraction_bits
from foundation.grid.sides import conv_sides, transposed_sides
from foundation.grid.tail import Tail, find_tail, follow_tail, goes_alone, list_points

MIXERS = frozenset({"Concat", "Pad"})
MAX_FRACTION_BITS = 100
"""Float32's smallest normal number is 2⁻¹²⁶."""
_UNREADABLE = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    ArithmeticError,
    StopIteration,
    MemoryError,
    RecursionError,
)


class NotExact(GanymedeError):
    """A graph that is not proven to be exact; the message names the operator."""

    code = "not-exact"


@dataclass(frozen=True)
class Proof:
    """What was found of a graph that is exact."""

    sums: int
    """Operators that add."""
    channels: int
    """Of them, each of which was looked at."""
    worst: float
    """The greatest sum that any may reach, as a share of 2²⁴."""


def prove_exact(model: onnx.ModelProto) -> Proof:
    """Prove that a graph gives the same pixels on every machine.

    Raises:
        NotExact: it is not proven; the operator, and the channel where one is to blame, are named.
    """
    if model.functions:
        raise NotExact("The graph has functions of its own, which are not looked into.")
    try:
        check_graph(model.graph)
        walk = Walk(Graph(model))
    except _UNREADABLE as error:
        raise NotExact(f"The graph cannot be proven: {str(error)[:300]}.") from error
    unread = Counter(name for node in walk.graph.nodes for name in node.input)
    for node in walk.graph.nodes:
        try:
            walk.take(node)
            unread.subtract(node.input)
            walk.forget({name for name in (*node.input, *node.output) if not unread[name]})
        except _UNREADABLE as error:
            reason = str(error) if isinstance(error, ValueError) else f"it cannot be read: {error!r}"
            raise NotExact(f"{walk.graph.name(node)}: {reason[:300]}.") from error
    for output in model.graph.output:
        if output.name not in walk.ended:
            raise NotExact(f"{output.name} is not rounded to levels at the end.")
    return Proof(walk.sums, walk.channels, walk.worst)


class Walk:
    """The walk along a graph, as far as it has come."""

    def __init__(self, graph: Graph) -> None:
        """Begin at its inputs, which may be anything."""
        self.graph = graph
        self.extents: dict[str, Extent] = {
            name: Extent(np.full(shape, -np.inf), np.full(shape, np.inf), np.full(shape, ANY))
            for name, shape in graph.inputs.items()
        }
        self.last = find_tail(graph, curves=True)
        self.tails: dict[str, Tail] = {}
        self.sides: dict[str, tuple[int, ...]] = {}
        """Of tails, of one sample (1, …)."""
        self.mixed: set[str] = set()
        """Tails that may hold a constant too, which none of their points says."""
        self.ended: set[str] = set()
        self.sums = self.channels = 0
        self.worst = 0.0

    def take(self, node: onnx.NodeProto) -> None:
        """Go on behind `node`.

        Raises:
            ValueError: what it does may round.
        """
        kind = node.op_type
        if node.domain not in ("", "ai.onnx"):
            raise ValueError("an operator that is not ONNX's own")
        moving = self.graph.moving(node)
        if kind == "Constant" or not moving:
            return
        check_attributes(node)
        check_batch(node, [self._shape(name) for name in moving], self.graph.constants)
        if len(moving) > 1 and all(name in self.tails for name in moving):
            self._take_tails(node, moving)
            return
        if self._take_tail(node, moving[0]):
            return
        for name in moving:
            self._settle(name)
        self._add(node)

    def forget(self, names: Iterable[str]) -> None:
        """Let go of what numbers may be that nothing reads any more: of large pictures that is gigabytes."""
        for name in names:
            self.extents.pop(name, None)

    def _add(self, node: onnx.NodeProto) -> None:
        """Go on behind a node whose numbers are added, multiplied or moved about."""
        kind, source = node.op_type, self.graph.moving(node)[0]
        if kind in MOVERS:
            self._take_mover(node)
        elif kind in LINEAR:
            self._take_linear(node)
        elif kind in ("Add", "Sub", "Mul"):
            self._take_pair(node)
        elif kind == "AveragePool":
            extent = average_extent(node, self.extents[source])
            self._check(extent.steps, 1)
            self._keep(node, extent)
        elif kind in ALONE:
            self._keep(node, ALONE[kind](node, self.extents[source], self.graph.constants))
        else:
            raise ValueError("an operator that is not proven to be exact")

    def _settle(self, name: str) -> None:
        """Let numbers that went their own way be added up again, once they are the same on every machine."""
        tail = self.tails.get(name)
        if tail is None or name in self.extents:
            return
        if np.any(tail.errors):  # as it is behind a constant that was added to whole levels
            node = self.graph.producers[name]
            (source, *others) = self.graph.moving(node)
            if others or source not in self.tails or node.op_type not in ("Add", "Sub", "Mul", *MOVERS):
                raise ValueError(f"{name} is not rounded to whole levels before it is used again")
            self._settle(source)
            self._add(node)
            return
        if name in self.mixed:
            raise ValueError(f"{name} holds constants beside what was drawn")
        if name in self.ended:
            raise ValueError(f"{name} is of bytes, with which machines count otherwise than with floats")
        shape, points = self.sides[name], tail.points
        bits = int(count_fraction_bits(points).max())
        self.extents[name] = Extent(
            np.full(shape, points.min()), np.full(shape, points.max()), np.full(shape, bits)
        )

    def _shape(self, name: str) -> tuple[int, ...]:
        """Of a tensor, of one sample (1, …)."""
        extent = self.extents.get(name)
        shape: tuple[int, ...] = self.sides[name] if extent is None else extent.low.shape
        return shape

    def _move(self, node: onnx.NodeProto, arrays: list[Array]) -> list[Array]:
        moved = move(node, arrays, self.graph.constants)
        if not all(keeps_first(node, arrays[0].shape, each.shape) for each in moved):
            raise ValueError("it repeats pictures")
        return moved

    def _keep(self, node: onnx.NodeProto, extent: Extent) -> None:
        if not extent.is_any and (extent.bits > MAX_FRACTION_BITS).any():
            raise ValueError("its grid is so fine that machines may take its numbers for zero")
        check_size(extent.low.shape)
        self.extents[node.output[0]] = extent

    def _check(self, steps: Array, axis: int) -> None:
        self.worst = max(self.worst, check_steps(steps, axis))
        self.sums, self.channels = self.sums + 1, self.channels + steps.shape[axis]

    def _take_mover(self, node: onnx.NodeProto) -> None:
        extents = [
            self.extents[name] if name in self.extents else extent_of(self.graph.constants[name])
            for name in node.input
            if name
        ]
        if node.op_type != "Concat":
            if len(self.graph.moving(node)) > 1:
                raise ValueError("how it moves numbers is no constant")
            extents = extents[:1]
        lows, highs = ([getattr(each, end) for each in extents] for end in ("low", "high"))
        parts = [self._move(node, arrays) for arrays in (lows, highs, [each.bits for each in extents])]
        for name, low, high, bits in zip(node.output, *parts, strict=True):
            self.extents[name] = Extent(low, high, bits)

    def _take_linear(self, node: onnx.NodeProto) -> None:
        linear, given = read_linear(node, self.graph.constants), self.extents[node.input[0]]
        axes = tuple(axis for axis in range(given.low.ndim) if axis != linear.axis % given.low.ndim)
        low, high, bits = given.low.min(axes), given.high.max(axes), given.bits.max(axes)
        if given.is_any:
            raise ValueError(f"{node.input[0]} is not rounded to a grid before")
        fractions = count_fraction_bits(linear.weights) + linear.spread(bits)
        grid = np.maximum(np.where(linear.weights == 0, -1000, fractions).max((1, 2)), -1000)
        if linear.bias is not None:
            grid = np.maximum(grid, count_fraction_bits(linear.bias))
        grid = np.where(grid == -1000, 0, grid)
        least, most = bound_sums(linear, linear.weights, linear.bias, low, high)
        self._check(np.ldexp(np.maximum(-least, most), grid), 0)
        shape = self._shape_behind(node, linear.weights.shape[0], given.low.shape)
        lined = [
            each.reshape([-1 if axis == linear.axis % len(shape) else 1 for axis in range(len(shape))])
            for each in (least, most, grid)
        ]
        self._keep(node, Extent(*(np.broadcast_to(each, shape) for each in lined)))

    def _shape_behind(self, node: onnx.NodeProto, out: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        if node.op_type in ("MatMul", "Gemm"):
            return (*shape[:-1], out)
        given = read_attributes(node)
        if node.op_type == "Conv":
            return (1, out, *conv_sides(given, shape[2:], self.graph.constants[node.input[1]].shape[2:]))
        return (1, out, *transposed_sides(given, shape[2:], self.graph.constants[node.input[1]].shape[2:]))

    def _take_pair(self, node: onnx.NodeProto) -> None:
        first, second = (
            self.extents[name] if name in self.extents else extent_of(self.graph.constants[name])
            for name in node.input
        )
        kind = node.op_type
        check_size(np.broadcast_shapes(first.low.shape, second.low.shape))
        if kind == "Mul":
            if first.is_any or second.is_any:
                self._keep(node, scale_any(first, second))
                return
            ends = [one * other for one in (first.low, first.high) for other in (second.low, second.high)]
            extent = Extent(np.minimum.reduce(ends), np.maximum.reduce(ends), first.bits + second.bits)
        else:
            low, high = (second.low, second.high) if kind == "Add" else (-second.high, -second.low)
            extent = Extent(first.low + low, first.high + high, np.maximum(first.bits, second.bits))
        self._check(extent.steps, -1 if extent.low.ndim < 4 else 1)
        self._keep(node, extent)

    def _take_tail(self, node: onnx.NodeProto, source: str) -> bool:
        """Whether `node` belongs to the end of the graph, where each number goes its own way."""
        if not goes_alone(self.graph, node):
            return False
        tail = self.tails.get(source)
        if tail is None and source in self.last and source in self.extents:
            extent = self.extents[source]
            tail = list_points(extent.low, extent.high, extent.bits)
        if tail is None:
            return False
        self._keep_tail(node, follow_tail(node, tail, self.graph.constants), [source])
        return True

    def _take_tails(self, node: onnx.NodeProto, sources: list[str]) -> None:
        """Go on behind a node that reads several tensors, each of whose numbers goes its own way."""
        tails = [self.tails[name] for name in sources]
        self._keep_tail(node, follow_pair(node, tails, self.graph.constants), sources)

    def _keep_tail(self, node: onnx.NodeProto, tail: Tail, sources: list[str]) -> None:
        kind, bytes_in = node.op_type, [name in self.ended for name in sources]
        if any(bytes_in) and kind not in (*MOVERS, "Cast"):
            raise ValueError("it counts with bytes, as machines do otherwise than with floats")
        shapes = [self._shape(name) for name in sources]
        if kind in MOVERS:
            read = [name for name in node.input if name][: None if kind == "Concat" else 1]
            sides = [
                self.graph.constants[name].shape if name in self.graph.constants else self._shape(name)
                for name in read
            ]
            moved = self._move(node, [np.broadcast_to(np.zeros((), bool), each) for each in sides])
            shapes = [each.shape for each in moved]
        elif len(shapes) > 1:
            shapes = [np.broadcast_shapes(*shapes)]
        ends = kind == "Cast" and read_attributes(node)["to"] == TensorProto.UINT8
        for name, shape in zip(node.output, shapes, strict=True):
            check_size(shape)
            self.tails[name], self.sides[name] = tail, shape
            if self.mixed.intersection(sources) or (kind in MIXERS and len(node.input) > len(sources)):
                self.mixed.add(name)
            if ends or (all(bytes_in) and kind in MOVERS):
                self.ended.add(name)
