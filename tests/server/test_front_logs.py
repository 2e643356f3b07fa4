"""What strangers send stays inside its log line, and what the machine lacks is no fault of the code."""

import errno
import json
import logging

import pytest
from starlette.requests import Request

from service.http.log_text import MAX_LINE, TextFormatter, escape_controls
from service.http.problems import describe_unknown
from service.http.telemetry import JsonFormatter
from tests.raw_http import send

HOSTILE = "a\n12:00:00 INFO forged\r\x1b[31m\x00\x7f\x85\u2028\u202e\ud800\ufeffz"


def record(message, *arguments, error=None):
    trace = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("here", logging.WARNING, __file__, 1, message, arguments, trace)


@pytest.mark.parametrize("formatter", [TextFormatter("%(levelname)s %(message)s"), JsonFormatter()])
def test_a_record_is_one_line_without_control_characters(formatter):
    line = formatter.format(record("%s: refused", HOSTILE))
    assert line.isprintable()
    assert line.encode()
    assert len(formatter.format(record("%s", "a" * 100_000))) < MAX_LINE + 1000


def test_what_is_written_in_any_language_stays_as_it_is():
    for text in ("café ψ 猫 😀", "tab-free: a b", r"\n"):
        assert escape_controls(text) == text
    assert escape_controls("a\x1bb\nc") == r"a\x1bb\nc"


def test_no_line_of_a_trace_looks_like_a_record():
    try:
        int(HOSTILE)
    except ValueError as error:
        lines = TextFormatter("%(levelname)s %(message)s").format(record("failed", error=error)).split("\n")
        entry = json.loads(JsonFormatter().format(record("failed", error=error)))
    assert lines[0] == "WARNING failed"
    assert all(line.startswith("  | ") and line.isprintable() for line in lines[1:])
    assert "\x1b" not in entry["trace"]
    assert "ValueError" in entry["trace"]


def test_an_address_stands_escaped_in_the_log(server):
    send(server.url, b"GET /\x1b[31m HTTP/1.1\r\nConnection: close\r\n\r\n")
    send(server.url, b"POST /generate/%0a%1b[31mforged HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert all(line.isprintable() for line in server.log.read_text().splitlines())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_what_the_machine_lacks_it_may_have_again(number, caplog):
    request = Request(
        {"type": "http", "method": "POST", "path": "/generate", "headers": [], "server": ("a", 1)}
    )
    answer = describe_unknown(request, OSError(number, "lacking"))
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
    assert describe_unknown(request, MemoryError()).status_code == 503
    assert describe_unknown(request, OSError(errno.EACCES, "refused")).status_code == 500
    assert "POST /generate failed" in caplog.text
