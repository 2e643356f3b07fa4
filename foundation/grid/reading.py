"""A graph to walk along: its nodes in order, its constants, and who reads what."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import onnx
from onnx import numpy_helper

from foundation.grid.movement import Array, read_attributes


@dataclass(frozen=True)
class Graph:
    """A model's graph, read once."""

    model: onnx.ModelProto

    @property
    def nodes(self) -> Iterable[onnx.NodeProto]:
        """Its operators, each behind those whose answers it reads."""
        nodes: Iterable[onnx.NodeProto] = self.model.graph.node
        return nodes

    @cached_property
    def constants(self) -> dict[str, Array]:
        """Its weights and constants by name."""
        found = {each.name: numpy_helper.to_array(each) for each in self.model.graph.initializer}
        for node in self.nodes:
            if node.op_type == "Constant":
                value = read_attributes(node).get("value")
                if value is not None:
                    found[node.output[0]] = numpy_helper.to_array(value)
        return found

    @cached_property
    def producers(self) -> dict[str, onnx.NodeProto]:
        """What computes a tensor."""
        return {name: node for node in self.nodes for name in node.output}

    @cached_property
    def readers(self) -> dict[str, list[onnx.NodeProto]]:
        """What reads a tensor."""
        found: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.input):
                found.setdefault(name, []).append(node)
        return found

    @cached_property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """What goes in, by name: the shape of one sample, its batch dimension 1."""
        return {
            each.name: (1, *(dim.dim_value for dim in each.type.tensor_type.shape.dim[1:]))
            for each in self.model.graph.input
            if each.name not in self.constants
        }

    def moving(self, node: onnx.NodeProto) -> list[str]:
        """The inputs of a node that are no constants."""
        return [name for name in node.input if name and name not in self.constants]

    def name(self, node: onnx.NodeProto) -> str:
        """What a person finds a node by."""
        return f"{node.op_type} {node.name or node.output[0]}"


def count_fraction_bits(values: Array) -> Array:
    """For each float the least t for which it is a multiple of 2⁻ᵗ; at least -1000 for zero: int64."""
    mantissas, exponents = np.frexp(np.asarray(values, np.float64))
    whole = np.ldexp(mantissas, 53).astype(np.int64)
    lowest = (whole & -whole).astype(np.float64)
    zeros = np.where(whole == 0, 0, np.log2(np.where(lowest == 0, 1, lowest))).astype(np.int64)
    bits: Array = np.where(whole == 0, -1000, 53 - exponents.astype(np.int64) - zeros)
    return bits
