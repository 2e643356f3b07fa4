"""A client that leaves while its requests wait behind one another: none of them is worked on any more."""

import json
import time

import pytest

from tests.conftest import metric, run_server
from tests.patience import wait_until
from tests.raw_http import connect

COUNT = 150_000
ROUTE = 'ganymede_requests_total{route="/generate",status="%d"}'


@pytest.fixture(scope="module")
def slow(tiny_store, tmp_path_factory):
    """A server that takes minutes for what is asked of it here."""
    flags = f"--default-model grey --max-batch-images 1 --max-images-per-request {COUNT} --ui off"
    folder = tmp_path_factory.mktemp("slow")
    with run_server(tiny_store, folder, *flags.split(), "--max-queue-images", str(2 * COUNT)) as server:
        yield server


def order():
    body = json.dumps({"seed": 1, "count": COUNT, "format": "npy"}).encode()
    return b"POST /generate HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def get(path):
    return b"GET %s HTTP/1.1\r\nHost: here\r\n\r\n" % path


def large():
    """A request whose body alone makes the server stop reading."""
    return b"POST /generate HTTP/1.1\r\nHost: here\r\nContent-Length: 70000\r\n\r\n" + b" " * 70_000


@pytest.mark.parametrize(
    "behind",
    [
        pytest.param(get(b"/livez"), id="one"),
        pytest.param(get(b"/livez") * 20, id="twenty"),
        pytest.param(order(), id="another order"),
        pytest.param(large(), id="a body that is not read"),
        pytest.param(get(b"/livez") + b"GET /li", id="half a head"),
        pytest.param(b"nonsense\r\n\r\n", id="a refusal that waits"),
    ],
)
@pytest.mark.parametrize("together", [True, False], ids=["at once", "later"])
def test_who_leaves_with_more_asked_than_answered_is_missed(slow, behind, together):
    with slow.client() as client:
        left, answered = metric(client, ROUTE % 499), metric(client, ROUTE % 200)
        with connect(slow.url) as connection:
            connection.sendall(order() + behind if together else order())
            wait_until(lambda: metric(client, "ganymede_queue_images") > 0)
            if not together:
                time.sleep(0.1)  # the server watches for the end by now, and stops reading for what comes
                connection.sendall(behind)
                time.sleep(0.1)
        wait_until(lambda: metric(client, "ganymede_queue_images") == 0)
        wait_until(lambda: metric(client, ROUTE % 499) == left + 1)
        assert metric(client, ROUTE % 200) == answered
        assert client.get("/livez").status_code == 200
    said = slow.log.read_text()
    assert "Traceback" not in said
    assert "ERROR" not in said
