"""Where the log goes: to a stream whose reader may be slow, or stop for ever, which nobody waits for."""

import logging
import os
import queue
import select
import stat
import threading
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

    There is no lock but the handler's own, which `handle` holds: what is collected in the middle of a line,
    in whatever thread, may be a task that logs its error.
    """

    def __init__(self, stream: TextIO) -> None:
        """`stream` is standard error; one without a descriptor is written as it is."""
        super().__init__()
        self._stream = stream
        self._encoding, self._errors = stream.encoding or "utf-8", stream.errors or "backslashreplace"
        self._descriptor, self._poll = None, select.poll()
        self._is_file = self._is_terminal = False
        with suppress(UnsupportedOperation, OSError, ValueError):
            self._descriptor = stream.fileno()
            self._is_file = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
            self._is_terminal = os.isatty(self._descriptor)
            self._poll.register(self._descriptor, select.POLLOUT)
        self._waiting = queue.SimpleQueue[bytes | threading.Event]()
        self._taken_bytes = self._lost = 0  # only who logs changes these, and only the thread the next
        self._written_bytes = self._told = 0
        if self._descriptor is not None and not self._is_file:
            target, args = self._write_all, (self._descriptor,)
            threading.Thread(target=target, args=args, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or let it wait to be written."""
        try:
            text = f"{self.format(record)}\n"
            if self._descriptor is None:
                self._stream.write(text)
            elif not self._stream.closed:  # its descriptor may be another file's then
                self._take(text.encode(self._encoding, self._errors), self._descriptor)
        except Exception:  # as all handlers do: what is wrong with a line is no reason to fail
            self.handleError(record)

    def flush(self) -> None:
        """Wait for what waits to be written, for a second at most."""
        if self._waiting_bytes:
            written = threading.Event()
            self._waiting.put(written)
            written.wait(FLUSH_LIMIT_S)

    @property
    def _waiting_bytes(self) -> int:
        return self._taken_bytes - self._written_bytes

    def _take(self, line: bytes, descriptor: int) -> None:
        size = len(line)
        if self._takes(size) and not self._waiting_bytes:
            with suppress(OSError):  # nobody reads it any more, or the disk is full
                os.write(descriptor, line)
        elif self._waiting_bytes + size <= MAX_WAITING_BYTES:
            self._taken_bytes += size
            self._waiting.put(line)
        else:
            self._lost += 1
            if self._lost == self._told + 1:  # the thread may have done all that there was
                self._waiting.put(b"")

    def _takes(self, size: int) -> bool:
        """Whether so many bytes can be written without waiting; a terminal may say so of a single one."""
        at_once = size <= _AT_ONCE_BYTES and not self._is_terminal
        return self._is_file or (at_once and bool(self._poll.poll(0)))

    def _write_all(self, descriptor: int) -> None:
        """In the thread: write what waits, and then how much was lost."""
        poll = select.poll()  # no two threads may use one
        poll.register(descriptor, select.POLLOUT)
        while True:
            found = self._waiting.get()
            if isinstance(found, threading.Event):
                found.set()
                continue
            self._write(found, descriptor, poll)
            while self._waiting.empty() and (lost := self._lost) > self._told:
                told, self._told = self._told, lost
                self._write(self._count_lost(lost - told), descriptor, poll)
            self._written_bytes += len(found)

    def _count_lost(self, lost: int) -> bytes:
        sentence = "%d lines of the log were lost: nobody read it"
        record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, sentence, (lost,), None)
        return f"{self.format(record)}\n".encode(self._encoding, self._errors)

    def _write(self, line: bytes, descriptor: int, poll: select.poll) -> None:
        """Write a line whenever its reader takes some of it; what nobody will ever read is left out."""
        rest = memoryview(line)
        while rest:
            poll.poll()
            if self._stream.closed:
                return
            try:
                rest = rest[os.write(descriptor, rest[:_AT_ONCE_BYTES]) :]
            except BlockingIOError:
                continue
            except OSError:
                return
