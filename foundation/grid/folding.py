"""A float graph made simple before it is placed: constants computed, normalisations spelt out."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from foundation.grid.movement import MOVERS, Array, read_attributes
from foundation.onnx_runtime import onnxruntime


def fold(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph as ONNX Runtime simplifies it: constants computed, normalisations within convolutions."""
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        folded = onnx.load(options.optimized_model_filepath)
    _spell_out(folded)
    _delay_movers(folded)
    core = [each for each in folded.opset_import if each.domain in ("", "ai.onnx")]
    del folded.opset_import[:]
    folded.opset_import.extend(core)
    return folded


def _spell_out(model: onnx.ModelProto) -> None:
    """Write each normalisation by known statistics that is left as what it is: a factor and a summand."""
    constants = {
        each.name: numpy_helper.to_array(each).astype(np.float64) for each in model.graph.initializer
    }
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        if node.op_type != "BatchNormalization" or not all(name in constants for name in node.input[1:]):
            model.graph.node.append(node)
            continue
        scale, shift, mean, variance = (constants[name] for name in node.input[1:])
        factor = scale / np.sqrt(variance + read_attributes(node).get("epsilon", 1e-5))
        product, output = f"{node.output[0]}/product", node.output[0]
        for kind, values, source, target in (
            ("Mul", factor, node.input[0], product),
            ("Add", shift - mean * factor, product, output),
        ):
            name = f"{target}/{kind.lower()}"
            model.graph.initializer.append(numpy_helper.from_array(_as_planes(values), name))
            model.graph.node.append(helper.make_node(kind, [source, name], [target], name=target))


def _delay_movers(model: onnx.ModelProto) -> None:
    """Let what only moves numbers come just before it is read: whoever walks back meets the readers first."""
    ordered: list[onnx.NodeProto] = []
    waiting: dict[str, onnx.NodeProto] = {}

    def emit(node: onnx.NodeProto) -> None:
        for name in node.input:
            if name in waiting:
                needed = waiting[name]
                for output in needed.output:
                    del waiting[output]
                emit(needed)
        ordered.append(node)

    for node in model.graph.node:
        if node.op_type in MOVERS:
            waiting.update(dict.fromkeys(node.output, node))
        else:
            emit(node)
    for output in model.graph.output:
        if output.name in waiting:
            emit(waiting[output.name])
    kept = [onnx.NodeProto() for _ in ordered]
    for copy, node in zip(kept, ordered, strict=True):
        copy.CopyFrom(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)


def _as_planes(values: Array) -> Array:
    planes: Array = values.reshape(1, -1, 1, 1).astype(np.float32)
    return planes
