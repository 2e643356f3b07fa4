"""The proof that no sum of a graph can round, on any machine.

A sum is exact in float32, in any order and with or without fused multiply-add, if all that its parts may add
up to is at most 2²⁴ steps of the grid that they lie on. What they may be, a walk along the graph says.
"""

from collections import Counter
from dataclasses import dataclass

import onnx

from foundation.errors import GanymedeError
from foundation.grid.admission import check_graph
from foundation.grid.reading import Graph
from foundation.grid.walk import Walk

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
        if output.name not in walk.tails.ended:
            raise NotExact(f"{output.name} is not rounded to levels at the end.")
    return Proof(walk.sums.operators, walk.sums.channels, walk.sums.worst)
