"""Gradients of operators that take every number by itself, or two that lie at one place."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx

from foundation.grid.movement import read_attributes
from training.errors import ExportError
from training.reverse.backward import Backward

Gradients = Mapping[int, str]
"""Of a node's inputs, by their places; those that do not move have none."""
Rule = Callable[[Backward, onnx.NodeProto, Sequence[str]], Gradients]
"""Takes the gradients of a node's outputs."""


def _one(gradient: Callable[[Backward, onnx.NodeProto, str], str]) -> Rule:
    """The rule of an operator with one input that moves."""

    def rule(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
        return {0: gradient(back, node, gradients[0])}

    return rule


def _two(
    first: Callable[[Backward, onnx.NodeProto, str], str],
    second: Callable[[Backward, onnx.NodeProto, str], str],
) -> Rule:
    """The rule of an operator with two inputs that are broadcast, each of which may move."""

    def rule(back: Backward, node: onnx.NodeProto, gradients: Sequence[str]) -> Gradients:
        found = {}
        for place, gradient in enumerate((first, second)):
            if node.input[place] in back.moving:
                whole = gradient(back, node, gradients[0])
                found[place] = back.shrink(whole, node.input[place], node.output[0])
        return found

    return rule


def _keep(_back: Backward, _node: onnx.NodeProto, gradient: str) -> str:
    """The gradient as it is: also of roundings (straight through; Bengio et al., arXiv:1308.3432)."""
    return gradient


def _times(place: int) -> Callable[[Backward, onnx.NodeProto, str], str]:
    return lambda back, node, gradient: back.add("Mul", gradient, node.input[place])


def _over(back: Backward, node: onnx.NodeProto, gradient: str) -> str:
    """By the divisor: minus the quotient, divided once more."""
    return back.add("Neg", back.add("Div", back.add("Mul", gradient, node.output[0]), node.input[1]))


def _where(kind: str, this: int, other: int) -> Callable[[Backward, onnx.NodeProto, str], str]:
    """Of the greater, or the less, of two: where it is this one."""

    def gradient(back: Backward, node: onnx.NodeProto, whole: str) -> str:
        chosen = back.add(kind, node.input[this], node.input[other])
        return back.add("Where", chosen, whole, back.hold(0.0))

    return gradient


def _leak(back: Backward, node: onnx.NodeProto, gradient: str) -> str:
    slope = float(read_attributes(node).get("alpha", 0.0 if node.op_type == "Relu" else 0.01))
    less = back.add("Mul", gradient, back.hold(slope)) if slope else back.hold(0.0)
    return back.add("Where", back.add("Greater", node.input[0], back.hold(0.0)), gradient, less)


def _bend(back: Backward, node: onnx.NodeProto, gradient: str) -> str:
    """Of the hyperbolic tangent y: 1 - y²."""
    square = back.add("Mul", node.output[0], node.output[0])
    return back.add("Mul", gradient, back.add("Sub", back.hold(1.0), square))


def _squash(back: Backward, node: onnx.NodeProto, gradient: str) -> str:
    """Of the logistic function y: y (1 - y)."""
    rest = back.add("Sub", back.hold(1.0), node.output[0])
    return back.add("Mul", gradient, back.add("Mul", node.output[0], rest))


def _clip(back: Backward, node: onnx.NodeProto, gradient: str) -> str:
    """Nothing beyond the bounds, all of it on them."""
    within = back.add("Equal", node.input[0], node.output[0])
    return back.add("Where", within, gradient, back.hold(0.0))


def _normalise(back: Backward, node: onnx.NodeProto, gradient: str) -> str:
    """Of batch normalisation by statistics that were kept: a number for each channel."""
    scale, _, _, variance = (back.constant(name) for name in node.input[1:5])
    if scale is None or variance is None:
        raise ExportError(f"{back.graph.name(node)}: its statistics are no constants.")
    factors = scale / np.sqrt(variance + read_attributes(node).get("epsilon", 1e-5))
    sides = [1, -1, *[1] * (len(back.shape(node.input[0])) - 1)]
    return back.add("Mul", gradient, back.hold(factors.reshape(sides)))


ELEMENTS: Mapping[str, Rule] = {
    "Add": _two(_keep, _keep),
    "BatchNormalization": _one(_normalise),
    "Cast": _one(_keep),
    "Clip": _one(_clip),
    "Div": _two(lambda back, node, gradient: back.add("Div", gradient, node.input[1]), _over),
    "Floor": _one(_keep),
    "Identity": _one(_keep),
    "LeakyRelu": _one(_leak),
    "Max": _two(_where("GreaterOrEqual", 0, 1), _where("Greater", 1, 0)),
    "Min": _two(_where("LessOrEqual", 0, 1), _where("Less", 1, 0)),
    "Mul": _two(_times(1), _times(0)),
    "Neg": _one(lambda back, _, gradient: back.add("Neg", gradient)),
    "Relu": _one(_leak),
    "Round": _one(_keep),
    "Sigmoid": _one(_squash),
    "Sub": _two(_keep, lambda back, _, gradient: back.add("Neg", gradient)),
    "Tanh": _one(_bend),
}
FLAT = frozenset({"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Sign"})
"""What they say jumps: it has no gradient, and what reads it none through it."""
