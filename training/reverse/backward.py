"""A graph that is walked back from its end: its tensors' shapes, and the operators that are added to it."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from foundation.grid.reading import Graph
from training.errors import ExportError

ROWS = 7
"""A batch that is told from every other side of a tensor, nearly: shapes are inferred for it."""
OF_SHAPES = frozenset({"Shape", "Size"})
"""What they give does not follow the numbers that go in."""
PREFIX = "back"

Shape = tuple[int, ...]


class Backward:
    """Gradients of the tensors of `model`, for any batch, as operators that are added one by one."""

    def __init__(self, model: onnx.ModelProto) -> None:
        """Begin without any.

        Raises:
            ExportError: the shapes of its tensors cannot be told.
        """
        self.graph = Graph(model)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._count = 0

    @cached_property
    def moving(self) -> frozenset[str]:
        """The tensors whose numbers follow those of the inputs."""
        found = set(self.graph.inputs)
        for node in self.graph.nodes:
            if node.op_type not in OF_SHAPES and found.intersection(node.input):
                found.update(node.output)
        return frozenset(found)

    @cached_property
    def _shapes(self) -> Mapping[str, Shape]:
        counted = onnx.ModelProto()
        counted.CopyFrom(self.graph.model)
        for tensor in counted.graph.input:
            if tensor.name in self.graph.inputs:
                tensor.type.tensor_type.shape.dim[0].dim_value = ROWS
        for tensor in counted.graph.output:
            tensor.type.tensor_type.ClearField("shape")
        del counted.graph.value_info[:]
        graph = onnx.shape_inference.infer_shapes(counted, data_prop=True).graph
        found = {}
        for value in (*graph.input, *graph.value_info, *graph.output):
            kind = value.type.tensor_type
            sides = [side.dim_value for side in kind.shape.dim]
            if kind.HasField("shape") and all(sides):
                found[value.name] = tuple(sides)
        return found

    def shape(self, name: str) -> Shape:
        """The sides of a tensor that moves, but for the batch, which comes first.

        Raises:
            ExportError: they cannot be told, or its pictures do not lie one after the other.
        """
        shape = self._shapes.get(name)
        if shape is None or shape[0] != ROWS:
            raise ExportError(f"The tensor {name} of the graph has no shape that the batch comes first in.")
        return shape[1:]

    def constant(self, name: str) -> NDArray[Any] | None:
        """A tensor's numbers where it is a constant."""
        return self.graph.constants.get(name)

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output; the output's name."""
        return self.add_many(kind, inputs, 1, **attributes)[0]

    def add_many(self, kind: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> list[str]:
        """Add an operator; its outputs' names."""
        names = [self._name() for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=names[0], **attributes))
        return names

    def hold(self, values: Any, kind: Any = np.float32) -> str:
        """Add a constant; its name."""
        name = self._name()
        self.initializers.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def reshape(self, name: str, shape: Shape) -> str:
        """The tensor with the sides `shape` behind the batch."""
        return self.add("Reshape", name, self.hold([-1, *shape], np.int64))

    def sum_over(self, name: str, axes: Sequence[int]) -> str:
        """The tensor summed along `axes`, of which each is kept with one element."""
        return self.add("ReduceSum", name, self.hold(axes, np.int64), keepdims=1) if axes else name

    def shrink(self, gradient: str, given: str, answered: str) -> str:
        """The gradient of an input that an operator broadcast to the shape of its output."""
        small, large = self.shape(given), self.shape(answered)
        if len(small) != len(large):
            raise ExportError(f"The tensor {given} of the graph is broadcast across the batch.")
        sides = zip(small, large, strict=True)
        return self.sum_over(gradient, [axis for axis, (to, of) in enumerate(sides, 1) if to != of])

    def _name(self) -> str:
        self._count += 1
        return f"{PREFIX}_{self._count}"
