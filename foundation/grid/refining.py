"""Weights rounded so that their errors cancel, on what really goes into a layer.

First the weights that come nearest to the float layer's answers, given what the grid has made of its inputs.
Then they are rounded one input after the other, and what each rounding changes is made good by the weights
that are still to come (Frantar et al., "GPTQ: accurate post-training quantization for generative pre-trained
transformers", 2023; Hassibi and Stork, "Second order derivatives for network pruning", 1993).
"""

import numpy as np
import onnx

from foundation.grid.calibration import Feeds, run_to
from foundation.grid.linear import Linear, bound_sums
from foundation.grid.movement import Array, read_attributes
from foundation.grid.weights import choose_grid, round_to

MAX_INPUTS = 4608
"""Of one output number; larger layers are rounded plainly."""
MAX_PATCHES = 8192
DAMPING = 0.01
"""How firmly the weights are held where they were, as a share of what goes in on average."""


class Refiner:
    """Knows the float graph's answers for some latents."""

    def __init__(self, folded: onnx.ModelProto, feeds: Feeds, images: int) -> None:
        """`folded` is the float graph; the first `images` of `feeds` are used."""
        self.folded = folded
        self.feeds = {name: values[:images] for name, values in feeds.items()}
        self.random = np.random.Generator(np.random.Philox(0))

    def can_refine(self, linear: Linear) -> bool:
        """Whether a layer is one that profits: a convolution of not too many inputs."""
        _, each, taps = linear.weights.shape
        return (
            linear.kind == "Conv" and linear.groups == 1 and not linear.is_sum and each * taps <= MAX_INPUTS
        )

    def refine(
        self,
        model: onnx.ModelProto,
        node: onnx.NodeProto,
        linear: Linear,
        source: str,
        start: tuple[Array, Array | None],
        outward: Array,
        ends: tuple[Array, Array],
        limit: float,
        *,
        joined: bool = False,
    ) -> tuple[Array, Array | None, Array]:
        """Weights and bias on their grid, and the grid's fraction bits.

        `model` is the exact graph as far as `source`, what goes in; `start` has the weights and bias before
        they are rounded; `outward` is what the float layer's answers (out,) are multiplied with, `ends` what
        bounds what goes in (in,).
        """
        inputs = np.concatenate([*run_to(model, source, self.feeds)])
        wanted = np.concatenate([*run_to(self.folded, node.output[0], self.feeds)]) * outward.reshape(
            1, -1, 1, 1
        )
        patches, answers = self._sample(node, inputs, wanted)
        weights, bias = start
        out = len(weights)
        first = weights.reshape(out, -1)
        answers = answers - (0 if bias is None else bias)
        gram = patches.T @ patches
        gram[np.diag_indices_from(gram)] += DAMPING * float(np.mean(np.diag(gram))) + 1e-9
        moved = np.linalg.solve(gram, patches.T @ (answers - patches @ first.T)).T
        fitted = (first + moved).reshape(weights.shape)
        low, high = ends
        bits = choose_grid(linear, fitted, bias, low, high, limit * 0.985, joined=joined)
        upper = _upper(gram)
        rounded = _round_along(fitted.reshape(out, -1), bits, upper).reshape(weights.shape)
        bias = None if bias is None else round_to(bias, bits)
        for _ in range(4):
            least, most = bound_sums(linear, rounded, bias, low, high)
            over = np.ldexp(np.maximum(-least, most), bits.astype(int)) > limit
            if not over.any():
                return rounded, bias, bits
            over |= joined and over.any()
            bits = bits - over
            again = _round_along(fitted.reshape(out, -1), bits, upper).reshape(weights.shape)
            rounded = np.where(over[:, None, None], again, rounded)
            bias = None if bias is None else round_to(bias, bits)
        return round_to(fitted, bits), bias, bits

    def _sample(self, node: onnx.NodeProto, inputs: Array, wanted: Array) -> tuple[Array, Array]:
        """Some patches that a convolution sees (m, in · taps), and what it should answer (m, out)."""
        given = read_attributes(node)
        taps = given["kernel_shape"]
        pads, strides, gaps = (
            given.get(key, default)
            for key, default in (("pads", [0] * 4), ("strides", [1, 1]), ("dilations", [1, 1]))
        )
        padded = np.pad(inputs, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
        count, _, height, width = wanted.shape
        total = count * height * width
        chosen = self.random.permutation(total)[:MAX_PATCHES]
        image, row, column = np.unravel_index(chosen, (count, height, width))
        parts = [
            padded[image, :, row * strides[0] + down * gaps[0], column * strides[1] + right * gaps[1]]
            for down in range(taps[0])
            for right in range(taps[1])
        ]
        patches = np.stack(parts, axis=2).reshape(len(chosen), -1)
        return patches.astype(np.float64), wanted[image, :, row, column].astype(np.float64)


def _upper(gram: Array) -> Array:
    """U, upper triangular, with UᵀU the inverse of `gram`."""
    inverse = np.linalg.inv(gram)
    found: Array = np.linalg.cholesky((inverse + inverse.T) / 2).T
    return found


def _round_along(weights: Array, bits: Array, upper: Array) -> Array:
    """Round weights (out, in) one input after the other."""
    scale = np.ldexp(1.0, bits.astype(int))
    left = weights * scale[:, None]
    rounded = np.empty_like(left)
    block = 64
    for start in range(0, left.shape[1], block):
        end = min(start + block, left.shape[1])
        errors = np.zeros((len(left), end - start))
        for index in range(start, end):
            rounded[:, index] = np.rint(left[:, index])
            error = (left[:, index] - rounded[:, index]) / upper[index, index]
            left[:, index:end] -= error[:, None] * upper[index, index:end]
            errors[:, index - start] = error
        left[:, end:] -= errors @ upper[start:end, end:]
    found: Array = rounded / scale[:, None]
    return found
