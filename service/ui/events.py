"""What may come with an event of the page: numbers, words and choices, and nothing that names a file.

Gradio takes a dictionary with a `path` for a file of the server's, wherever in an event's values it lies. The
page has no event that needs one, so what reaches Gradio is written anew, of what was checked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import gradio
import orjson
from pydantic import BaseModel, Field, ValidationError

from foundation.errors import MalformedRequest
from service.ui.refusals import WrongValue

RAW: Mapping[str, Any] = MappingProxyType({"api_visibility": "private", "preprocess": False})
"""What every event of the page is declared with: values come to it as they were checked here."""

_MAX_TEXT = 400
_MAX_ITEMS = 64
_MAX_NUMBER = 2**53  # beyond, a JSON number is no whole number in a browser
_MAX_INDEX = 10_000

Check = Callable[[Any], Any]
"""From a value to the one that is passed on; raises `WrongValue`."""


class _Body(BaseModel):
    """What is read of a body; whatever else it holds is dropped."""

    data: list[Any] = Field(max_length=_MAX_ITEMS)
    fn_index: int
    session_hash: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    trigger_id: int | None = Field(default=None, ge=0, le=1_000_000)
    event_data: Any = None


@dataclass(frozen=True, slots=True)
class Event:
    """An event that was checked, and whose it is."""

    session: str
    content: bytes


class Events:
    """The events of a page, and what each takes."""

    def __init__(self, page: gradio.Blocks) -> None:
        """Raises `TypeError` for an event with an input of which no rule here says what it may hold."""
        self._checks: dict[int, tuple[Check, ...]] = {}
        self._queued: dict[int, bool] = {}
        for index, event in page.fns.items():
            self._checks[index] = tuple(_check_of(block) for block in event.inputs)
            self._queued[index] = event.queue

    def read(self, content: bytes, *, queued: bool) -> Event:
        """The event in a body, if it is one for the queue or, respectively, one that goes by it.

        Raises:
            MalformedRequest: the body is no event of this page.
            WrongValue: it holds a value that the page would not send.
        """
        try:
            body = _Body.model_validate(orjson.loads(content), strict=True)
        except (orjson.JSONDecodeError, ValidationError, RecursionError):
            raise MalformedRequest("The body is not what the page sends with an event.") from None
        checks = self._checks.get(body.fn_index)
        if checks is None or self._queued[body.fn_index] is not queued or len(checks) != len(body.data):
            raise MalformedRequest("There is no such event here; reload the page.")
        told = {
            "data": [check(value) for value, check in zip(body.data, checks, strict=True)],
            "fn_index": body.fn_index,
            "session_hash": body.session_hash,
            "trigger_id": body.trigger_id,
            "event_data": {"index": _read_index(body.event_data), "value": None},
        }
        return Event(body.session_hash, orjson.dumps(told))


def _read_index(event_data: Any) -> int:
    """Which of several things was clicked; the rest of what is said of a click is used by nobody."""
    index = event_data.get("index") if isinstance(event_data, Mapping) else None
    return index if type(index) is int and 0 <= index <= _MAX_INDEX else 0


def _check_of(block: Any) -> Check:
    name = str(getattr(block, "label", None) or "a value")
    if isinstance(block, gradio.Slider):
        return lambda value: _check_number(name, value, block)
    if isinstance(block, gradio.Number):
        return lambda value: None if value is None else _check_number(name, value, block)
    if isinstance(block, gradio.Checkbox):
        return lambda value: _check_flag(name, value)
    if isinstance(block, gradio.Textbox):
        return lambda value: "" if value is None else _check_text(name, value)
    if isinstance(block, gradio.Dropdown | gradio.Radio) and not getattr(block, "multiselect", False):
        return lambda value: None if value is None else _check_text(name, value)
    if isinstance(block, gradio.JSON):
        return lambda value: _check_names(name, value)
    raise TypeError(f"an event takes a {type(block).__name__}, and no rule says what it may hold")


def _check_number(name: str, value: Any, block: gradio.Slider | gradio.Number) -> float:
    low = -_MAX_NUMBER if block.minimum is None else block.minimum
    high = _MAX_NUMBER if block.maximum is None else block.maximum
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValue(f"{name}: not a number.")
    if not low <= value <= high:
        raise WrongValue(f"{name}: a number from {low:.12g} to {high:.12g}.")
    return value


def _check_flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongValue(f"{name}: either on or off.")
    return value


def _check_text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise WrongValue(f"{name}: not a text.")
    if len(value) > _MAX_TEXT:
        raise WrongValue(f"{name}: at most {_MAX_TEXT} characters.")
    return value


def _check_names(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > _MAX_ITEMS:
        raise WrongValue(f"{name}: not a list of at most {_MAX_ITEMS} names.")
    return [_check_text(name, item) for item in value]
