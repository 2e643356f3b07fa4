"""A release behind a load balancer: two containers leave, two take their place, and no request is lost."""

import re
import threading
from collections import Counter
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from infra.constructs.task import DRAIN_TIMEOUT_S, LAME_DUCK_S, STOP_TIMEOUT_S
from tests.busy_threads import keep_busy
from tests.image.conftest import docker, run_container
from tests.image.haproxy import run_haproxy
from tests.patience import wait_until

AS_ON_ECS = (
    "--read-only",
    *("--env", f"GANYMEDE_LAME_DUCK_S={LAME_DUCK_S}"),
    *("--env", f"GANYMEDE_DRAIN_TIMEOUT_S={DRAIN_TIMEOUT_S}"),
)
ORDERS = ("/generate", "/latent-walk", "/images/fashion@v3/7.png", "/models")
LOST = "lost"


class Clients:
    """Clients of the proxy, each with a connection that it keeps, who count how they are answered."""

    def __init__(self, url):
        self.url = url
        self.answers = Counter()
        """By path and status; what got no answer is `LOST`, and is not sent again."""
        self._lock = threading.Lock()

    @contextmanager
    def busy(self, number):
        """Ask without a pause, from so many threads, until the block ends."""

        def go_on(over):
            with httpx.Client(base_url=self.url, timeout=60) as client:
                while not over.is_set():
                    for path in ORDERS:
                        self._ask(client, path)

        with keep_busy(number, go_on):
            yield

    def _ask(self, client, path):
        try:
            if path in ("/generate", "/latent-walk"):
                body = {"frames": 4, "seeds": [1, 2]} if path == "/latent-walk" else {"count": 4}
                status = client.post(path, json=body).status_code
            else:
                status = client.get(path).status_code
        except httpx.TransportError:
            status = LOST
        with self._lock:
            self.answers[path, status] += 1

    def good(self):
        """How many were answered with 200."""
        with self._lock:
            return sum(number for (_, status), number in self.answers.items() if status == 200)


def wait_for_more(clients, number):
    before = clients.good()
    wait_until(lambda: clients.good() >= before + number)


@pytest.fixture
def tasks():
    """Two containers as they are, and two of the release that comes; each says what it is."""
    with ExitStack() as held:
        running = {
            name: held.enter_context(run_container(*AS_ON_ECS)) for name in ("old1", "old2", "new1", "new2")
        }
        for each in running.values():
            each.wait_for("/readyz", limit_s=300)
        yield running


def open_page(url):
    """Load the page and every file that it names, each from whichever task comes; their statuses."""
    with httpx.Client(base_url=url, follow_redirects=True, timeout=60) as browser:
        page = browser.get("/ui/")
        named = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
        assert any(name.endswith(".js") for name in named)
        return {page.status_code, *(browser.get(page.url.join(name)).status_code for name in named)}


def test_a_release_and_a_drain_behind_a_proxy_lose_nothing_and_the_page_works(tasks, tmp_path):
    targets = {name: container.url for name, container in tasks.items()}
    with run_haproxy(tmp_path, targets) as proxy:
        for name in ("new1", "new2"):
            proxy.tell(f"set server tasks/{name} state maint")
        clients = Clients(proxy.url)
        with clients.busy(4):
            wait_for_more(clients, 40)
            assert open_page(proxy.url) == {200}
            for name in ("new1", "new2"):
                proxy.tell(f"set server tasks/{name} state ready")
            wait_until(lambda: {proxy.states()[name] for name in ("new1", "new2")} == {"UP"})
            stopping = [
                threading.Thread(
                    target=docker, args=("stop", "--time", str(STOP_TIMEOUT_S), tasks[name].name)
                )
                for name in ("old1", "old2")
            ]
            for thread in stopping:  # nobody tells the proxy: it notices by its own health checks
                thread.start()
            wait_until(lambda: {proxy.states()[name] for name in ("old1", "old2")} == {"DOWN"})
            assert open_page(proxy.url) == {200}
            for thread in stopping:
                thread.join()
            wait_for_more(clients, 40)
        states = proxy.states()
    assert {status for _, status in clients.answers} == {200}, clients.answers
    assert {path for path, _ in clients.answers} == set(ORDERS)
    assert (states["new1"], states["new2"]) == ("UP", "UP")
    for name in ("old1", "old2"):
        assert tasks[name].inspect("{{.State.ExitCode}}") in ("0", "143"), tasks[name].logs()
