"""The log, whose reader may be slow, gone, or never read: who logs does not wait for it."""

import fcntl
import gc
import io
import logging
import os
import pty
import threading

import pytest

from service.http import log_writing
from service.http.log_writing import LogWriter
from tests.patience import PATIENCE_S


@pytest.fixture
def pipe():
    """A pipe of 4 KiB, and a stream that writes into it."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with os.fdopen(writer, "w", encoding="utf-8") as stream, os.fdopen(reader, "rb") as out:
        yield out, stream  # which nobody reads any more before it is closed: then its thread ends the line


def say(handler, numbers):
    for number in numbers:
        handler.handle(logging.makeLogRecord({"msg": "line %06d é", "args": (number,)}))


def in_time(work):
    """Do `work` in a thread, so that it cannot hang the tests."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert not thread.is_alive(), "it waits for the reader"


def test_who_logs_does_not_wait_for_a_reader_that_stopped_and_no_line_is_out_of_order(pipe):
    out, stream = pipe
    handler = LogWriter(stream)
    in_time(lambda: say(handler, range(2000)))
    in_time(lambda: say(handler, [2000]))
    lines = []
    in_time(lambda: lines.extend(out.readline().decode() for _ in range(2001)))
    assert lines == [f"line {number:06d} é\n" for number in range(2001)]
    in_time(handler.flush)
    say(handler, [7])  # whoever reads again has it at once
    assert os.read(out.fileno(), 100) == "line 000007 é\n".encode()


def test_who_logs_does_not_wait_for_a_terminal_that_stands_still():
    """It says that it takes more as long as there is room for a byte."""
    screen, terminal = pty.openpty()
    with os.fdopen(screen, "rb") as out, os.fdopen(terminal, "w", encoding="utf-8") as stream:
        handler = LogWriter(stream)
        in_time(lambda: say(handler, range(6000)))  # it keeps some 64 KiB
        lines = []
        in_time(lambda: lines.extend(out.readline().decode() for _ in range(6000)))
        assert lines == [f"line {number:06d} é\r\n" for number in range(6000)]
        in_time(handler.flush)


def test_what_is_collected_in_the_middle_of_a_line_may_log_too(pipe, monkeypatch):
    """As a task does whose error nobody asked for."""
    out, stream = pipe
    handler, lines, write = LogWriter(stream), [], os.write

    class Circle:
        def __init__(self):
            self.itself = self

        def __del__(self):
            say(handler, [1])

    def collect_and_write(descriptor, line):
        gc.collect()
        return write(descriptor, line)

    def say_both():
        for number in (0, 10_000):  # at once, and in the thread
            Circle()
            handler.handle(logging.makeLogRecord({"msg": "0" * number}))
            lines.extend(out.readline() for _ in range(2))

    monkeypatch.setattr(os, "write", collect_and_write)
    gc.freeze()  # what other tests left is not looked through each time
    try:
        in_time(say_both)
    finally:
        gc.unfreeze()
    said = "line 000001 é\n".encode()
    assert sorted(lines, key=len) == [b"\n", said, said, b"0" * 10_000 + b"\n"]


def test_what_is_too_much_to_keep_is_counted(pipe, monkeypatch):
    monkeypatch.setattr(log_writing, "MAX_WAITING_BYTES", 10_000)
    out, stream = pipe
    handler = LogWriter(stream)
    in_time(lambda: say(handler, range(5000)))
    lines = []

    def read():
        while not lines or not lines[-1].endswith("nobody read it\n"):
            lines.append(out.readline().decode())

    in_time(read)
    *kept, told = lines
    assert set(kept) <= {f"line {number:06d} é\n" for number in range(5000)}
    assert kept == sorted(set(kept))  # which of them are lost depends on when the thread had a core
    assert told == f"{5000 - len(kept)} lines of the log were lost: nobody read it\n"


def test_a_long_line_is_written_whole(pipe):
    out, stream = pipe
    handler, lines = LogWriter(stream), []
    record = logging.makeLogRecord({"msg": "x" * 100_000})
    in_time(lambda: handler.handle(record))
    in_time(lambda: lines.append(out.readline()))
    assert lines == [b"x" * 100_000 + b"\n"]


def test_an_end_waits_for_a_reader_that_stopped_no_longer_than_its_limit(pipe, monkeypatch):
    monkeypatch.setattr(log_writing, "FLUSH_LIMIT_S", 0.01)
    handler = LogWriter(pipe[1])
    in_time(lambda: say(handler, range(2000)))
    in_time(handler.flush)


def test_a_reader_that_is_gone_and_a_stream_without_a_descriptor_are_no_fault(pipe, tmp_path):
    out, stream = pipe
    handler = LogWriter(stream)
    out.close()
    in_time(lambda: say(handler, range(100)))
    text = io.StringIO()
    say(LogWriter(text), [1, 2])
    assert text.getvalue() == "line 000001 é\nline 000002 é\n"
    with (tmp_path / "log").open("w", encoding="ascii", errors="backslashreplace") as file:
        handler = LogWriter(file)
        say(handler, [3])
        handler.handle(logging.makeLogRecord({"msg": "y" * 9000}))
        assert (tmp_path / "log").read_bytes() == b"line 000003 \\xe9\n" + b"y" * 9000 + b"\n"


def test_nothing_is_written_where_the_stream_was_once_it_is_closed(tmp_path):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with os.fdopen(reader, "rb"), os.fdopen(writer, "w", encoding="utf-8") as stream:
        handler = LogWriter(stream)
        in_time(lambda: say(handler, range(1000)))
    with (tmp_path / "another").open("wb") as another:
        if another.fileno() != writer:
            os.dup2(another.fileno(), writer)
        say(handler, range(1000))
        in_time(handler.flush)
        assert os.fstat(another.fileno()).st_size == 0
        if another.fileno() != writer:
            os.close(writer)
