"""Generators of larger pictures for the peers to draw: convolutional, smooth, and the same every time.

Their weights are drawn, not trained: a dense layer to 4×4, then doublings with a 3×3 convolution each, tanh
and uint8. Pictures are smooth shapes, since each doubling blurs, and so compress about as photographs do.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LATENT = 64
_SMALLEST = 4


def make_graph(side: int, *, widest: int = 128, narrowest: int = 16) -> bytes:
    """The ONNX graph latent (batch, 64) to image uint8 (batch, side, side, 3); `side` is a power of two."""
    random = np.random.default_rng(side)
    tensors: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []

    def constant(name: str, value: object, dtype: type) -> str:
        tensors.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def weigh(name: str, *shape: int) -> str:
        fan_in = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
        return constant(name, random.standard_normal(shape) * np.sqrt(2 / fan_in), np.float32)

    def add(kind: str, inputs: list[str], **attributes: object) -> str:
        output = f"t{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    channels = widest
    flat = add("MatMul", ["latent", weigh("dense", LATENT, channels * _SMALLEST**2)])
    now = add("Reshape", [flat, constant("first", [-1, channels, _SMALLEST, _SMALLEST], np.int64)])
    scales = constant("scales", [1, 1, 2, 2], np.float32)
    size, depth = _SMALLEST, 0
    while size < side:
        wider, channels = channels, max(narrowest, channels // 2 if size >= 16 else channels)
        now = add("LeakyRelu", [now], alpha=0.2)
        now = add("Resize", [now, "", scales], mode="linear")
        now = add("Conv", [now, weigh(f"conv{depth}", channels, wider, 3, 3)], pads=[1, 1, 1, 1])
        size, depth = 2 * size, depth + 1
    now = add("Conv", [now, weigh("colours", 3, channels, 1, 1)])
    signed = add("Tanh", [add("Mul", [now, constant("calm", 0.5, np.float32)])])
    positive = add("Add", [signed, constant("one", 1.0, np.float32)])
    levels = add("Round", [add("Mul", [positive, constant("half", 127.5, np.float32)])])
    seen = add("Transpose", [add("Cast", [levels], to=TensorProto.UINT8)], perm=[0, 2, 3, 1])
    nodes.append(helper.make_node("Identity", [seen], ["image"]))
    graph = helper.make_graph(
        nodes,
        f"peers{side}",
        [helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["batch", LATENT])],
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", side, side, 3])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content
