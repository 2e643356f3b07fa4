"""The walk back: from the gradient of a graph's end to that of one of its inputs."""

from collections.abc import Mapping

from training.errors import ExportError
from training.reverse.backward import Backward
from training.reverse.elements import ELEMENTS, FLAT, Rule
from training.reverse.layers import LAYERS
from training.reverse.movement import MOVEMENT

RULES: Mapping[str, Rule] = {**ELEMENTS, **LAYERS, **MOVEMENT}


def add_gradient(back: Backward, end: str, gradient: str, start: str) -> str:
    """Add to `back` what leads from the gradient of the tensor `end` to that of `start`; the latter's name.

    Raises:
        ExportError: an operator between them has no gradient here; the message names it.
    """
    waiting: dict[str, list[str]] = {end: [gradient]}
    for node in reversed(list(back.graph.nodes)):
        arrived = [_sum_up(back, waiting.pop(name, [])) for name in node.output]
        if not any(arrived) or node.op_type in FLAT or not back.moving.intersection(node.input):
            continue
        rule = RULES.get(node.op_type)
        if rule is None or node.domain not in ("", "ai.onnx"):
            raise ExportError(f"{back.graph.name(node)}: such operators have no gradient here.")
        gradients = [
            gradient or back.add("Mul", name, back.hold(0.0))  # the end does not follow it
            for name, gradient in zip(node.output, arrived, strict=True)
        ]
        for place, found in rule(back, node, gradients).items():
            waiting.setdefault(node.input[place], []).append(found)
    total = _sum_up(back, waiting.pop(start, []))
    if total is None:
        raise ExportError(f"What the graph draws does not follow its input {start}.")
    return total


def _sum_up(back: Backward, parts: list[str]) -> str | None:
    """The gradient of a tensor that several operators read; None where none did."""
    if not parts:
        return None
    first, *others = parts
    for other in others:
        first = back.add("Add", first, other)
    return first
