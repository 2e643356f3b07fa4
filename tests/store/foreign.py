"""Foreign generators by hand, sound but for what a test asks of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ganymede.imports.release import Prepared, prepare_release
from ganymede.imports.wishes import Wishes

SIDE, SIZE = 8, 16


def constant(name: str, value: object, kind: type = np.float32) -> onnx.TensorProto:
    """A weight."""
    return numpy_helper.from_array(np.asarray(value, kind), name)


def value(name: str, shape: Sequence[object] | None, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    """An input or output."""
    return helper.make_tensor_value_info(name, kind, shape)


def draw_graph(
    *,
    before: Sequence[onnx.NodeProto] = (),
    after: Sequence[onnx.NodeProto] | None = None,
    inputs: Sequence[onnx.ValueInfoProto] | None = None,
    outputs: Sequence[onnx.ValueInfoProto] | None = None,
    constants: Sequence[onnx.TensorProto] = (),
    latent: str = "z",
    opset: int = 17,
    ir_version: int = 8,
) -> onnx.ModelProto:
    """`z` (n, 16) through a dense layer and tanh as `t` (n, 3, 8, 8), and `after` it to `image`."""
    weights = np.random.default_rng(0).normal(0, 0.5, (SIZE, 3 * SIDE * SIDE))
    graph = helper.make_graph(
        [
            *before,
            helper.make_node("MatMul", [latent, "w"], ["m"]),
            helper.make_node("Reshape", ["m", "shape"], ["r"]),
            helper.make_node("Tanh", ["r"], ["t"]),
            *([helper.make_node("Identity", ["t"], ["image"])] if after is None else after),
        ],
        "by hand",
        list(inputs or [value("z", ["n", SIZE])]),
        list(outputs or [value("image", ["n", 3, SIDE, SIDE])]),
        [constant("w", weights), constant("shape", [-1, 3, SIDE, SIDE], np.int64), *constants],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


def prepare(content: onnx.ModelProto | bytes, folder: Path, **wishes: Any) -> Prepared:
    """What `ganymede import` does before it publishes."""
    path = folder / "foreign.onnx"
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    target = folder / "release"
    target.mkdir(exist_ok=True)
    return prepare_release(path, Wishes(**wishes), target, name="m", version="v1", licence="MIT")
