"""The two graphs by which a picture is found in a tiny model's latent space; the gradient is exact."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from foundation.projection import ENCODER_GRAPH, GRADIENT_GRAPH, LBFGS, Projection
from foundation.store import describe_file
from tests.tiny_models import TinyModel, tiny_weights


def project_tiny_model(model: TinyModel, folder: Path, **settings: Any) -> dict[str, Any]:
    """Write both graphs into `folder`: what `publish_tiny_model` publishes beside the generator."""
    kernel, class_kernel = tiny_weights(model)
    files = {
        folder / ENCODER_GRAPH: encoder_graph(model, kernel, class_kernel),
        folder / GRADIENT_GRAPH: gradient_graph(model, kernel, class_kernel),
    }
    for path, content in files.items():
        path.write_bytes(content)
    described = [describe_file(path, device="any", precision="float32") for path in files]
    projection = Projection(**{"steps": 8, "optimizer": LBFGS, "rate": 0.2, **settings})
    return {"files": described, "projection": projection, "paths": {path.name: path for path in files}}


def encoder_graph(model: TinyModel, kernel: np.ndarray, class_kernel: np.ndarray | None) -> bytes:
    """pictures to latents, by the kernel's inverse, and to labels, by what is most alike."""
    pixels = kernel.shape[1]
    tensors = [
        numpy_helper.from_array(np.array([-1, pixels], np.int64), "flat_shape"),
        numpy_helper.from_array(np.linalg.pinv(kernel).astype(np.float32), "inverse"),
    ]
    nodes = [
        helper.make_node("Reshape", ["pictures", "flat_shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "inverse"], ["latents"]),
    ]
    outputs = [_declare("latents", model.latent)]
    if class_kernel is not None:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(class_kernel.T), "likeness"))
        nodes += [
            helper.make_node("MatMul", ["flat", "likeness"], ["alike"]),
            helper.make_node("Softmax", ["alike"], ["labels"], axis=1),
        ]
        outputs.append(_declare("labels", len(model.classes)))
    return _build(nodes, [_declare_pictures(model)], outputs, tensors)


def gradient_graph(model: TinyModel, kernel: np.ndarray, class_kernel: np.ndarray | None) -> bytes:
    """The mean square of what is drawn, before it becomes bytes, less the pictures; and its gradient."""
    pixels = kernel.shape[1]
    tensors = [
        numpy_helper.from_array(np.array([-1, pixels], np.int64), "flat_shape"),
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(np.ascontiguousarray(kernel.T), "back"),
        numpy_helper.from_array(np.array(1.0, np.float32), "one"),
        numpy_helper.from_array(np.array(2.0 / pixels, np.float32), "share"),
    ]
    inputs = [_declare("latents", model.latent)]
    nodes = [
        helper.make_node("Reshape", ["pictures", "flat_shape"], ["flat"]),
        helper.make_node("MatMul", ["latents", "kernel"], ["total"]),
    ]
    if class_kernel is not None:
        tensors.append(numpy_helper.from_array(class_kernel, "class_kernel"))
        inputs.append(_declare("labels", len(model.classes)))
        nodes[-1] = helper.make_node("MatMul", ["latents", "kernel"], ["from_latents"])
        nodes += [
            helper.make_node("MatMul", ["labels", "class_kernel"], ["from_labels"]),
            helper.make_node("Add", ["from_latents", "from_labels"], ["total"]),
        ]
    nodes += [
        helper.make_node("Tanh", ["total"], ["drawn"]),
        helper.make_node("Sub", ["drawn", "flat"], ["apart"]),
        helper.make_node("Mul", ["apart", "apart"], ["squares"]),
        helper.make_node("ReduceMean", ["squares"], ["distances"], axes=[1], keepdims=0),
        helper.make_node("Mul", ["drawn", "drawn"], ["drawn_squares"]),
        helper.make_node("Sub", ["one", "drawn_squares"], ["slope"]),
        helper.make_node("Mul", ["apart", "slope"], ["pulled"]),
        helper.make_node("Mul", ["pulled", "share"], ["wanted"]),
        helper.make_node("MatMul", ["wanted", "back"], ["gradients"]),
    ]
    outputs = [_declare("gradients", model.latent), _declare("distances")]
    return _build(nodes, [*inputs, _declare_pictures(model)], outputs, tensors)


def _declare(name: str, *sides: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *sides])


def _declare_pictures(model: TinyModel) -> onnx.ValueInfoProto:
    return _declare("pictures", model.side, model.side, model.channels)


def _build(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    tensors: list[onnx.TensorProto],
) -> bytes:
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, tensors)
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(built)
    content: bytes = built.SerializeToString()
    return content
