"""Leaving without losing anything: unready at once, what was accepted is finished, then the end."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from service.endpoints.context import Context
from service.server.ending import end_now, end_within, flush_logs
from service.server.hang_up import heed_hang_up
from service.server.listeners import keep_many, take_all
from service.server.wire_limits import LAST_CALL_S

_EXIT_STATUS = 128
"""What shells add to the number of the signal that ended a process."""

LAST_WORDS_S = 1.0
"""For an answer that is on its way at the drain's time limit, and for those that only then are told no."""

_LOOK_EVERY_S = 0.1

log = logging.getLogger(__name__)


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which tells the service first that it is to end.

    On SIGTERM, SIGINT or the SIGHUP of a terminal that closes `/readyz` says 503 at once, and for the lame
    duck's time requests are taken as ever, each on a connection that closes behind its answer: balancers go
    on for seconds before they have noticed. A second signal ends that time. Then uvicorn closes its listening
    socket, answers the requests it has, within the drain's time limit, and closes the application. A client
    that keeps its connection learns from a 503 that it should go elsewhere. After the timeout, or one more
    SIGINT, the process ends, whatever its threads do.
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
        self._hurried = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say where."""
        await super().startup(sockets)
        keep_many(self.servers)
        heed_hang_up(signal.SIG_DFL, self.handle_exit)
        host, port = self.config.host, self.servers[0].sockets[0].getsockname()[1]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._started(address)
        self._waiting = asyncio.create_task(self._wait_until_ready(address))

    async def _wait_until_ready(self, address: str) -> None:
        await self._context.reloading.ready.wait()
        self._ready(address)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take what still comes for a while, answer what there is, and close.

        Who has no answer at the drain's time limit is told so; uvicorn cuts off only what has been on its way
        for `LAST_WORDS_S` more.
        """
        if self._waiting is not None:
            self._waiting.cancel()
        await self._be_lame_duck()
        engine, status = self._context.engine, _EXIT_STATUS + self._signal
        log.info("draining: %d images are still to be answered", engine.waiting_images)
        engine.drain()
        if self._signal:
            end_within(self._context.settings.drain_timeout_s, status)
        await take_all(self.servers, LAST_CALL_S)
        late = asyncio.get_running_loop().call_later(
            self._context.settings.drain_timeout_s, self._context.under_way.cut_off
        )
        await super().shutdown(sockets)
        late.cancel()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=LAST_WORDS_S)
        if self.force_exit:  # uvicorn left the application open; the loop would end it by a KeyboardInterrupt
            log.warning("the process ends at once, for it was interrupted again while it drained")
            end_now(status)
        await asyncio.to_thread(flush_logs)
        heed_hang_up(self.handle_exit, signal.SIG_DFL)  # uvicorn raises what it heard once more
        if self._signal:
            end_within(0.0, status)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note that the service is to end; a second signal ends the lame duck's time, later ones go on."""
        engine, settings = self._context.engine, self._context.settings
        if self._signal and not engine.draining:
            self._hurried = True
            return
        if not self._signal:
            self._signal, self._hurried = sig, not self.started  # nobody routes to what was never ready
            end_within(settings.lame_duck_s + settings.drain_timeout_s, _EXIT_STATUS + sig)
            engine.leave()
        super().handle_exit(sig, frame)

    async def _be_lame_duck(self) -> None:
        loop, delay_s = asyncio.get_running_loop(), self._context.settings.lame_duck_s
        if not self._signal or not delay_s:
            return
        log.info("leaving: requests are taken for %g s more, or until a second signal", delay_s)
        end = loop.time() + delay_s
        while loop.time() < end and not self._hurried:
            await asyncio.sleep(min(_LOOK_EVERY_S, delay_s))
            await self.on_tick(0)  # the header Date goes on
