"""From what is read well to what nearly is: Hypothesis strategies over bytes and over JSON values."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

LONGEST_BYTES = 4096

NUMBERS = ("1e400", "-1e400", "1" * 400, "9" * 5000, "1e-400", "-0.0", "NaN", "Infinity", "1.0", "0.5", "-1")
"""Numbers of JSON, and some that it does not have, as they stand in a text."""

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)
_PLACEHOLDER = "\ue000number\ue000"


@st.composite
def mutate_bytes(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of `seeds` with a few of its bytes changed, left out, repeated or brought in from another."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 8) | st.integers(0, len(content)))
        kind = draw(st.sampled_from(("set", "drop", "insert", "repeat", "splice", "extreme")))
        part = content[start : start + length]
        if kind == "set":
            content[start : start + length] = draw(st.binary(min_size=len(part), max_size=len(part)))
        elif kind == "drop":
            del content[start : start + length]
        elif kind == "insert":
            content[start:start] = draw(st.binary(max_size=16))
        elif kind == "repeat":
            content[start:start] = part * draw(st.integers(1, 4))
        elif kind == "splice":
            other = draw(st.sampled_from(seeds))
            content[start:] = other[draw(st.integers(0, len(other))) :]
        else:
            content[start : start + 4] = draw(st.sampled_from((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff")))
        del content[64 * LONGEST_BYTES :]
    return bytes(content)


@st.composite
def mutate_json(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of `seeds` with a value somewhere within it, a name, or a number's spelling changed."""
    document = json.loads(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 3))):
        parts = list(_containers(document))
        part = draw(st.sampled_from(parts))
        places = list(part) if isinstance(part, dict) else list(range(len(part)))
        value = draw(_VALUES | st.just(_PLACEHOLDER) | st.sampled_from(parts).map(json.dumps).map(json.loads))
        if places:
            part[draw(st.sampled_from(places))] = value
        elif isinstance(part, dict):
            part[draw(st.text(max_size=8))] = value
        else:
            part.append(value)
    text = json.dumps(document, ensure_ascii=draw(st.booleans()))
    text = text.replace(json.dumps(_PLACEHOLDER), draw(st.sampled_from(NUMBERS)))
    text = text.replace(f'"{_PLACEHOLDER}"', draw(st.sampled_from(NUMBERS)))
    return text.encode("utf-8", "surrogatepass")


def _containers(value: Any) -> Any:
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _containers(inner)
