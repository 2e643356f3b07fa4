"""Operators that add products with weights, all seen in one way: (out, in of a group, taps)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from foundation.grid.movement import Array, read_attributes

LINEAR = frozenset({"MatMul", "Gemm", "Conv", "ConvTranspose"})


@dataclass(frozen=True)
class Linear:
    """The weights of such an operator."""

    kind: str
    weights: Array
    """float64 (out, in of a group, taps)."""
    bias: Array | None
    """float64 (out,)."""
    groups: int
    names: tuple[str, str]
    """Of the weights and of the bias, empty if it has none."""
    shape: tuple[int, ...]
    """Of the weights as they are stored."""
    transposed: bool = False
    """Whether a Gemm's weights are stored as (out, in)."""

    @property
    def axis(self) -> int:
        """Where the channels lie, of what goes in and of what comes out."""
        return 1 if self.kind in ("Conv", "ConvTranspose") else -1

    def spread(self, values: Array) -> Array:
        """What each weight is multiplied with, of what each channel (in,) is: (out, in of a group, 1)."""
        out, each, _ = self.weights.shape
        parts = np.asarray(values).reshape(self.groups, 1, each)
        return np.broadcast_to(parts, (self.groups, out // self.groups, each)).reshape(out, each, 1)

    def store(self, weights: Array) -> Array:
        """Weights (out, in of a group, taps) as the operator stores them, float32."""
        out, each, taps = weights.shape
        if self.kind == "Conv":
            stored = weights.reshape(self.shape)
        elif self.kind == "ConvTranspose":
            parts = weights.reshape(self.groups, out // self.groups, each, taps).transpose(0, 2, 1, 3)
            stored = parts.reshape(self.shape)
        else:
            stored = weights[:, :, 0] if self.transposed else weights[:, :, 0].T
        kept: Array = np.ascontiguousarray(stored, np.float32)
        return kept

    @property
    def is_sum(self) -> bool:
        """Whether it only adds and takes away what goes in, each as it is.

        A layer that gives nothing, as one does that begins at zero, is none.
        """
        return bool(np.isin(self.weights, (-1.0, 0.0, 1.0)).all() and self.weights.any((1, 2)).all())


def read_linear(node: onnx.NodeProto, constants: Mapping[str, Array]) -> Linear:
    """Read the weights of a node.

    Raises:
        ValueError: they are no constants, or it does more than add products.
    """
    given, kind = read_attributes(node), node.op_type
    weights = constants.get(node.input[1])
    if weights is None or weights.dtype != np.float32 or node.input[0] in constants:
        raise ValueError("its weights are no constants in float32")
    bias_name = node.input[2] if len(node.input) > 2 else ""
    bias = constants.get(bias_name) if bias_name else None
    if bias_name and bias is None:
        raise ValueError("its bias is no constant")
    groups = int(given.get("group", 1))
    stored = np.asarray(weights, np.float64)
    transposed = bool(given.get("transB", 0))
    if kind == "Conv":
        seen = stored.reshape(*stored.shape[:2], -1)
    elif kind == "ConvTranspose":
        parts = stored.reshape(groups, stored.shape[0] // groups, stored.shape[1], -1)
        seen = parts.transpose(0, 2, 1, 3).reshape(groups * stored.shape[1], stored.shape[0] // groups, -1)
    else:
        if (
            stored.ndim != 2
            or given.get("alpha", 1.0) != 1
            or given.get("beta", 1.0) != 1
            or given.get("transA")
        ):
            raise ValueError("it is no plain product of rows with a matrix")
        seen = (stored if transposed else stored.T)[:, :, None]
    if bias is not None:
        if bias.size not in (1, bias.shape[-1]):
            raise ValueError("its bias is of more than one row")
        bias = np.broadcast_to(np.asarray(bias, np.float64).reshape(-1), (len(seen),))
    return Linear(kind, seen, bias, groups, (node.input[1], bias_name), weights.shape, transposed)


def bound_sums(
    linear: Linear, weights: Array, bias: Array | None, low: Array, high: Array
) -> tuple[Array, Array]:
    """The least and the greatest that any part of a sum may be: float64 (out,) twice.

    `low` and `high` (in,) hold for each input channel; both include 0, as does every part of a sum.
    """
    ends = [weights * linear.spread(np.minimum(low, 0)), weights * linear.spread(np.maximum(high, 0))]
    least, most = np.minimum(*ends).sum((1, 2)), np.maximum(*ends).sum((1, 2))
    if bias is not None:
        least, most = least + np.minimum(bias, 0), most + np.maximum(bias, 0)
    return least, most
