"""What is large is taken off the wire at a pace: one who sends much leaves the event loop to others."""

import asyncio

import pytest

from service.server.intake import Intake
from service.server.paced_flow import PacedFlow
from tests.conftest import run_server
from tests.raw_http import send

MIB = 2**20
POST = b"POST /generate HTTP/1.1\r\nHost: here\r\n"


def take(intake, address, size, *, now=100.0, piece=2**18, parsing_s=0.0):
    """Seconds after `now` at which so many bytes are read, each piece when its time has come."""
    at = now
    for _ in range(size // piece):
        at += intake.count(address, piece, parsing_s, at)
    return at - now


def test_a_body_of_the_largest_size_does_not_wait():
    assert take(Intake(), "a", 6 * MIB) == 0.0


def test_who_sends_on_and_on_is_read_at_a_rate():
    intake = Intake()
    assert take(intake, "a", 72 * MIB) == pytest.approx(2.0, abs=0.05)
    assert take(intake, "a", 6 * MIB, now=200.0) == 0.0  # after a rest as before


def test_addresses_share_the_rate_however_many_connections_they_have():
    intake, now = Intake(), 100.0
    take(intake, "a", 8 * MIB)
    while now < 101.0:
        for _ in range(4):
            intake.count("a", 2**18, 0.0, now)
        now += 0.03
    waited = intake.count("b", 2**18, 0.0, now) + take(intake, "b", 24 * MIB, now=now)
    assert 0.5 < waited < 1.5  # at half the rate, behind a burst; not behind all that "a" has sent


def test_what_is_slow_to_parse_is_read_more_slowly():
    quick, slow = (take(Intake(), "a", 16 * MIB, parsing_s=seconds) for seconds in (0.0, 0.01))
    assert slow > quick + 4.0


def test_addresses_that_came_by_are_forgotten():
    intake = Intake()
    for number in range(5000):
        intake.count(f"address {number}", 100, 0.0, 100.0 + number)
    assert len(intake._due) < 100


class Transport(asyncio.Transport):
    """Notes whether it reads."""

    def __init__(self):
        super().__init__()
        self.reads = True

    def is_closing(self):
        return False

    def pause_reading(self):
        self.reads = False

    def resume_reading(self):
        self.reads = True


def test_a_connection_reads_while_neither_its_handler_nor_the_pace_is_against_it():
    async def try_both():
        transport = Transport()
        flow = PacedFlow(transport)
        flow.hold()
        flow.resume_reading()
        assert not transport.reads
        flow.pause_reading()
        flow.release()
        assert not transport.reads
        flow.resume_reading()
        assert transport.reads
        flow.pause_reading()
        flow.hold()
        flow.resume_reading()
        assert not transport.reads
        flow.release()
        flow.release()
        assert transport.reads

    asyncio.run(try_both())


@pytest.fixture(scope="module")
def patient(tiny_store, tmp_path_factory):
    """A server that waits for heads and bodies as long as a test does."""
    flags = ("--default-model", "grey", "--head-timeout-s", "600", "--body-timeout-s", "600")
    with run_server(tiny_store, tmp_path_factory.mktemp("patient"), *flags) as server:
        yield server


def test_the_first_field_too_many_is_refused_before_the_head_ends(patient):
    [answer] = send(patient.url, POST + b"a: b\r\n" * 2000)
    assert (answer.status, answer.problem["code"]) == (431, "head-too-large")


def test_the_first_field_too_many_behind_a_body_is_refused(patient):
    [answer] = send(
        patient.url, POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{ \r\n0\r\n" + b"a: b\r\n" * 2000
    )
    assert (answer.status, answer.problem["code"]) == (431, "head-too-large")


def test_a_large_body_in_chunks_of_a_byte_is_refused_before_it_ends(patient):
    chunks = b"1\r\n \r\n" * 10_000
    [answer] = send(patient.url, POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert (answer.status, answer.problem["code"]) == (413, "body-too-large")
    assert "more than 8,192 chunks of a few bytes" in answer.problem["detail"]


def test_a_large_body_is_read_to_its_end_at_the_pace(patient):
    """Three bodies of 6 MiB behind each other are more than a burst, and each is answered."""
    body = b'{"seed": 1, "count": 1, "format": "npy"' + b" " * (6 * MIB - 200) + b"}"
    order = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    answers = send(patient.url, order, order, order, POST + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    assert [answer.status for answer in answers] == [200] * 4
