"""Where the log goes: to a stream whose reader may be slow, or stop for ever, which nobody waits for."""

import logging
import os
import select
import stat
import threading
from collections import deque
from contextlib import suppress
from io import UnsupportedOperation
from typing import TextIO

MAX_WAITING_BYTES = 2**22
"""Of lines that nobody has read yet; those that come then are lost, and counted."""
FLUSH_LIMIT_S = 1.0
"""For what still waits when the process ends."""
_AT_ONCE_BYTES = 4096
"""A pipe that can be written takes so many without waiting (PIPE_BUF of pipe(7))."""


class LogWriter(logging.Handler):
    """Writes each line at once where that takes no waiting, else in a thread of its own, in their order.

    A program that should read the log and does not, as a collector that hangs, would otherwise stop whoever
    logs, the event loop first of all, once the pipe between them is full.
    """

    def __init__(self, stream: TextIO) -> None:
        """`stream` is standard error; one without a descriptor is written as it is."""
        super().__init__()
        self._stream = stream
        self._encoding, self._errors = stream.encoding or "utf-8", stream.errors or "backslashreplace"
        self._descriptor, self._poll = None, select.poll()
        self._is_file = False
        with suppress(UnsupportedOperation, OSError, ValueError):
            self._descriptor = stream.fileno()
            self._is_file = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
            self._poll.register(self._descriptor, select.POLLOUT)
        self._mutex = threading.Lock()  # not the handler's own: `logging.shutdown` holds that while it waits
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = self._lost = 0
        self._writer: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or let it wait to be written."""
        try:
            text = f"{self.format(record)}\n"
            if self._descriptor is None:
                self._stream.write(text)
            else:
                self._take(text.encode(self._encoding, self._errors), self._descriptor)
        except Exception:  # as all handlers do: what is wrong with a line is no reason to fail
            self.handleError(record)

    def flush(self) -> None:
        """Wait for what waits to be written, for a second at most."""
        with self._mutex:
            writer = self._writer
        if writer is not None:
            writer.join(FLUSH_LIMIT_S)

    def _take(self, line: bytes, descriptor: int) -> None:
        with self._mutex:
            if self._writer is None and self._takes(len(line)):
                with suppress(OSError):  # nobody reads it any more, or the disk is full
                    os.write(descriptor, line)
                return
            if self._waiting_bytes + len(line) > MAX_WAITING_BYTES:
                self._lost += 1
                return
            if self._writer is None and not self._begin(descriptor):
                self._lost += 1
                return
            self._waiting.append(line)
            self._waiting_bytes += len(line)

    def _takes(self, size: int) -> bool:
        """Whether so many bytes can be written without waiting."""
        return self._is_file or (size <= _AT_ONCE_BYTES and bool(self._poll.poll(0)))

    def _begin(self, descriptor: int) -> bool:
        """Start the thread, which looks for lines once the mutex is free; whether there is one to have."""
        writer = threading.Thread(target=self._write_all, args=(descriptor,), name="log", daemon=True)
        try:
            writer.start()
        except RuntimeError:  # the system has no more threads
            return False
        self._writer = writer
        return True

    def _write_all(self, descriptor: int) -> None:
        """In the thread: write what waits, and end when nothing does."""
        poll = select.poll()  # no two threads may use one
        poll.register(descriptor, select.POLLOUT)
        while (line := self._next()) is not None:
            rest = memoryview(line)
            while rest:
                poll.poll()
                try:
                    rest = rest[os.write(descriptor, rest[:_AT_ONCE_BYTES]) :]
                except BlockingIOError:
                    continue
                except OSError:
                    break

    def _next(self) -> bytes | None:
        with self._mutex:
            if self._waiting:
                line = self._waiting.popleft()
                self._waiting_bytes -= len(line)
                return line
            if not self._lost:
                self._writer = None
                return None
            lost, self._lost = self._lost, 0
        sentence = "%d lines of the log were lost: nobody read it"
        record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, sentence, (lost,), None)
        return f"{self.format(record)}\n".encode(self._encoding, self._errors)
