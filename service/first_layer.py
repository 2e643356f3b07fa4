"""What the first layers of a generator answer to a latent: a graph cut short, and run."""

import math
from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray

from service.errors import ReleaseRefused
from service.labels import Weights
from service.latents import Latents
from service.onnx_runtime import onnxruntime

Activations = NDArray[np.float32]
"""float32 (n, m), all numbers of a row's layer in one line."""

_LAYOUTS = frozenset({"Concat", "Expand", "Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
_CARRIERS = _LAYOUTS | {"Cast", "Dropout", "Identity"}
_LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
_NORMALISERS = frozenset({"Add", "BatchNormalization", "Div", "InstanceNormalization", "Mul", "Sub"})
_RECTIFIERS = frozenset({"Elu", "Gelu", "HardSwish", "LeakyRelu", "Mish", "PRelu", "Relu", "Selu", "Swish"})
_ACTIVATIONS = _RECTIFIERS | {"Sigmoid", "Softplus", "Tanh"}
_BATCH_ROWS = 256


class FirstLayer:
    """The dense or convolutional layer that reads the latent, alone and with what bends its answer."""

    def __init__(self, graph: bytes) -> None:
        """Cut an ONNX graph behind its first layer.

        Raises:
            ReleaseRefused: nothing but a way of laying out numbers may stand between the latent and a layer.
        """
        model = onnx.load_model_from_string(graph)
        self._linear, self._bent = _find_outputs(model.graph)
        self._session = _cut(model, {self._linear, self._bent})
        self._inputs = {entry.name for entry in self._session.get_inputs()}

    def respond(self, latents: Latents, labels: Weights | None) -> Activations:
        """The layer's own answer, affine in the latents float32 (n, z)."""
        return self._run(self._linear, latents, labels)

    def activate(self, latents: Latents, labels: Weights | None) -> Activations:
        """The answer behind the first activation function, where one follows."""
        return self._run(self._bent, latents, labels)

    def _run(self, output: str, latents: Latents, labels: Weights | None) -> Activations:
        return np.concatenate(list(self._run_batches(output, latents, labels)))

    def _run_batches(self, output: str, latents: Latents, labels: Weights | None) -> Iterator[Activations]:
        for start in range(0, len(latents), _BATCH_ROWS):
            rows = slice(start, start + _BATCH_ROWS)
            given = {"latent": latents[rows]}
            if labels is not None:
                given["label"] = labels[rows]
            [answer] = self._session.run([output], {name: given[name] for name in self._inputs})
            yield np.asarray(answer, np.float32).reshape(len(latents[rows]), -1)  # (rows, m)


def _find_outputs(graph: onnx.GraphProto) -> tuple[str, str]:
    """The names of the first layer's output, and of the first activation's behind it (or the same again)."""
    first = _find_first(graph)
    carriers, linear = set(first.output), str(first.output[0])
    for node in graph.node:
        if not carriers.intersection(node.input):
            continue
        if node.op_type in _ACTIVATIONS:
            return linear, node.output[0]
        if node.op_type not in _CARRIERS | _NORMALISERS:
            break
        carriers.update(node.output)
    return linear, linear


def _find_first(graph: onnx.GraphProto) -> onnx.NodeProto:
    """The layer that reads the latent; of several the largest, which the picture comes from.

    The others bend later layers' features, as in self-modulation (arXiv:1810.01365).
    """
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in graph.initializer}
    carriers, layers = {"latent"}, list[onnx.NodeProto]()
    for node in graph.node:
        if not carriers.intersection(node.input):
            continue
        if node.op_type in _LAYERS:
            layers.append(node)
        elif node.op_type in _CARRIERS:
            carriers.update(node.output)
        else:
            break
    if not layers:
        raise ReleaseRefused(
            "No dense or convolutional layer of the graph reads the latent first, so it gives no directions."
        )
    return max(layers, key=lambda node: sum(sizes.get(name, 0) for name in node.input))


def _cut(model: onnx.ModelProto, outputs: set[str]) -> onnxruntime.InferenceSession:
    del model.graph.output[:]
    for name in sorted(outputs):
        model.graph.output.append(onnx.ValueInfoProto(name=name))  # of whatever float the layer answers in
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of what was cut off
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's exceptions share no public base
        raise ReleaseRefused(
            f"The graph's first layer cannot be run by itself, so it gives no directions: {str(error)[:300]}"
        ) from error
