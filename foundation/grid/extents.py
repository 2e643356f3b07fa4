"""What the numbers of a tensor may be, and what operators of one input make of that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from foundation.grid.movement import Array, read_attributes
from foundation.grid.reading import count_fraction_bits

LIMIT = 2.0**24
"""Whole numbers up to here are exact in float32."""
ANY = 10_000
"""Fraction bits of a number that may be any float: it must be rounded before it is added."""


@dataclass(frozen=True)
class Extent:
    """What the numbers of a tensor, of one sample (1, …), may be."""

    low: Array
    high: Array
    bits: Array
    """t for each number, a multiple of 2⁻ᵗ; ANY where it may be any float."""

    @property
    def steps(self) -> Array:
        """The greatest magnitude of each number, in steps of its grid: float64 (1, …)."""
        greatest = np.maximum(np.abs(self.low), np.abs(self.high))
        found: Array = np.ldexp(greatest, np.clip(self.bits, -1000, 1000))
        return found

    @property
    def is_any(self) -> bool:
        """Whether some number may be any float."""
        return bool((self.bits >= ANY).any())


def check_steps(steps: Array, axis: int) -> float:
    """The share of 2²⁴ that the greatest takes.

    Raises:
        ValueError: it is more than all; the channel along `axis` is named.
    """
    if not np.all(steps <= LIMIT):
        channel = int(np.unravel_index(int(np.argmax(steps)), steps.shape)[axis])
        raise ValueError(
            f"channel {channel} may reach {steps.max():.4g} steps of its grid; float32 is exact up to 2^24"
        )
    return float(steps.max() / LIMIT)


def extent_of(values: Array) -> Extent:
    """What a constant's numbers are, of its shape: themselves, each on the coarsest grid that it lies on."""
    known = np.asarray(values, np.float64)
    return Extent(known, known, count_fraction_bits(known))


def scale_any(first: Extent, second: Extent) -> Extent:
    """Any float times a power of two, which does not round.

    Raises:
        ValueError: it is not one.
    """
    (any_float, factor) = (first, second) if first.is_any else (second, first)
    mantissa, _ = np.frexp(factor.low)
    if factor.is_any or np.any(factor.low != factor.high) or np.any(mantissa != 0.5):
        raise ValueError("a number on no grid is multiplied by what is no power of two")
    return Extent(any_float.low * factor.low, any_float.high * factor.low, any_float.bits + 0 * factor.bits)


def round_extent(_node: onnx.NodeProto, given: Extent, _constants: Mapping[str, Array]) -> Extent:
    """Behind a Round, half to even: whole numbers."""
    return Extent(np.rint(given.low), np.rint(given.high), np.minimum(given.bits, 0))


def clip_extent(node: onnx.NodeProto, given: Extent, constants: Mapping[str, Array]) -> Extent:
    """Behind a Clip, or a Max or Min with a constant.

    Raises:
        ValueError: it compares more than two tensors.
    """
    if node.op_type == "Clip":
        ends = [constants[name] if name else None for name in node.input[1:]]
        low, high = [*ends, None, None][:2]
    else:
        if len(node.input) != 2:
            raise ValueError("it compares more than two tensors")
        other = next(constants[name] for name in node.input if name in constants)
        low, high = (other, None) if node.op_type == "Max" else (None, other)
    bits = given.bits
    for end in (low, high):
        if end is not None:
            bits = np.maximum(bits, count_fraction_bits(end))
    lows, highs = (
        np.clip(each, -np.inf if low is None else low, np.inf if high is None else high)
        for each in (given.low, given.high)
    )
    return Extent(lows, highs, np.broadcast_to(bits, lows.shape))


def leak_extent(node: onnx.NodeProto, given: Extent, _constants: Mapping[str, Array]) -> Extent:
    """Behind a LeakyRelu, whose slope is a dyadic fraction or a whole number, or a Relu.

    Raises:
        ValueError: the slope's products may round.
    """
    if node.op_type == "Relu":
        return Extent(np.maximum(given.low, 0), np.maximum(given.high, 0), given.bits)
    if given.is_any:
        raise ValueError("a number on no grid is multiplied by a slope")
    slope = float(np.float32(read_attributes(node).get("alpha", 0.01)))
    if not 0 <= slope < np.inf:
        raise ValueError(f"its slope is {slope:g}, no number from 0 on")
    finer = max(int(count_fraction_bits(np.asarray(slope))), 0)  # numbers above zero stay as they are
    bits = given.bits + np.where(given.low < 0, finer, 0)
    low, high = (np.maximum(end, 0) + slope * np.minimum(end, 0) for end in (given.low, given.high))
    check_steps(np.ldexp(np.abs(np.minimum(low, 0)), bits), 1 if low.ndim > 1 else 0)
    return Extent(low, high, bits)


def sum_extent(node: onnx.NodeProto, given: Extent, constants: Mapping[str, Array]) -> Extent:
    """Behind a ReduceSum.

    Raises:
        ValueError: it may round.
    """
    if given.is_any:
        raise ValueError("numbers on no grid are added")
    attributes = read_attributes(node)
    axes = constants[node.input[1]] if len(node.input) > 1 else attributes.get("axes")
    if axes is None or not len(axes):
        raise ValueError("it adds along all axes")
    over, keep = tuple(int(axis) for axis in axes), bool(attributes.get("keepdims", 1))
    found = Extent(
        np.minimum(given.low, 0).sum(over, keepdims=keep),
        np.maximum(given.high, 0).sum(over, keepdims=keep),
        given.bits.max(over, keepdims=keep),
    )
    check_steps(found.steps, 1)
    return found


ALONE: Mapping[str, Callable[[onnx.NodeProto, Extent, Mapping[str, Array]], Extent]] = {
    "Round": round_extent,
    "Clip": clip_extent,
    "Max": clip_extent,
    "Min": clip_extent,
    "LeakyRelu": leak_extent,
    "Relu": leak_extent,
    "ReduceSum": sum_extent,
}
"""Operators that read one tensor, and what they make of its extent."""
