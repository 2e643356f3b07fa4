"""What lies between a service and its S3 server, and can be told to fail."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Literal

Mode = Literal["pass", "refuse", "silent", "error", "throttle", "expired", "cut"]

ANSWERS: dict[str, tuple[str, str]] = {
    "error": ("500 Internal Server Error", "InternalError"),
    "throttle": ("503 Slow Down", "SlowDown"),
    "expired": ("403 Forbidden", "ExpiredToken"),
}
CUT_BYTES = 2000


class FaultyWay:
    """A TCP proxy to `port` with a port of its own; `mode` says what becomes of new connections."""

    def __init__(self, port: int) -> None:
        self.mode: Mode = "pass"
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.port = 0

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        starting = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close everything."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        assert self._server
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._writers:  # one that has yet to send would outlive the loop and warn another test
            writer.transport.abort()
        await asyncio.sleep(0.01)  # closed connections are let go of by the loop itself

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with closing(writer), suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            if self.mode == "silent":
                await asyncio.sleep(3600)
            elif answer := ANSWERS.get(self.mode):
                await self._answer(reader, writer, *answer)
            elif self.mode in ("pass", "cut"):
                await self._pass(reader, writer)

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: str, code: str
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n{body}".encode())
        await writer.drain()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one connection until either end closes it, or the mode changes."""
        mode = self.mode
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers.add(their_writer)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, limit: int | None) -> None:
            while (data := await source.read(65536)) and self.mode == mode:
                sink.write(data if limit is None else data[:limit])
                await sink.drain()
                if limit is not None:
                    return

        pumps = [
            asyncio.create_task(pump(reader, their_writer, None)),
            asyncio.create_task(pump(their_reader, writer, CUT_BYTES if mode == "cut" else None)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in pumps:
                task.cancel()
            their_writer.close()


@contextmanager
def faulty_way(endpoint: str) -> Iterator[FaultyWay]:
    """A proxy to the server at `endpoint`, closed at the end."""
    way = FaultyWay(int(endpoint.rsplit(":", 1)[1]))
    way.start()
    try:
        yield way
    finally:
        way.stop()
