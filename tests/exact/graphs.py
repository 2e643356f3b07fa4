"""Small float generators of each kind that a grid must hold, to be placed on one."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from foundation.grid.calibration import draw_feeds
from foundation.grid.placing import place
from foundation.manifest import LabelInput, LatentInput

LATENT = LatentInput(size=6)
LABEL = LabelInput(classes=("a", "b", "c"))
CLASSES = len(LABEL.classes)
CALIBRATED = 64


class Writer:
    """Writes a graph down, operator by operator."""

    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)
        self.nodes, self.tensors = [], []

    def weights(self, *shape, scale=None):
        scale = scale or 1.3 / np.sqrt(np.prod(shape[1:]) if len(shape) == 4 else shape[0])
        return self.constant((self.random.standard_normal(shape) * scale).astype(np.float32))

    def constant(self, values):
        name = f"constant{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def add(self, kind, *inputs, outputs=1, **attributes):
        names = [f"{kind.lower()}{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def divide(self, levels):
        """Straight colours (n, h, w, 4) of premultiplied levels, as a run with alpha exports them."""
        number = lambda value: self.constant(np.float32(value))  # noqa: E731 - a name for what is said so often
        colours, alpha = self.add("Split", levels, self.constant(np.array([3, 1])), outputs=2, axis=-1)
        seen = self.add(
            "Cast", self.add("Greater", self.add("Round", alpha), number(0)), to=TensorProto.FLOAT
        )
        share = self.add("Mul", seen, self.add("Div", number(255), self.add("Max", alpha, number(8))))
        return self.add("Concat", self.add("Mul", colours, share), alpha, axis=3)

    def end(self, values, shape, *, label, curve="Tanh", planes=False, inputs=None):
        """Levels of `values` (n, h, w, c), after a curve."""
        if curve:
            values = self.add(curve, values)
        low, factor = (1.0, 127.5) if curve != "Sigmoid" else (0.0, 255.0)
        raised = self.add("Add", values, self.constant(np.float32(low)))
        levels = self.add("Mul", raised, self.constant(np.float32(factor)))
        if shape[-1] == 4:
            levels = self.divide(self.add("Transpose", levels, perm=[0, 2, 3, 1]) if planes else levels)
        rounded = self.add("Round", levels)
        bounds = self.constant(np.float32(0)), self.constant(np.float32(255))
        self.nodes.append(
            helper.make_node("Cast", [self.add("Clip", rounded, *bounds)], ["image"], to=TensorProto.UINT8)
        )
        latent = helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["batch", LATENT.size])
        inputs = inputs or [latent]
        if label:
            inputs.append(helper.make_tensor_value_info("label", TensorProto.FLOAT, ["batch", CLASSES]))
        image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", *shape])
        graph = helper.make_graph(self.nodes, "generator", inputs, [image], self.tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model, full_check=True)
        return model


def conditional():
    """As `modern` exports: a dense layer, scales and shifts by latent and class, slopes, convolutions."""
    write = Writer()
    both = write.add("Concat", "latent", "label", axis=1)
    rows = write.add("MatMul", both, write.weights(9, 4 * 4 * 8))
    values = write.add("Reshape", rows, write.constant(np.array([-1, 4, 4, 8])))
    for _ in range(2):
        factors = write.add("MatMul", both, write.weights(9, 16))
        spread = write.add("Reshape", factors, write.constant(np.array([-1, 1, 1, 16])))
        scale, shift = write.add("Split", spread, outputs=2, axis=-1)
        values = write.add("LeakyRelu", write.add("Add", write.add("Mul", values, scale), shift), alpha=0.2)
        planes = write.add("Transpose", values, perm=[0, 3, 1, 2])
        planes = write.add("Conv", planes, write.weights(8, 8, 3, 3), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        values = write.add("Transpose", planes, perm=[0, 2, 3, 1])
    last = write.add(
        "Conv",
        write.add("Transpose", values, perm=[0, 3, 1, 2]),
        write.weights(1, 8, 1, 1),
        write.constant(np.array([0.1], np.float32)),
        kernel_shape=[1, 1],
        pads=[0, 0, 0, 0],
    )
    return write.end(write.add("Transpose", last, perm=[0, 2, 3, 1]), (4, 4, 1), label=True)


def residual():
    """As imports may be: a trunk that branches are added to, ReLU, an enlargement, and a sigmoid."""
    write = Writer(seed=3)
    rows = write.add("MatMul", "latent", write.weights(6, 8 * 3 * 3))
    trunk = write.add("Reshape", rows, write.constant(np.array([-1, 8, 3, 3])))
    for _ in range(2):
        branch = write.add("Relu", trunk)
        branch = write.add("Conv", branch, write.weights(8, 8, 3, 3), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        trunk = write.add("Add", trunk, branch)
    last = write.add("Conv", trunk, write.weights(3, 8, 3, 3), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    return write.end(write.add("Transpose", last, perm=[0, 2, 3, 1]), (3, 3, 3), label=False, curve="Sigmoid")


def interpolated(planes=True):
    """As `modern` exports pictures with alpha: a trunk that is normalised for a branch and that the branch is
    added to, each pixel four times, means of neighbours, and colours divided by their alpha.

    `planes`, the curve is before the channels are turned to the end."""
    write = Writer(seed=7)
    both = write.add("Concat", "latent", "label", axis=1)
    options = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}

    def branch(rows):
        factors = write.add("MatMul", both, write.weights(9, 16))
        spread = write.add("Reshape", factors, write.constant(np.array([-1, 1, 1, 16])))
        scale, shift = write.add("Split", spread, outputs=2, axis=-1)
        rows = write.add("LeakyRelu", write.add("Add", write.add("Mul", rows, scale), shift), alpha=0.2)
        planes = write.add("Transpose", rows, perm=[0, 3, 1, 2])
        return write.add("Conv", planes, write.weights(8, 8, 3, 3), **options)

    dense = write.add("Gemm", both, write.weights(9, 4 * 4 * 8), write.weights(128, scale=0.1), transB=0)
    rows = write.add("Reshape", dense, write.constant(np.array([-1, 4, 4, 8])))
    trunk = write.add("Add", write.add("Transpose", rows, perm=[0, 3, 1, 2]), branch(rows))
    few = write.add("Conv", trunk, write.weights(8, 8, 1, 1), kernel_shape=[1, 1], pads=[0, 0, 0, 0])
    four = write.add("Transpose", write.add("Concat", *[few] * 4, axis=1), perm=[0, 2, 3, 1])
    pairs = write.add("Reshape", four, write.constant(np.array([-1, 4, 4, 2, 16])))
    turned = write.add("Transpose", pairs, perm=[0, 1, 3, 2, 4])
    large = write.add("Reshape", turned, write.constant(np.array([-1, 8, 8, 8])))
    planes = write.add("Transpose", large, perm=[0, 3, 1, 2])
    mean = write.add(
        "AveragePool", planes, kernel_shape=[2, 2], pads=[0, 0, 1, 1], strides=[1, 1], count_include_pad=0
    )
    trunk = write.add("Add", mean, branch(write.add("Transpose", mean, perm=[0, 2, 3, 1])))
    last = write.add("Conv", trunk, write.weights(4, 8, 3, 3, scale=0.1), **options)
    values = last if planes else write.add("Transpose", last, perm=[0, 2, 3, 1])
    return write.end(values, (8, 8, 4), label=True, planes=planes)


def unconditional(trained=False):
    """As `modern` exports without classes, before any training or after it: scales and shifts are one product
    for both normalisations and one branch is zero, or nothing is shared."""
    write = Writer(seed=11)
    dense = write.add("MatMul", "latent", write.weights(6, 4 * 4 * 8))
    rows = write.add("Reshape", dense, write.constant(np.array([-1, 4, 4, 8])))
    shared = write.add("MatMul", "latent", write.weights(6, 16))
    options = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nothing = write.constant(np.zeros((8, 8, 3, 3), np.float32))
    for weights in (write.weights(8, 8, 3, 3), write.weights(8, 8, 3, 3) if trained else nothing):
        own = write.add("MatMul", "latent", write.weights(6, 16, scale=0.2)) if trained else shared
        factors = write.add("Add", own, write.weights(16, scale=1.0))
        spread = write.add("Reshape", factors, write.constant(np.array([-1, 1, 1, 16])))
        scale, shift = write.add("Split", spread, outputs=2, axis=-1)
        bent = write.add("LeakyRelu", write.add("Add", write.add("Mul", rows, scale), shift), alpha=0.2)
        planes = write.add("Conv", write.add("Transpose", bent, perm=[0, 3, 1, 2]), weights, **options)
        trunk = write.add("Add", write.add("Transpose", rows, perm=[0, 3, 1, 2]), planes)
        rows = write.add("Transpose", trunk, perm=[0, 2, 3, 1])
    last = write.add("Conv", trunk, write.weights(1, 8, 3, 3), **options)
    return write.end(write.add("Transpose", last, perm=[0, 2, 3, 1]), (4, 4, 1), label=False)


def linear_end():
    """One layer whose pictures are cut off at black and white, without a curve."""
    write = Writer(seed=5)
    rows = write.add("MatMul", "latent", write.weights(6, 16, scale=0.3))
    values = write.add("Reshape", rows, write.constant(np.array([-1, 4, 4, 1])))
    return write.end(values, (4, 4, 1), label=False, curve=None)


GRAPHS = {
    "conditional": conditional,
    "residual": residual,
    "interpolated": interpolated,
    "unconditional": unconditional,
    "linear_end": linear_end,
}


def feeds_of(model, count, first=10_000):
    label = LABEL if len(model.graph.input) == 2 else None
    return draw_feeds(LATENT, label, count, first=first)


def place_small(model):
    return place(model, feeds_of(model, CALIBRATED, first=0), normal=True)
