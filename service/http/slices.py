"""Reading large JSON a slice at a time, so that other threads have their turn: the parser keeps the GIL."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

_SLICE_BYTES = 2**16
"""Of a list, read in one go: a millisecond."""

_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A text, even one without an end, in linear time."""


def read_json(content: bytes) -> Any:
    """The value of JSON text: what `pydantic_core.from_json` makes of it.

    Lists of numbers are cut out and read by themselves. What is left has a list of one number, the place of
    what was there, for each of them and nowhere else.

    Raises:
        ValueError: it is no JSON; the message says where.
    """
    frame, lists, end = bytearray(), list[list[Any]](), 0
    try:
        for start, stop in _find_lists(content):
            frame += content[end : start - 1] + b"[%d]" % len(lists)
            lists.append(_read_list(content, start, stop))
            end = stop + 1
        return _put_back(from_json(bytes(frame + content[end:])), lists)
    except ValueError:
        from_json(content)  # it raises too, and knows the place in the whole
        raise


def _find_lists(content: bytes) -> Iterator[tuple[int, int]]:
    """Where the insides of the innermost lists begin and end, of those without texts; in linear time."""
    at = 0
    while (opens := content.find(b"[", at)) >= 0:
        if (quote := content.find(b'"', at, opens)) >= 0:
            text = _TEXT.match(content, quote)
            at = quote + 1 if text is None else text.end()
            continue
        at = opens + 1
        other = content.find(b"[", at)
        stop = content.find(b"]", at, other if other >= 0 else len(content))
        if stop >= 0 and all(content.find(mark, at, stop) < 0 for mark in (b'"', b"{", b"}")):
            yield at, stop
            at = stop + 1


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
