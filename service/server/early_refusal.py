"""Refusing a request for pictures as soon as its head is read, while the queue is full.

Under overload most of what a service does is to refuse. Through a task, the middlewares and the handler a
refusal costs several times what it costs here, and all of it is taken from those who are served.
"""

import asyncio
import time
from collections.abc import Collection
from functools import partial
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from foundation.errors import GanymedeError
from service.endpoints.context import Context
from service.http.problems import describe
from service.http.requesters import address_of
from service.http.security_headers import STRICT
from service.http.telemetry import identify_request, record_request
from service.server.connections import Connections
from service.server.guarded_protocol import GuardedProtocol

REST_S = 0.005


class Rest:
    """A moment for requests to gather in, while they are only refused, as network cards do with interrupts.

    Otherwise each wakes the event loop, and so takes a core from an inference, on its own: with 770 refusals
    a second on two cores, resting between them serves a twentieth more.
    """

    def __init__(self) -> None:
        self._due = False

    def plan(self, loop: asyncio.AbstractEventLoop) -> None:
        """Rest once, after what `loop` has to do now."""
        if not self._due:
            self._due = True
            loop.call_soon(self._take)

    def _take(self) -> None:
        time.sleep(REST_S)  # on the event loop, and on purpose
        self._due = False


class RefusingProtocol(GuardedProtocol):
    """The guarded protocol, which asks the engine for room before it starts a request's task.

    The answer is the same problem document that the handler would give, and is counted and logged alike.
    """

    def __init__(self, *arguments: Any, paths: Collection[str], rest: Rest, **options: Any) -> None:
        """`paths` are those whose POSTs need room in the engine; all share `rest`."""
        super().__init__(*arguments, **options)
        self._rest = rest
        self._paths = frozenset(self.root_path + path for path in paths)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start the request's task, or answer it here and now."""
        if self._can_answer(cycle):
            try:
                self.context.engine.check_room(1, address_of(cycle.scope))
            except GanymedeError as error:
                self._refuse(cycle, error)
                return
        super()._start_asgi_task(cycle, app)

    def _can_answer(self, cycle: RequestResponseCycle) -> bool:
        """Whether the request wants pictures and its connection needs none of uvicorn's care.

        It does where it ends, where the client does not read, and where requests are pipelined.
        """
        scope = cycle.scope
        return (
            scope["method"] == "POST"
            and scope["path"] in self._paths
            and cycle.keep_alive
            and not self.flow.write_paused
            and not self.pipeline
        )

    def _refuse(self, cycle: RequestResponseCycle, error: GanymedeError) -> None:
        began = time.perf_counter()
        scope = cast("dict[str, Any]", cycle.scope)
        scope["ganymede.route"] = scope["path"].removeprefix(self.root_path)
        response = describe(error)
        with identify_request(scope) as identity:
            lines = [STATUS_LINE[response.status_code]]
            for name, value in (*cycle.default_headers, *response.raw_headers, *STRICT, identity):
                lines += name, b": ", value, b"\r\n"
            cycle.transport.write(b"".join((*lines, b"\r\n", response.body)))
            cycle.response_started = cycle.response_complete = True
            record_request(self.context.metrics, scope, response.status_code, time.perf_counter() - began)
        self.on_response_complete()
        self._rest.plan(self.loop)


def guard(
    configuration: uvicorn.Config, context: Context, connections: Connections, *, paths: Collection[str]
) -> None:
    """Let the server of `configuration` bound its `connections`, and refuse POSTs to `paths` early."""
    protocol = partial(RefusingProtocol, context=context, connections=connections, paths=paths, rest=Rest())
    configuration.http = cast("type[HttpToolsProtocol]", protocol)
