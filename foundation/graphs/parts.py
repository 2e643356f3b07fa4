"""A graph's bytes before protobuf reads them: how many parts they would become.

A part of two bytes in a file takes a hundred in memory: a file within its limit could take all there is.
The wire format is https://protobuf.dev/programming-guides/encoding, the messages are onnx.proto's.
"""

from typing import Any

import onnx

from foundation.errors import ReleaseRefused

MAX_PARTS = 500_000
"""Messages, texts and single numbers; a generator of a thousand operators has some twelve thousand."""
MAX_PACKED_BYTES = 2**26
"""Of numbers of variable length, each of which may be one byte here and eight in memory."""
MAX_DEPTH = 64

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES = {_FIXED64: 8, _FIXED32: 4}


class NoGraph(ReleaseRefused):
    """Bytes that are no ONNX graph at all."""


def check_wire(content: bytes, reference: str, path: str) -> None:
    """Count the parts of an ONNX file without reading it into memory a second time.

    Raises:
        NoGraph: it is cut off or no protobuf at all.
        ReleaseRefused: it has too many parts or they lie too deep.
    """
    try:
        _count(content)
    except _TooMuch as error:
        raise ReleaseRefused(
            f"{reference}: {path} is not an ONNX graph that may be opened: {error}."
        ) from None
    except (IndexError, KeyError, ValueError) as error:
        raise NoGraph(f"{reference}: {path} is not an ONNX graph.") from error


class _TooMuch(Exception):
    pass


def _count(content: bytes) -> None:
    parts = packed_bytes = 0
    waiting: list[tuple[Any, int, int, int]] = [(onnx.ModelProto.DESCRIPTOR, 0, len(content), 0)]
    while waiting:
        message, position, end, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _TooMuch(f"its parts lie more than {MAX_DEPTH} deep in each other")
        while position < end:
            parts += 1
            number, start, position = _read_field(content, position)
            if position > end:
                raise IndexError("cut off")
            field = message.fields_by_number.get(number)
            if field is None or start is None:
                pass
            elif field.type == field.TYPE_MESSAGE:
                waiting.append((field.message_type, start, position, depth + 1))
            elif field.type in (field.TYPE_INT32, field.TYPE_INT64, field.TYPE_UINT64):
                packed_bytes += position - start
            _check_counts(parts, packed_bytes)
        _check_counts(parts, packed_bytes)


def _check_counts(parts: int, packed_bytes: int) -> None:
    if parts > MAX_PARTS:
        raise _TooMuch(f"it has more than {MAX_PARTS:,} parts")
    if packed_bytes > MAX_PACKED_BYTES:
        raise _TooMuch(
            f"it has {packed_bytes:,} bytes of numbers of variable length; {MAX_PACKED_BYTES:,} are allowed"
        )


def _read_field(content: bytes, position: int) -> tuple[int, int | None, int]:
    """A field's number, where its bytes begin if it has a length, and where the next field begins."""
    tag, position = _read_varint(content, position)
    kind = tag & 7
    if not tag >> 3:
        raise ValueError("no field has the number 0")
    if kind == _BYTES:
        length, position = _read_varint(content, position)
        return tag >> 3, position, position + length
    if kind == _VARINT:
        return tag >> 3, None, _read_varint(content, position)[1]
    return tag >> 3, None, position + _FIXED_BYTES[kind]  # KeyError: ONNX has no groups


def _read_varint(content: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than ten bytes")
