"""What a log line may hold: no character that would end it, or that a terminal would act on.

Paths, names and field values come from strangers (CWE-117).
"""

import logging
import re
from types import TracebackType

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]")
"""ASCII's and Unicode's control characters, line ends, marks of direction, and halves of surrogate pairs."""

MAX_LINE = 4096
"""Characters of a line without its trace."""

_KEPT_IN_TRACES = "\n\t"


def escape_controls(text: str, *, keep: str = "") -> str:
    """`text` with each control character that is not in `keep` written as Python's `ascii` does."""

    def escape(found: re.Match[str]) -> str:
        return found[0] if found[0] in keep else ascii(found[0])[1:-1]

    return _CONTROLS.sub(escape, text)


class TextFormatter(logging.Formatter):
    """A record a line; the lines of a trace below it begin with a bar, which no record does."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 # logging's name
        """The line."""
        return escape_controls(super().formatMessage(record)[:MAX_LINE])

    def formatException(  # noqa: N802 # logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """The trace."""
        text = escape_controls(super().formatException(ei), keep=_KEPT_IN_TRACES)
        return "\n".join(f"  | {line}" for line in text.split("\n"))
