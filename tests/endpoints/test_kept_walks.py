"""Files of walks that a player asks for in parts: made once, bounded in bytes, each key's own."""

import hashlib
import tempfile
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from foundation.locked_folders import LockedFolder
from service.application import create_app
from service.endpoints.kept_walks import MOST_FILES, KeptWalks
from service.settings import Settings
from tests.conftest import metric

LINK = "/latent-walk?seeds=1,5,9&frames=12&model=grey@v2&format=mp4"
IMAGES = 'ganymede_images_total{model="grey",version="v2"}'


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder of its own for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def count_drawn(client) -> float:
    return metric(client, IMAGES)


def test_a_player_that_seeks_and_looks_first_makes_a_walk_once(tiny_store):
    with TestClient(create_app(Settings(models=str(tiny_store)))) as client:
        head = client.head(LINK)
        drawn = count_drawn(client)
        whole = client.get(LINK)
        assert (head.status_code, head.headers["content-length"]) == (200, str(len(whole.content)))
        for first, last in ((0, 99), (100, 299), (50, 60)):
            part = client.get(
                LINK, headers={"Range": f"bytes={first}-{last}", "If-Range": head.headers["etag"]}
            )
            assert (part.status_code, part.content) == (206, whole.content[first : last + 1])
        assert count_drawn(client) == drawn == 12
        told = {
            name: value
            for name, value in head.headers.items()
            if name not in ("x-request-id", "server-timing")
        }
        assert told.items() <= whole.headers.items()
        posted = client.post(
            "/latent-walk", json={"seeds": [1, 5, 9], "frames": 12, "model": "grey@v2", "format": "mp4"}
        )
        assert (posted.content, count_drawn(client)) == (whole.content, 24)


def test_another_walk_is_another_file(tiny_store):
    with TestClient(create_app(Settings(models=str(tiny_store)))) as client:
        contents = {
            client.get(LINK.replace(*change)).content
            for change in (
                ("1,5", "1,6"),
                ("=12", "=13"),
                ("grey@v2", "grey@v1"),
                ("mp4", "mp4&fps=25"),
                ("", ""),
            )
        }
        assert len(contents) == 5


def test_what_one_key_had_made_is_no_other_keys_and_stays_private(tiny_store):
    keys = {name: hashlib.sha256(f"gmd_{name}".encode()).hexdigest() for name in ("one", "two")}
    settings = Settings(models=str(tiny_store), api_keys=",".join(f"{n}:{d}" for n, d in keys.items()))
    with TestClient(create_app(settings)) as client:
        assert client.get(LINK).status_code == 401
        for name, drawn in (("one", 12), ("one", 12), ("two", 24), ("one", 24)):
            answer = client.get(LINK, headers={"X-Api-Key": f"gmd_{name}"})
            assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
            figures = client.get("/metrics", headers={"X-Api-Key": "gmd_one"}).text
            assert f"{IMAGES} {drawn}.0" in figures
        assert client.get(LINK).status_code == 401


def test_a_wrong_request_for_a_kept_walk_is_refused_as_ever(tiny_store):
    with TestClient(create_app(Settings(models=str(tiny_store)))) as client:
        client.get(LINK)
        assert client.get(LINK + "&label=star").status_code == 422
        assert client.get(LINK + "&scale=65").status_code == 422
        assert client.get(LINK.replace("grey@v2", "grey@v9")).status_code == 404


def test_files_go_when_they_are_too_many_or_the_service_ends(tiny_store, temporary):
    with TestClient(create_app(Settings(models=str(tiny_store), walk_cache_max_bytes=30_000))) as client:
        for seed in range(40):
            assert client.get(LINK.replace("1,5,9", f"{seed},7")).status_code == 200
        files = list(temporary.glob("ganymede-walk-*/walk.mp4"))
        assert 1 < len(files) < 40
        assert sum(path.stat().st_size for path in files) <= 30_000
    assert list(temporary.glob("ganymede-walk-*")) == []
    with TestClient(create_app(Settings(models=str(tiny_store), walk_cache_max_bytes=0))) as client:
        assert client.get(LINK).status_code == 200
        assert list(temporary.glob("ganymede-walk-*")) == []


def _write(folder: Path, content: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content)
    return path


def _keep(walks: KeptWalks, name: str, size: int):
    folder = LockedFolder("walk").make()
    return walks.keep((None, name), folder, _write(folder.path, b"x" * size))


def test_those_used_last_stay_and_none_goes_that_is_being_sent(temporary):
    walks = KeptWalks(100)
    first = _keep(walks, "first", 40)
    _keep(walks, "second", 40).leave()
    assert walks.find((None, "first")) is first  # two who send it now
    _keep(walks, "third", 40).leave()
    assert walks.find((None, "second")) is None
    _keep(walks, "fourth", 40).leave()
    _keep(walks, "fifth", 50).leave()
    assert walks.find((None, "first")) is None
    assert first.path.exists()
    first.leave()
    assert first.path.exists()
    first.leave()
    assert not first.path.exists()
    assert walks.held_bytes <= 100
    walks.close()
    assert list(temporary.glob("ganymede-*")) == []


def test_one_that_is_too_large_is_sent_and_not_kept_and_many_small_ones_are_bounded(temporary):
    walks = KeptWalks(1000)
    large = _keep(walks, "large", 501)
    assert (large.path.exists(), len(walks)) == (True, 0)
    large.leave()
    assert not large.path.exists()
    for index in range(MOST_FILES + 5):
        _keep(walks, str(index), 1).leave()
    assert len(walks) == MOST_FILES == len(list(temporary.glob("ganymede-*")))
    walks.close()


def test_a_file_that_someone_else_removed_is_made_again(temporary):
    walks = KeptWalks(1000)
    walk = _keep(walks, "gone", 10)
    walk.leave()
    walk.path.unlink()
    assert walks.find((None, "gone")) is None
    assert list(temporary.glob("ganymede-*")) == []
