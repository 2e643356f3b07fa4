"""How large what comes out of a convolution is."""

from typing import Any


def conv_sides(given: dict[str, Any], sides: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[int, ...]:
    """The height and width behind a Conv.

    Raises:
        ValueError: it pads by a word.
    """
    if given.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise ValueError("it pads by a word, not by numbers")
    if given.get("auto_pad") == b"VALID" and any(given.get("pads", ())):
        raise ValueError("it pads by numbers, and by a word that says otherwise")
    pads, strides, gaps = _spans(given, len(sides))
    return tuple(
        (side + sum(pads[axis :: len(sides)]) - (size - 1) * gaps[axis] - 1) // strides[axis] + 1
        for axis, (side, size) in enumerate(zip(sides, kernel, strict=True))
    )


def transposed_sides(
    given: dict[str, Any], sides: tuple[int, ...], kernel: tuple[int, ...]
) -> tuple[int, ...]:
    """The height and width behind a ConvTranspose.

    Raises:
        ValueError: it pads by a word.
    """
    if given.get("output_shape"):
        return tuple(given["output_shape"])[-len(sides) :]
    word = given.get("auto_pad", b"NOTSET")
    pads, strides, gaps = _spans(given, len(sides))
    if word in (b"SAME_UPPER", b"SAME_LOWER"):
        return tuple(side * stride for side, stride in zip(sides, strides, strict=True))
    more = given.get("output_padding", [0] * len(sides))
    return tuple(
        strides[axis] * (side - 1) + more[axis] + (size - 1) * gaps[axis] + 1 - sum(pads[axis :: len(sides)])
        for axis, (side, size) in enumerate(zip(sides, kernel, strict=True))
    )


def _spans(given: dict[str, Any], count: int) -> tuple[list[int], list[int], list[int]]:
    return (
        list(given.get("pads", [0] * 2 * count)),
        list(given.get("strides", [1] * count)),
        list(given.get("dilations", [1] * count)),
    )
