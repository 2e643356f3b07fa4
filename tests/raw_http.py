"""Talking to a server byte by byte, as no well-behaved client does."""

import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.patience import PATIENCE_S


class Answer(NamedTuple):
    """One response as it came."""

    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document; clients of `/v2` have it as JSON, with the member `error`."""
        found: dict[str, Any] = json.loads(self.body)
        media_type = "application/json" if "error" in found else "application/problem+json"
        assert self.fields["content-type"] == media_type, self
        return found


def connect(url: str, *, timeout_s: float = PATIENCE_S, receive_bytes: int | None = None) -> socket.socket:
    """A connection to the server at `url`; with a small buffer for what comes, it takes little unread."""
    address = urlsplit(url)
    connection = socket.socket()
    if receive_bytes:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.settimeout(timeout_s)
    connection.connect((address.hostname or "", address.port or 80))
    return connection


def send(url: str, *pieces: bytes) -> list[Answer]:
    """The answers to `pieces`, until the server ends the connection; however much of them it takes."""
    with connect(url) as connection:
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        return read_answers(connection)


def read_answers(connection: socket.socket) -> list[Answer]:
    """All answers that come before the server ends the connection."""
    received = bytearray()
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            received += piece
    return parse_answers(bytes(received))


def read_answer(connection: socket.socket) -> Answer:
    """One answer, whole, of a connection that goes on; its head and its body may come apart."""
    received = bytearray()
    while True:
        received += connection.recv(65_536)
        head, found, body = received.partition(b"\r\n\r\n")
        if found:
            [answer] = parse_answers(bytes(head + found))
            if len(body) >= int(answer.fields.get("content-length", 0)):
                return answer._replace(body=bytes(body))


def parse_answers(received: bytes) -> list[Answer]:
    """Responses one behind the other, each with its Content-Length."""
    answers = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        named = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        length = int(named.get("content-length", 0))
        answers.append(Answer(int(line.split()[1]), named, received[:length]))
        received = received[length:]
    return answers


def resident_bytes(pid: int, *, most: bool = False) -> int:
    """The memory that a process has now, or the most that it has had."""
    name = "VmHWM:" if most else "VmRSS:"
    with Path(f"/proc/{pid}/status").open() as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(name))


def cpu_seconds(pid: int) -> float:
    """The time for which a process has had a core, in itself and in the system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
