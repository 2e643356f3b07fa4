"""Leaving without losing anything: unready at once, what was accepted is finished, then the end."""

import asyncio
import logging
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from service.endpoints.context import Context
from service.server.ending import end_within

_EXIT_STATUS = 128
"""What shells add to the number of the signal that ended a process."""

_LAST_WORDS_S = 1.0

log = logging.getLogger(__name__)


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which tells the service first that it is to end.

    On SIGTERM or SIGINT uvicorn closes its listening socket, answers the requests it has, within its graceful
    timeout, and then closes the application. A client that keeps its connection learns from `/readyz` and
    from a 503 that it should go elsewhere. After the timeout the process ends, whatever its threads do.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        context: Context,
        *,
        started: Callable[[str], None] = lambda _: None,
        ready: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`started` is called with the address once somebody answers there, `ready` once there is a model."""
        super().__init__(config)
        self._context = context
        self._started = started
        self._ready = ready
        self._waiting: asyncio.Task[None] | None = None
        self._signal = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say where."""
        await super().startup(sockets)
        host, port = self.config.host, self.servers[0].sockets[0].getsockname()[1]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._started(address)
        self._waiting = asyncio.create_task(self._wait_until_ready(address))

    async def _wait_until_ready(self, address: str) -> None:
        await self._context.reloading.ready.wait()
        self._ready(address)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what there is, and close; who was cut off by the timeout is told so first."""
        if self._waiting is not None:
            self._waiting.cancel()
        await super().shutdown(sockets)
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_LAST_WORDS_S)
        if self._signal:
            end_within(0.0, _EXIT_STATUS + self._signal)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note that the service drains, then let uvicorn do the rest."""
        if not self._signal:
            self._signal = sig
            end_within(self._context.settings.drain_timeout_s, _EXIT_STATUS + sig)
        log.info("draining: %d images are still to be answered", self._context.engine.waiting_images)
        self._context.engine.drain()
        super().handle_exit(sig, frame)
