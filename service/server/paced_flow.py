"""uvicorn's control of a connection's flow, with a second reason to read no more for a while."""

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl


class PacedFlow(FlowControl):
    """Reads while neither the request's handler nor the server's pace is against it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._paced = transport
        self._held = False

    def resume_reading(self) -> None:
        """The handler takes more."""
        if self._held:
            self.read_paused = False  # and the transport goes on when it is released
        else:
            super().resume_reading()

    def hold(self) -> None:
        """Read no more until `release`."""
        if not self._held:
            self._held = True
            self._paced.pause_reading()

    def release(self) -> None:
        """Go on reading, unless the handler still has enough."""
        if self._held:
            self._held = False
            if not self.read_paused and not self._paced.is_closing():
                self._paced.resume_reading()
