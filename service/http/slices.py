"""Reading large JSON a slice at a time, so that other threads have their turn: the parser keeps the GIL."""

import re
from typing import Any

from pydantic_core import from_json

_SLICE_BYTES = 2**16
"""Of a list, read in one go: a millisecond."""

_MARK = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|\[([^\[\]{}"]*+)\]', re.DOTALL)
"""A text, even one without an end, or an innermost list of nothing but numbers and words; in linear time."""


def read_json(content: bytes) -> Any:
    """The value of JSON text: what `pydantic_core.from_json` makes of it.

    Lists of numbers are cut out and read by themselves. What is left has a list of one number, the place of
    what was there, for each of them and nowhere else.

    Raises:
        ValueError: it is no JSON; the message says where.
    """
    frame, lists, end = bytearray(), list[list[Any]](), 0
    try:
        for found in _MARK.finditer(content):
            if found.start(1) < 0:
                continue
            frame += content[end : found.start()] + b"[%d]" % len(lists)
            lists.append(_read_list(content, *found.span(1)))
            end = found.end()
        return _put_back(from_json(bytes(frame + content[end:])), lists)
    except ValueError:
        from_json(content)  # it raises too, and knows the place in the whole
        raise


def _read_list(content: bytes, start: int, end: int) -> list[Any]:
    """The list whose inside, without lists and texts, is `content[start:end]`."""
    if end - start <= _SLICE_BYTES:
        inside: list[Any] = from_json(content[start - 1 : end + 1])
        return inside
    parts: list[Any] = []
    while start <= end:
        stop = content.find(b",", start + _SLICE_BYTES, end)
        part = from_json(b"[" + content[start : stop if stop >= 0 else end] + b"]")
        if not part:
            raise ValueError("nothing between two commas")
        parts += part
        start = (stop if stop >= 0 else end) + 1
    return parts


def _put_back(value: Any, lists: list[list[Any]]) -> Any:
    if isinstance(value, dict):
        return {name: _put_back(part, lists) for name, part in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) == 1 and type(value[0]) is int:
        return lists[value[0]]
    return [_put_back(part, lists) for part in value]
