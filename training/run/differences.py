"""How two configurations, or two kinds of pictures, differ: named, so that a refusal says what to change."""

from typing import Any

from pydantic import BaseModel

MOST_NAMED = 8


def name_differences(there: BaseModel, here: BaseModel) -> str:
    """Return `batch_size (64 there → 32 here), seed (0 there → 1 here)`: what differs between two of a kind.

    `there` is what a run folder holds, `here` what is asked for now. At most eight are named.
    """
    before, now = there.model_dump(), here.model_dump()
    if before.get("preset") != now.get("preset"):
        return describe_difference("preset", before.get("preset"), now.get("preset"))
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return (
        ", ".join(describe_difference(name, before.get(name), now.get(name)) for name in names[:MOST_NAMED])
        + more
    )


def describe_difference(name: str, there: Any, here: Any) -> str:
    """Return `size (32 there → 64 here)`."""
    return f"{name} ({show_value(there)} there → {show_value(here)} here)"


def show_value(value: Any) -> str:
    """Return a setting's value as it is written; a word for none, and few of many names."""
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value[:MOST_NAMED])) + (" …" if len(value) > MOST_NAMED else "")
    return str(value)
