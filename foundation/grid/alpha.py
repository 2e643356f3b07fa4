"""Pictures with alpha: a graph that ends in a division by it is cut before, placed, and divides whole levels.

The colours that a generator draws are premultiplied; what is served are straight ones, colour · 255 / alpha.
Where colour and alpha are whole levels there are 65,536 such quotients. None lies nearer than 1/510 to the
middle between two levels without being that middle, and a summand of less moves all those to one side.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from foundation.grid.movement import Array, read_attributes
from foundation.grid.reading import Graph
from foundation.onnx_runtime import onnxruntime

LEVELS = 256
_MIDDLES = 2.0**-10
"""Is added to each quotient, so that no rounding is one of a middle."""
_PLANES = [0, 2, 3, 1]


@dataclass(frozen=True)
class Alpha:
    """A float graph up to its premultiplied levels, and what is cut off."""

    floats: onnx.ModelProto
    """It ends in `premultiplied`, uint8."""
    output: onnx.ValueInfoProto
    axis: int
    """Of the channels of `premultiplied`."""
    least: float
    """Colours of less alpha are divided by this."""

    def finish(self, exact: onnx.ModelProto) -> onnx.ModelProto:
        """The exact graph with the division behind its levels."""
        finished = onnx.ModelProto()
        finished.CopyFrom(exact)
        (last,) = [node for node in finished.graph.node if node.output[0] == "premultiplied"]
        levels = last.input[0]
        finished.graph.node.remove(last)
        constants = {
            "parts": np.array([3, 1], np.int64),
            **{
                key: np.asarray(value, np.float32)
                for key, value in {
                    "least": self.least,
                    "one": 1,
                    "zero": 0,
                    "most": LEVELS - 1,
                    "middles": _MIDDLES,
                }.items()
            },
        }
        finished.graph.initializer.extend(
            numpy_helper.from_array(values, f"alpha/{key}") for key, values in constants.items()
        )

        def add(kind: str, inputs: list[str], output: str, **attributes: object) -> str:
            finished.graph.node.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
            return output

        colours, alpha = "alpha/colours", "alpha/alpha"
        split = helper.make_node(
            "Split", [levels, "alpha/parts"], [colours, alpha], name="alpha/split", axis=self.axis
        )
        finished.graph.node.append(split)
        seen = add("Mul", [add("Min", [alpha, "alpha/one"], "alpha/seen"), "alpha/most"], "alpha/over")
        share = add("Div", [seen, add("Max", [alpha, "alpha/least"], "alpha/under")], "alpha/share")
        moved = add("Add", [add("Mul", [colours, share], "alpha/straight"), "alpha/middles"], "alpha/moved")
        bounded = add("Clip", [moved, "alpha/zero", "alpha/most"], "alpha/bounded")
        both = add("Concat", [add("Round", [bounded], "alpha/rounded"), alpha], "alpha/both", axis=self.axis)
        name = self.output.name
        add("Cast", [both], "alpha/levels" if self.axis == 1 else name, to=TensorProto.UINT8)
        if self.axis == 1:
            add("Transpose", ["alpha/levels"], name, perm=_PLANES)
        del finished.graph.output[:]
        finished.graph.output.append(self.output)
        return finished


def cut_alpha(model: onnx.ModelProto) -> Alpha | None:
    """Cut a float graph before it divides colours by alpha; None where it does no such thing."""
    graph = Graph(model)
    for node in reversed(list(graph.nodes)):
        parts = (
            graph.constants.get(node.input[1]) if node.op_type == "Split" and len(node.input) > 1 else None
        )
        if parts is None or list(parts) != [3, 1]:
            continue
        behind = _find_behind(graph, node.input[0])
        least, axis = _read_least(graph, behind), int(read_attributes(node).get("axis", 0)) % 4
        if behind and least is not None and _divides(model, node.input[0], axis, behind, least):
            return _cut(model, graph, node.input[0], axis, behind, least)
    return None


def _find_behind(graph: Graph, name: str) -> list[onnx.NodeProto]:
    """All that is computed from a tensor, if nothing else is read there and the output is among it."""
    known, nodes = {name}, []
    for node in graph.nodes:
        moving = graph.moving(node)
        if not known.intersection(moving):
            continue
        if not known.issuperset(moving):
            return []
        known.update(node.output)
        nodes.append(node)
    return nodes if len(graph.model.graph.output) == 1 and graph.model.graph.output[0].name in known else []


def _read_least(graph: Graph, nodes: list[onnx.NodeProto]) -> float | None:
    found = [
        graph.constants[name]
        for node in nodes
        if node.op_type == "Max"
        for name in node.input
        if name in graph.constants and graph.constants[name].size == 1
    ]
    least = float(found[0].item()) if len(found) == 1 else 1.0
    return least if 1 <= least < LEVELS and least % 1 == 0 else None


def _divides(model: onnx.ModelProto, name: str, axis: int, nodes: list[onnx.NodeProto], least: float) -> bool:
    """Whether `nodes` make of whole levels, of each colour and alpha, straight ones.

    Alpha is as it was, and colours are rounded to the nearest level, up or down from the middle of two.
    """
    sides = [each.dim_value for each in model.graph.output[0].type.tensor_type.shape.dim[1:]]
    if len(sides) != 3 or sides[-1] != 4 or min(sides) < 1 or axis not in (1, 3):
        return False
    colour, alpha = (each.ravel().astype(np.float32) for each in np.mgrid[:LEVELS, :LEVELS])
    pixels = np.stack([colour, (colour + 85) % LEVELS, (colour + 170) % LEVELS, alpha], -1)  # (65536, 4)
    count = -(-len(pixels) // (sides[0] * sides[1]))
    padded = np.resize(pixels, (count, *sides))
    given = np.moveaxis(padded, 3, axis)
    part = onnx.ModelProto()
    part.CopyFrom(model)
    del part.graph.node[:], part.graph.input[:]
    part.graph.node.extend(nodes)
    part.graph.input.append(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *given.shape[1:]])
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            part.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        (drawn,) = session.run(None, {name: given})
    except Exception:  # whatever ONNX Runtime says, it is no such end
        return False
    return _is_straight(np.asarray(drawn, np.float64), padded.astype(np.float64), least)


def _is_straight(drawn: Array, levels: Array, least: float) -> bool:
    if drawn.shape != levels.shape or not np.array_equal(drawn[..., 3], levels[..., 3]):
        return False
    twice, under = 2 * 255 * levels[..., :3], np.maximum(levels[..., 3:], least)
    bounds = [np.ceil((twice - under) / (2 * under)), np.floor((twice + under) / (2 * under))]
    low, high = (np.clip(each, 0, LEVELS - 1) * (levels[..., 3:] > 0) for each in bounds)
    return bool(np.all((low <= drawn[..., :3]) & (drawn[..., :3] <= high)))


def _cut(
    model: onnx.ModelProto, graph: Graph, name: str, axis: int, behind: list[onnx.NodeProto], least: float
) -> Alpha:
    turned = graph.producers.get(name)
    if (
        turned is not None
        and turned.op_type == "Transpose"
        and read_attributes(turned).get("perm") == _PLANES
    ):
        name, axis, behind = turned.input[0], 1, [turned, *behind]
    cut = onnx.ModelProto()
    cut.CopyFrom(model)
    gone = {node.output[0] for node in behind}
    kept = [node for node in cut.graph.node if node.output[0] not in gone]
    del cut.graph.node[:]
    steps = [
        helper.make_node("Round", [name], ["premultiplied/rounded"]),
        helper.make_node(
            "Clip", ["premultiplied/rounded", "alpha/black", "alpha/white"], ["premultiplied/levels"]
        ),
        helper.make_node("Cast", ["premultiplied/levels"], ["premultiplied"], to=TensorProto.UINT8),
    ]
    cut.graph.node.extend([*kept, *steps])
    cut.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value, np.float32), key)
        for key, value in (("alpha/black", 0), ("alpha/white", LEVELS - 1))
    )
    output = onnx.ValueInfoProto()
    output.CopyFrom(model.graph.output[0])
    height, width, channels = (each.dim_value for each in output.type.tensor_type.shape.dim[1:])
    sides = (channels, height, width) if axis == 1 else (height, width, channels)
    del cut.graph.output[:]
    cut.graph.output.append(
        helper.make_tensor_value_info("premultiplied", TensorProto.UINT8, ["batch", *sides])
    )
    return Alpha(cut, output, axis, least)
