"""The outermost layer but for the one that counts: who is refused before anything is done for them.

The queue that is full, the body that is announced too large, the process that ends: all of it is decided
here, by a request's head. Under overload most of what a service does is to refuse, and what a refusal costs
is taken from those who are served.
"""

import asyncio
from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from foundation.errors import BodyTooLarge, GanymedeError, Unavailable
from service.engine.engine import Engine
from service.http.addresses import ROUTE, path_of
from service.http.problems import describe, protocol_members
from service.http.requesters import current_requester
from service.http.telemetry import has_started
from service.http.under_way import UnderWay

_MOST_DIGITS = 18


class Threshold:
    """ASGI middleware: refuses what there is no room for, and tells those whom the end cuts off.

    A POST to one of `paths` needs room in the engine; no request may have more than `max_body_bytes`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        engine: Engine,
        under_way: UnderWay,
        paths: Collection[str],
        max_body_bytes: int,
    ) -> None:
        self._app = app
        self._engine = engine
        self._under_way = under_way
        self._paths = frozenset(paths)
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except GanymedeError as error:
            await describe(error, **protocol_members(scope, error))(scope, receive, send)
            return
        task = asyncio.current_task()
        self._under_way.begin(task, scope)
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not self._engine.draining:
                raise
            if has_started(scope):  # the server ends the connection, and no trace need say why
                return
            late = Unavailable("This process had to end before this was ready; ask again.")
            await describe(late, **protocol_members(scope, late))(scope, receive, send)
        finally:
            self._under_way.end(task)

    def _check(self, scope: Scope) -> None:
        """Look at a request's head.

        Raises:
            Unavailable: the engine drains.
            QueueFull: the queue has no room for a single image.
            BodyTooLarge: the body has more bytes than are read; `Bodies` counts one of unknown length.
        """
        if scope["method"] == "POST" and (path := path_of(scope)) in self._paths:
            scope[ROUTE] = path
            self._engine.check_room(1, current_requester())  # no key is known yet: an address
        for name, value in scope["headers"]:
            if name == b"content-length" and _read_length(value) > self._max_body_bytes:
                raise BodyTooLarge(
                    f"The body has more than the {self._max_body_bytes:,} bytes that are read."
                )


def _read_length(value: bytes) -> int:
    """The number of a Content-Length; the server has refused what is none."""
    return int(value) if value.isdigit() and len(value) <= _MOST_DIGITS else 10**_MOST_DIGITS
