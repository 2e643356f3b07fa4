"""The running service follows its store: good releases are swapped in, bad ones never."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from foundation.store import FolderStore, promote
from tests.conftest import Server, run_server
from tests.patience import PATIENCE_S
from tests.store.bad_releases import KINDS, REASONS, publish_bad
from tests.tiny_models import TinyModel, publish_tiny_model

ORDER = {"seed": 1, "count": 1}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("followed")
    publish_tiny_model(folder, TinyModel(version="v1", weight_seed=1))
    return folder


@pytest.fixture(scope="module")
def running(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that looks at its store all the time."""
    flags = ("--reload-interval-s", "0.1", "--max-resident-models", "2")
    with run_server(root, tmp_path_factory.mktemp("server"), *flags) as server:
        yield server


@pytest.fixture
def following(running: Server, root: Path) -> Server:
    """The same where each test begins: with v1 in production, and nothing refused."""
    if FolderStore(root).aliases("grey").entries["production"].version != "v1":
        promote(FolderStore(root), "grey", "v1")
    wait_until(lambda: serving(running) == "grey@v1", "it begins anew")
    wait_until(lambda: "refused" not in httpx.get(f"{running.url}/readyz").json(), "nothing is refused")
    return running


def wait_until(true: Callable[[], bool], what: str, limit_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline, f"not within {limit_s:g} s: {what}"
        time.sleep(0.05)


def serving(server: Server) -> str:
    answer = httpx.post(f"{server.url}/generate", json=ORDER)
    assert answer.status_code == 200, answer.text
    return answer.headers["X-Model"]


def reloads(server: Server, outcome: str) -> float:
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    name = f'ganymede_reloads_total{{outcome="{outcome}"}} '
    return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def test_a_promoted_version_is_served_without_a_restart_and_the_old_one_leaves(
    following: Server, root: Path
) -> None:
    assert serving(following) == "grey@v1"
    before = reloads(following, "loaded")
    publish_tiny_model(root, TinyModel(version="v2", weight_seed=2))
    wait_until(lambda: serving(following) == "grey@v2", "v2 is served")
    assert reloads(following, "loaded") == before + 1
    metrics = httpx.get(f"{following.url}/metrics").text
    assert 'ganymede_model_info{device="cpu",model="grey",precision="exact",version="v2"} 1.0' in metrics
    assert not re.search(r'ganymede_model_info\{.*version="v1"', metrics)
    promote(FolderStore(root), "grey", "v1")
    wait_until(lambda: serving(following) == "grey@v1", "v1 is served again")


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_release_is_refused_by_name_and_counted_and_the_old_one_goes_on(
    following: Server, root: Path, kind: str
) -> None:
    refused = reloads(following, "refused")
    publish_bad(root, f"bad-{kind}", kind)
    store = FolderStore(root)
    if kind == "unknown-schema":  # promote would refuse it, too
        store.swap_aliases("grey", old := store.aliases("grey"), old.moved("production", f"bad-{kind}"))
    else:
        promote(store, "grey", f"bad-{kind}")
    body: dict[str, dict[str, str]] = {}

    def told() -> bool:
        body.update(httpx.get(f"{following.url}/readyz").raise_for_status().json())
        return f"bad-{kind}" in body.get("refused", {}).get("grey@production", "")

    wait_until(told, "the refusal is told")
    assert f"grey@bad-{kind}" in body["refused"]["grey@production"]
    assert REASONS[kind] in body["refused"]["grey@production"]
    assert serving(following) == "grey@v1"
    assert reloads(following, "refused") == refused + 1
    asked = httpx.post(f"{following.url}/generate", json={**ORDER, "model": f"grey@bad-{kind}"})
    assert (asked.status_code, asked.json()["code"]) == (503, "release-refused")
    assert reloads(following, "refused") == refused + 1
    promote(store, "grey", "v1")
    wait_until(lambda: "refused" not in httpx.get(f"{following.url}/readyz").json(), "all is well again")


def test_not_one_request_is_lost_while_one_release_follows_another(following: Server, root: Path) -> None:
    stop = threading.Event()
    failures: list[str] = []
    seen: set[str] = set()
    answered = [0] * 4

    def ask(number: int) -> None:
        with following.client() as client:
            while not stop.is_set():
                try:
                    answer = client.post("/generate", json={"count": 4, "format": "npy"})
                except httpx.HTTPError as error:
                    failures.append(repr(error))
                    continue
                if answer.status_code != 200:
                    failures.append(answer.text)
                seen.add(answer.headers.get("X-Model", ""))
                answered[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(answered))]
    for thread in threads:
        thread.start()
    try:
        for number in range(1, 5):
            version = f"load-{number}"
            publish_tiny_model(root, TinyModel(version=version, weight_seed=20 + number))
            wait_until(lambda version=version: f"grey@{version}" in seen, f"{version} is served")  # type: ignore[misc]
        wait_until(lambda: min(answered) > 10, "every client got answers")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert seen >= {f"grey@load-{number}" for number in range(1, 5)}


def test_a_service_that_starts_on_an_empty_store_becomes_ready_with_the_first_release(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with run_server(tmp_path / "models", tmp_path, "--reload-interval-s", "0.1") as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 503
        time.sleep(1)  # several looks at the store
        assert "Publish one" in httpx.get(f"{server.url}/readyz").json()["detail"]
        assert server.log.read_text().count("not ready") == 1
        publish_tiny_model(tmp_path / "models", TinyModel())
        wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 200, "it is ready")
        assert serving(server) == "grey@v1"
