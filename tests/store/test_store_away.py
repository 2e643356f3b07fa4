"""While S3 is away, what is loaded goes on serving; a start does with what the cache holds."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from foundation.errors import StoreUnreachable
from foundation.store import open_served_store, open_store, promote
from tests.conftest import Server, run_server
from tests.patience import PATIENCE_S
from tests.store.conftest import S3
from tests.store.faulty import FaultyWay, Mode, faulty_way
from tests.store.releases import publish_bytes
from tests.store.seaweed import S3Server
from tests.store.test_reloading import reloads, serving, wait_until
from tests.tiny_models import TinyModel, publish_tiny_model

pytestmark = S3

SENTENCES: dict[Mode, str] = {
    "refuse": "the connection broke",
    "silent": "did not answer within the time limit",
    "error": "answered 500",
    "throttle": "asks to slow down",
    "expired": "the credentials have expired",
}


@pytest.fixture
def way(s3_server: S3Server) -> Iterator[FaultyWay]:
    with faulty_way(s3_server.endpoint) as between:
        yield between


def flags(folder: Path) -> tuple[str, ...]:
    quick = ("--reload-interval-s", "0.2", "--store-timeout-s", "0.5")
    return (*quick, "--cache", str(folder / "cache"))


def wait_until_ready(server: Server) -> None:
    """A busy machine may not answer within half a second at the first try; the service tries again."""
    wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 200, "it is ready")


def variables(s3_server: S3Server, way: FaultyWay) -> dict[str, str]:
    return {**s3_server.variables(), "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{way.port}"}


def test_what_is_loaded_goes_on_serving_and_says_that_the_store_is_away(
    s3_uri: str, s3_server: S3Server, way: FaultyWay, tmp_path: Path
) -> None:
    store = open_store(s3_uri)
    publish_tiny_model(store, TinyModel(version="v1", weight_seed=1))
    with run_server(s3_uri, tmp_path, *flags(tmp_path), **variables(s3_server, way)) as server:

        def told(sentence: str) -> bool:
            answer = httpx.get(f"{server.url}/readyz")
            assert answer.status_code == 200
            return sentence in answer.json()["store"].get("error", "")

        wait_until_ready(server)
        assert serving(server) == "grey@v1"
        for mode, sentence in SENTENCES.items():
            way.mode = mode
            wait_until(lambda sentence=sentence: told(sentence), f"{mode} is told")  # type: ignore[misc]
            assert serving(server) == "grey@v1"
            assert "ganymede_store_reachable 0.0" in httpx.get(f"{server.url}/metrics").text
            answer = httpx.post(f"{server.url}/generate", json={"model": "grey@v9"})  # silence lasts an hour
            assert (answer.status_code, answer.json()["code"]) == (503, "store-unreachable")
        assert reloads(server, "unreachable") >= len(SENTENCES)
        publish_tiny_model(store, TinyModel(version="v2", weight_seed=2))
        way.mode = "pass"
        wait_until(lambda: serving(server) == "grey@v2", "the store is followed again")
        assert httpx.get(f"{server.url}/readyz").json()["store"] == {"reachable": True}
        assert "ganymede_store_reachable 1.0" in httpx.get(f"{server.url}/metrics").text


@pytest.mark.parametrize("mode", ["refuse", "silent", "expired"])
def test_a_start_without_s3_works_from_the_cache(
    s3_uri: str, s3_server: S3Server, way: FaultyWay, tmp_path: Path, mode: Mode
) -> None:
    publish_tiny_model(open_store(s3_uri), TinyModel(version="v1", weight_seed=1))
    order = {"seed": 3, "format": "npy"}
    with run_server(s3_uri, tmp_path, *flags(tmp_path), **variables(s3_server, way)) as server:
        wait_until_ready(server)
        before = httpx.post(f"{server.url}/generate", json=order).content
    way.mode = mode
    with run_server(s3_uri, tmp_path, *flags(tmp_path), **variables(s3_server, way)) as server:
        answer = httpx.post(f"{server.url}/generate", json=order)
        assert (answer.status_code, answer.content) == (200, before)
        assert httpx.get(f"{server.url}/readyz").json()["store"]["reachable"] is False
        assert httpx.get(f"{server.url}/models").json()["models"][0]["versions"] == ["v1"]


def test_a_start_without_s3_and_without_a_cache_says_why_it_is_not_ready(
    s3_uri: str, s3_server: S3Server, way: FaultyWay, tmp_path: Path
) -> None:
    publish_tiny_model(open_store(s3_uri), TinyModel())
    way.mode = "refuse"
    with run_server(s3_uri, tmp_path, *flags(tmp_path), **variables(s3_server, way)) as server:
        answer = httpx.get(f"{server.url}/readyz")
        assert answer.status_code == 503
        assert "the store: " in answer.json()["detail"]
        assert "://" not in answer.text  # where it is, the log says
        assert s3_uri in server.log.read_text()
        way.mode = "pass"
        wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 200, "it is ready")
        assert serving(server) == "grey@v1"


def test_a_release_that_was_loaded_once_is_not_downloaded_again(
    s3_uri: str, s3_server: S3Server, way: FaultyWay, tmp_path: Path
) -> None:
    store = open_store(s3_uri)
    publish_tiny_model(store, TinyModel(version="v1", weight_seed=1))
    publish_tiny_model(store, TinyModel(version="v2", weight_seed=2))
    with run_server(s3_uri, tmp_path, *flags(tmp_path), **variables(s3_server, way)) as server:
        wait_until_ready(server)
        assert serving(server) == "grey@v2"
        promote(store, "grey", "v1")
        wait_until(lambda: serving(server) == "grey@v1", "v1 is served")
    files = {path.name: path.stat().st_ino for path in (tmp_path / "cache" / "files").iterdir()}
    assert len(files) == 2
    with run_server(s3_uri, tmp_path, *flags(tmp_path), **variables(s3_server, way)) as server:
        assert serving(server) == "grey@v1"
    assert {path.name: path.stat().st_ino for path in (tmp_path / "cache" / "files").iterdir()} == files


def test_a_download_that_breaks_off_every_time_ends_in_words_and_leaves_nothing(
    s3_uri: str, s3_server: S3Server, way: FaultyWay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_bytes(open_store(s3_uri), content=bytes(1_000_000))
    for name, value in variables(s3_server, way).items():
        monkeypatch.setenv(name, value)
    cache = str(tmp_path / "cache")
    store = open_served_store(s3_uri, cache=cache, cache_max_bytes=10**7, timeout_s=PATIENCE_S)
    manifest = store.manifest("grey", "v1")
    way.mode = "cut"
    with pytest.raises(StoreUnreachable, match=s3_uri):
        store.read(manifest, "generator.onnx")
    assert list((tmp_path / "cache" / "files").iterdir()) == []
    way.mode = "pass"
    while True:  # for a moment it is not even asked
        try:
            assert store.read(manifest, "generator.onnx") == bytes(1_000_000)
        except StoreUnreachable:
            time.sleep(0.1)
        else:
            break
