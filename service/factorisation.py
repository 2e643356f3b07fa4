"""Finding the directions along which a generator's pictures change most, without labels."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from service.directions import Directions
from service.errors import ReleaseRefused


def find_directions(graph: bytes, latent_size: int, count: int) -> Directions:
    """The `count` strongest directions of an ONNX graph's first layer; named by their number.

    Closed-form factorisation: the eigenvectors of A·Aᵀ with the greatest eigenvalues, A (z, m) being the
    layer's weights (Shen and Zhou, "Closed-form factorization of latent semantics in GANs", 2021).

    Raises:
        ReleaseRefused: no dense layer reads the latent, or the latent is not the first part of what it reads.
    """
    weights = _first_weights(onnx.load_model_from_string(graph))[:latent_size].astype(np.float64)  # (z, m)
    values, columns = np.linalg.eigh(weights @ weights.T)  # ascending; an eigenvector a column
    strongest = np.argsort(values)[::-1][:count]
    vectors = columns[:, strongest].T  # (count, z)
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    vectors = vectors * np.sign(largest)  # an eigenvector has no sign: its largest number is positive
    return Directions(
        vectors.astype(np.float32),
        np.sqrt(values[strongest].clip(0)).astype(np.float32),
        tuple(str(index) for index in range(len(strongest))),
    )


def _first_weights(model: onnx.ModelProto) -> NDArray[np.float32]:
    """The weights (inputs, outputs) of the dense layer that reads the latent."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    carriers = {"latent"}
    for node in model.graph.node:
        carried = [name for name in node.input if name in carriers]
        if not carried:
            continue
        if node.op_type in ("MatMul", "Gemm") and node.input[1] in tensors:
            weights: NDArray[np.float32] = numpy_helper.to_array(tensors[node.input[1]])
            transposed = any(part.name == "transB" and part.i for part in node.attribute)
            return weights.T if transposed else weights
        if node.op_type in ("Identity", "Cast", "Concat") and node.input[0] in carriers:
            carriers.update(node.output)
    raise ReleaseRefused("No dense layer of the graph reads the latent first, so it gives no directions.")
