"""A product of rows that is read twice, given to each of its readers by itself.

Exporters compute once what is written twice alike. The scales of two normalisations are alike before any
training, and each of them needs a unit of its own.
"""

import onnx

from foundation.grid.demands import NotPlaceable
from foundation.grid.movement import MOVERS
from foundation.grid.reading import Graph

_ROWS = frozenset({"MatMul", "Gemm"})
_BETWEEN = MOVERS | {"Add", "Sub", "Mul"}


class ReadInTwoUnits(NotPlaceable):
    """Two operators read a tensor, each in a unit of its own; it may still be computed for each."""

    def __init__(self, name: str) -> None:
        """`name` is the tensor's."""
        super().__init__(f"what reads {name} needs it in several units at once.")
        self.name = name


def part(model: onnx.ModelProto, shared: ReadInTwoUnits) -> tuple[onnx.ModelProto, dict[str, str]]:
    """The same graph in which the last reader of a tensor reads a copy, and the names of all copies.

    Raises:
        ReadInTwoUnits: it comes from more than a product of rows, such as a convolution, which nobody would
            want to be computed twice.
    """
    graph = Graph(model)
    chain: list[onnx.NodeProto] = []
    name = shared.name
    while not chain or chain[0].op_type not in _ROWS:
        node = graph.producers.get(name)
        moving = [] if node is None else graph.moving(node)
        if node is None or len(moving) != 1 or node.op_type not in _ROWS | _BETWEEN:
            raise shared
        chain.insert(0, node)
        name = moving[0]
    readers = graph.readers.get(shared.name, [])
    if len(readers) < 2:
        raise shared
    parted = onnx.ModelProto()
    parted.CopyFrom(model)
    copied = {name: f"{name}/{len(parted.graph.node)}" for node in chain for name in node.output}
    copies = [_rename(node, copied) for node in chain]
    nodes = list(parted.graph.node)
    last = next(node for node in reversed(nodes) if shared.name in node.input)
    last.input[:] = [copied.get(name, name) for name in last.input]
    at = 1 + max(nodes.index(each) for each in nodes if set(each.output) & set(copied))
    del parted.graph.node[:]
    parted.graph.node.extend([*nodes[:at], *copies, *nodes[at:]])
    return parted, copied


def _rename(node: onnx.NodeProto, copied: dict[str, str]) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [copied.get(name, name) for name in node.input]
    copy.output[:] = [copied[name] for name in node.output]
    copy.name = copy.output[0]
    return copy
