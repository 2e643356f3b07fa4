"""Tensors whose numbers each go their own way: what they may be, one by one, along the end of a graph."""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto

from foundation.grid.batches import move_apart
from foundation.grid.extents import Extent
from foundation.grid.movement import MOVERS, check_size, read_attributes
from foundation.grid.pairs import follow_pair
from foundation.grid.reading import Graph, count_fraction_bits
from foundation.grid.tail import Tail, find_tail, follow_tail, goes_alone, list_points

Shape = tuple[int, ...]
MIXERS = frozenset({"Concat", "Pad"})


class Tails:
    """What is known of a graph's tensors number by number."""

    def __init__(self, graph: Graph) -> None:
        """Begin with none."""
        self.graph = graph
        self.last = find_tail(graph, curves=True)
        self.known: dict[str, Tail] = {}
        self.sides: dict[str, Shape] = {}
        """Their shapes, of one sample (1, …)."""
        self.mixed: set[str] = set()
        """Those that may hold a constant too, which none of their points says."""
        self.ended: set[str] = set()
        """Those of bytes, which are what a graph may end with."""

    def begin(self, node: onnx.NodeProto, source: str, extent: Extent | None) -> Tail | None:
        """What may come into `node` from `source`, of `extent`; None if it is to be added."""
        if not goes_alone(self.graph, node):
            return None
        tail = self.known.get(source)
        if tail is None and source in self.last and extent is not None:
            tail = list_points(extent.low, extent.high, extent.bits)
        return tail

    def take(self, node: onnx.NodeProto, tail: Tail, shapes: Mapping[str, Shape]) -> None:
        """Go on behind `node`, into which `tail` comes, from the one tensor that `shapes` says the shape of.

        Raises:
            ValueError: machines may differ in what it gives.
        """
        self._keep(node, follow_tail(node, tail, self.graph.constants), shapes)

    def take_several(self, node: onnx.NodeProto, sources: list[str], shapes: Mapping[str, Shape]) -> None:
        """Go on behind a node that reads several tensors, each of whose numbers goes its own way.

        Raises:
            ValueError: machines may differ in what it gives.
        """
        tails = [self.known[name] for name in sources]
        self._keep(node, follow_pair(node, tails, self.graph.constants), shapes)

    def settle(self, name: str) -> Extent:
        """What a tensor's numbers, the same on every machine, may be, for them to be added again.

        Raises:
            ValueError: they are bytes, or there are constants among them.
        """
        if name in self.mixed:
            raise ValueError(f"{name} holds constants beside what was drawn")
        if name in self.ended:
            raise ValueError(f"{name} is of bytes, with which machines count otherwise than with floats")
        shape, points = self.sides[name], self.known[name].points
        bits = int(count_fraction_bits(points).max())
        return Extent(np.full(shape, points.min()), np.full(shape, points.max()), np.full(shape, bits))

    def _keep(self, node: onnx.NodeProto, tail: Tail, shapes: Mapping[str, Shape]) -> None:
        kind, bytes_in = node.op_type, [name in self.ended for name in shapes]
        if any(bytes_in) and kind not in (*MOVERS, "Cast"):
            raise ValueError("it counts with bytes, as machines do otherwise than with floats")
        ends = kind == "Cast" and read_attributes(node)["to"] == TensorProto.UINT8
        mixed = kind in MIXERS and len(node.input) > len(self.graph.moving(node))
        for name, shape in zip(node.output, self._shapes_behind(node, shapes), strict=True):
            check_size(shape)
            self.known[name], self.sides[name] = tail, shape
            if mixed or self.mixed.intersection(shapes):
                self.mixed.add(name)
            if ends or (all(bytes_in) and kind in MOVERS):
                self.ended.add(name)

    def _shapes_behind(self, node: onnx.NodeProto, shapes: Mapping[str, Shape]) -> list[Shape]:
        """Of what `node` gives, where tensors of `shapes` go in."""
        kind, constants = node.op_type, self.graph.constants
        if kind not in MOVERS:
            return [np.broadcast_shapes(*shapes.values())]
        read = [name for name in node.input if name][: None if kind == "Concat" else 1]
        sides = [constants[name].shape if name in constants else shapes[name] for name in read]
        moved = move_apart(node, [np.broadcast_to(np.zeros((), bool), each) for each in sides], constants)
        return [each.shape for each in moved]
