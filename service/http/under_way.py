"""The requests of a process that are being answered: who is still without an answer at its end is told so."""

import asyncio
import logging
from typing import Any

from starlette.types import Scope

from service.http.telemetry import has_started

log = logging.getLogger(__name__)


class UnderWay:
    """The tasks of all requests that came past the `Threshold`; used on the event loop."""

    def __init__(self) -> None:
        self._scopes: dict[asyncio.Task[Any] | None, Scope] = {}

    def begin(self, task: asyncio.Task[Any] | None, scope: Scope) -> None:
        """Note that `task` answers the request of `scope`."""
        self._scopes[task] = scope

    def end(self, task: asyncio.Task[Any] | None) -> None:
        """Note that it does no more."""
        del self._scopes[task]

    def cut_off(self) -> None:
        """Cancel all whose answers have not begun; one that is on its way is not torn in the middle."""
        late = [task for task, scope in self._scopes.items() if task is not None and not has_started(scope)]
        for task in late:
            task.cancel()
        if late:
            log.warning("the time to finish in is over: %d requests are answered with 503", len(late))
