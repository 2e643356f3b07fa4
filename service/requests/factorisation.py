"""Finding the directions along which a generator's pictures change most, without labels."""

import numpy as np
from numpy.typing import NDArray

from foundation.errors import InvalidField
from foundation.manifest import Manifest
from service.requests.directions import Directions
from service.requests.first_layer import Activations, FirstLayer
from service.requests.inputs import Inputs
from service.requests.request_inputs import draw_inputs
from service.requests.schemas import GenerateRequest

METHODS = ("sefa", "pca")
_SAMPLES = 2048
_MAX_ACTIVATIONS = 2**26  # numbers held at once: 256 MB
_MORE_COMPONENTS = 16
_ITERATIONS = 6


def find_directions(graph: bytes, manifest: Manifest, count: int, method: str = METHODS[0]) -> Directions:
    """The `count` strongest directions of the ONNX graph of `manifest`; named by their number.

    `sefa`: the eigenvectors of A·Aᵀ with the greatest eigenvalues, A (z, m) being how the first layer answers
    to each number of the latent (Shen and Zhou, "Closed-form factorization of latent semantics in GANs",
    arXiv:2007.06600). `pca`: the principal components of what that layer's activations do over many latents,
    each brought back to a latent by regression (Härkönen et al., "GANSpace", arXiv:2004.02546).

    Raises:
        ReleaseRefused: no dense or convolutional layer reads the latent first.
        InvalidField: there is no such method.
    """
    if method not in METHODS:
        raise InvalidField("method", f"there is {' and '.join(METHODS)}, not {method[:40]!r}")
    layer = FirstLayer(graph)
    vectors, strengths = _FINDERS[method](layer, manifest, min(count, manifest.latent.size))
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    vectors = vectors * np.sign(largest)  # a direction has no sign: its largest number is positive
    names = tuple(str(index) for index in range(len(vectors)))
    return Directions(vectors.astype(np.float32), strengths.astype(np.float32), names)


def _factorise(
    layer: FirstLayer, manifest: Manifest, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    size = manifest.latent.size
    seed = _draw(manifest, 1)
    points = np.concatenate([np.zeros((1, size), np.float32), np.eye(size, dtype=np.float32)])  # (1 + z, z)
    labels = None if seed.labels is None else np.repeat(seed.labels, len(points), axis=0)
    answers = layer.respond(points, labels).astype(np.float64)  # (1 + z, m)
    weights = answers[1:] - answers[0]  # (z, m)
    values, columns = np.linalg.eigh(weights @ weights.T)  # ascending; an eigenvector a column
    strongest = np.argsort(values)[::-1][:count]
    return columns[:, strongest].T, np.sqrt(values[strongest].clip(0))  # (count, z), (count,)


def _analyse(
    layer: FirstLayer, manifest: Manifest, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one = _draw(manifest, 1)
    width = layer.activate(one.latents, one.labels).shape[1]
    inputs = _draw(manifest, min(_SAMPLES, max(2 * manifest.latent.size, _MAX_ACTIVATIONS // width)))
    activations = _centre(layer.activate(inputs.latents, inputs.labels), inputs)  # (n, m)
    columns, values = _find_components(activations, count)
    latents = inputs.latents - inputs.latents.mean(axis=0)
    vectors = columns.T @ latents.astype(np.float64)  # (count, z): the regression, up to lengths
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, values / np.sqrt(len(latents))


def _find_components(activations: Activations, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The strongest left singular vectors (n, count) and values of (n, m), by subspace iteration.

    Halko, Martinsson and Tropp, "Finding structure with randomness", arXiv:0909.4061, algorithm 4.4.
    """
    width = min(count + _MORE_COMPONENTS, *activations.shape)
    start = np.random.default_rng(0).standard_normal((activations.shape[1], width)).astype(np.float32)
    basis = np.linalg.qr(activations @ start)[0]  # (n, width)
    for _ in range(_ITERATIONS):
        basis = np.linalg.qr(activations @ (activations.T @ basis))[0]
    left, values, _ = np.linalg.svd((basis.T @ activations).astype(np.float64), full_matrices=False)
    return basis @ left[:, :count], values[:count]


def _centre(activations: Activations, inputs: Inputs) -> Activations:
    """Activations (n, m) less their mean, class by class: a class is asked for by its name already."""
    classes = np.zeros(len(activations), np.intp) if inputs.labels is None else inputs.labels.argmax(axis=1)
    for index in np.unique(classes):
        rows = classes == index
        activations[rows] -= activations[rows].mean(axis=0)
    return activations


def _draw(manifest: Manifest, count: int) -> Inputs:
    return draw_inputs(manifest, GenerateRequest(), tuple(range(count)))


_FINDERS = {"sefa": _factorise, "pca": _analyse}
