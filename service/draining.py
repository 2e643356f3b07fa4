"""Leaving without losing anything: unready at once, what was accepted is finished, then the end."""

import logging
from types import FrameType

import uvicorn

from service.context import Context

log = logging.getLogger(__name__)


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which tells the service first that it is to end.

    On SIGTERM or SIGINT uvicorn closes its listening socket, answers the requests it has, within its graceful
    timeout, and then closes the application. A client that keeps its connection learns from `/readyz` and
    from a 503 that it should go elsewhere.
    """

    def __init__(self, config: uvicorn.Config, context: Context) -> None:
        super().__init__(config)
        self._context = context

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note that the service drains, then let uvicorn do the rest."""
        log.info("draining: %d images are still to be answered", self._context.engine.waiting_images)
        self._context.engine.drain()
        super().handle_exit(sig, frame)
