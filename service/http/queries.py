"""Requests in the query of an address: text that is read as the fields of a body are, and as strictly."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from foundation.errors import InvalidField

_WHOLE = re.compile(r"[0-9]{1,30}")
_FRACTION = re.compile(r"[0-9]{0,30}\.?[0-9]{1,30}(?:[eE][+-]?[0-9]{1,3})?")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}

Reader = Callable[[str], object]
"""From a field's text to the value that the schema judges."""


def read_number(text: str) -> object:
    """The number that `text` is; the text itself where it is none, for the schema to judge."""
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text


def read_flag(text: str) -> object:
    """True or false, also as 1 and 0."""
    return _FLAGS.get(text, text)


def read_text(text: str) -> object:
    """The text."""
    return text


def read_numbers(text: str) -> object:
    """Numbers with commas between them."""
    return [read_number(part) for part in text.split(",")]


def read_words(text: str) -> object:
    """Words with commas between them."""
    return text.split(",")


_LISTS = (read_numbers, read_words)


def read_fields(query: Iterable[tuple[str, str]], readers: Mapping[str, Reader]) -> dict[str, object]:
    """The fields of `query`; a list may also be given as one field for each of its parts.

    Raises:
        InvalidField: there is no such field, or one that is no list is given twice.
    """
    given: dict[str, list[str]] = defaultdict(list)
    for name, text in query:
        if name not in readers:
            raise InvalidField(name[:80], "there is no such field; see /docs")
        given[name].append(text)
    for name, texts in given.items():
        if len(texts) > 1 and readers[name] not in _LISTS:
            raise InvalidField(name, f"give it once, not {len(texts)} times")
    return {name: readers[name](",".join(texts)) for name, texts in given.items()}
