"""The walk along a graph with what each number may be, in which no sum may round."""

from collections.abc import Iterable, Mapping

import numpy as np
import onnx

from foundation.grid.admission import check_attributes
from foundation.grid.batches import check_batch
from foundation.grid.extents import Extent
from foundation.grid.movement import MOVERS
from foundation.grid.reading import Graph
from foundation.grid.sums import Sums
from foundation.grid.tails import Tails


class Walk:
    """The walk along a graph, as far as it has come.

    Numbers that are added are followed as bounds and a grid, those that go their own way one by one.
    """

    def __init__(self, graph: Graph) -> None:
        """Begin at its inputs, which may be anything."""
        self.graph = graph
        self.sums = Sums(graph)
        self.tails = Tails(graph)

    @property
    def extents(self) -> Mapping[str, Extent]:
        """What the numbers of tensors may be that are added, by name."""
        return self.sums.extents

    def take(self, node: onnx.NodeProto) -> None:
        """Go on behind `node`.

        Raises:
            ValueError: what it does may round.
        """
        if node.domain not in ("", "ai.onnx"):
            raise ValueError("an operator that is not ONNX's own")
        moving = self.graph.moving(node)
        if node.op_type == "Constant" or not moving:
            return
        check_attributes(node)
        shapes = {name: self._shape(name) for name in moving}
        check_batch(node, [shapes[name] for name in moving], self.graph.constants)
        if len(moving) > 1 and all(name in self.tails.known for name in moving):
            self.tails.take_several(node, moving, shapes)
            return
        tail = self.tails.begin(node, moving[0], self.extents.get(moving[0]))
        if tail is not None:
            self.tails.take(node, tail, shapes)
            return
        for name in moving:
            self._settle(name)
        self.sums.take(node)

    def forget(self, names: Iterable[str]) -> None:
        """Let go of what numbers may be that nothing reads any more: of large pictures that is gigabytes."""
        for name in names:
            self.sums.extents.pop(name, None)

    def _shape(self, name: str) -> tuple[int, ...]:
        """Of a tensor, of one sample (1, …)."""
        extent = self.extents.get(name)
        shape: tuple[int, ...] = self.tails.sides[name] if extent is None else extent.low.shape
        return shape

    def _settle(self, name: str) -> None:
        """Let numbers that went their own way be added up again, once they are the same on every machine."""
        tail = self.tails.known.get(name)
        if tail is None or name in self.extents:
            return
        if not np.any(tail.errors):
            self.sums.extents[name] = self.tails.settle(name)
            return
        node = self.graph.producers[name]  # as one is that adds a constant to whole levels
        (source, *others) = self.graph.moving(node)
        if others or source not in self.tails.known or node.op_type not in ("Add", "Sub", "Mul", *MOVERS):
            raise ValueError(f"{name} is not rounded to whole levels before it is used again")
        self._settle(source)
        self.sums.take(node)
