"""The end of a process behind a balancer that has not noticed yet: nothing is lost."""

import http.client
import signal
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import metric, run_server
from tests.patience import PATIENCE_S, wait_until
from tests.raw_http import connect, send
from tests.server.balancer import LOST, Balancer

LAME = ("--default-model", "grey", "--lame-duck-s", "600")
"""The tests end it by a second signal, not by the clock."""


def end(server):
    """Let a process that was told to leave, or is told now, leave at once."""
    wait_until(lambda: server.process.send_signal(signal.SIGTERM) or server.process.poll() is not None)


def test_a_release_behind_a_balancer_that_notices_late_loses_no_request(tiny_store, tmp_path):
    with run_server(tiny_store, tmp_path, *LAME) as old, run_server(tiny_store, tmp_path, *LAME) as new:
        balancer = Balancer(old.url, new.url)
        with balancer.busy("/generate", clients=4):
            wait_until(lambda: balancer.answers[old.url, 200] > 20)
            old.process.terminate()
            wait_until(lambda: not balancer.is_ready(old.url))
            before = balancer.answers[old.url, 200]
            wait_until(lambda: balancer.answers[old.url, 200] > before + 40)  # still sent there, and answered
            balancer.targets.remove(old.url)  # noticed
            before = balancer.answers[new.url, 200]
            wait_until(lambda: balancer.answers[new.url, 200] > before + 20)
            end(old)
        end(new)
        assert {status for _, status in balancer.answers} == {200}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{old.url}/livez")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_who_is_to_end_is_unready_takes_what_comes_and_closes_behind_each_answer(tiny_store, tmp_path, name):
    with run_server(tiny_store, tmp_path, *LAME) as server:
        kept = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE_S)
        kept.request("GET", "/readyz")
        ready = kept.getresponse()
        assert (ready.read() != b"", ready.status, ready.will_close) == (True, 200, False)
        server.process.send_signal(signal.Signals[name])
        wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503)
        for path in ("/ping", "/v2/health/ready"):
            assert httpx.get(f"{server.url}{path}").status_code == 503
        assert httpx.get(f"{server.url}/livez").status_code == 200
        kept.request("POST", "/generate", b"{}")  # on the connection from before
        old, new = kept.getresponse(), httpx.post(f"{server.url}/generate")
        assert old.getheader("connection") == "close"
        assert new.headers["connection"] == "close"
        assert [old.status, new.status_code] == [200, 200]
        refused = httpx.post(f"{server.url}/generate", json={"count": -1})
        assert (refused.status_code, refused.headers.get_list("connection")) == (422, ["close"])
        kept.close()
        with httpx.Client(base_url=server.url) as client:
            images = 'ganymede_images_total{model="grey",version="v2"}'
            before = metric(client, images)
            order = b'POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n{"count": 3}'
            [only] = send(server.url, 3 * order)  # RFC 9112, 9.6: what comes behind a close is not begun
            assert (only.status, only.fields["connection"]) == (200, "close")
            assert metric(client, images) - before == 3
        with connect(server.url) as slow:
            slow.sendall(b'POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n{"cou')
            server.process.send_signal(signal.Signals[name])
            if name == "SIGINT":  # who types it again while the process drains waits for nobody
                wait_until(lambda: "Shutting down" in server.log.read_text())
                server.process.send_signal(signal.SIGINT)
                assert server.process.wait(timeout=PATIENCE_S) == 130
                assert "it was interrupted again" in server.log.read_text().splitlines()[-1]
        server.process.wait(timeout=PATIENCE_S)
    assert "Traceback" not in server.log.read_text()


def test_without_the_setting_the_listener_closes_at_once(tiny_store, tmp_path):
    with run_server(tiny_store, tmp_path, "--default-model", "grey") as server:
        balancer = Balancer(server.url)
        with balancer.busy("/generate", clients=1):
            wait_until(lambda: balancer.answers[server.url, 200] > 5)
            server.process.terminate()
            wait_until(lambda: balancer.answers[server.url, LOST] > 0)
