"""Pictures by the million: shards that several processes write, whole or not at all, the same each time."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ganymede
from foundation.errors import GanymedeError
from ganymede.bulk import seeds
from ganymede.bulk.order import Order
from ganymede.bulk.seeds import Seeds, WrongOrder
from ganymede.container import processing_share
from tests.conftest import REPOSITORY
from tests.patience import PATIENCE_S
from tests.store.conftest import S3
from tests.store.seaweed import BUCKET, S3Server

WORDS = ("generate", "colour", "--seeds", "0-24", "--shard-images", "10")


@pytest.fixture(scope="module")
def shards(tiny_store: Path, call_ganymede, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes."""
    root = tmp_path_factory.mktemp("shards")
    done = call_ganymede(*WORDS, "--shards", root, "--models", tiny_store)
    assert done.returncode == 0, done.stderr
    assert "all 3 shards are there" in done.stdout
    return root


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_shard_holds_the_pictures_that_the_service_answers_with_seed_and_class(shards, client) -> None:
    with tarfile.open(shards / "shard-000002.tar") as tar:
        assert tar.getnames() == [f"{seed:010}.{end}" for seed in range(20, 25) for end in ("png", "json")]
        assert {(entry.mtime, entry.uid, entry.uname, entry.mode) for entry in tar} == {(0, 0, "", 0o644)}
        png = tar.extractfile("0000000021.png").read()
        told = json.load(tar.extractfile("0000000021.json"))
    assert png == client.get("/images/colour/21.png").content
    answer = client.post("/generate", json={"model": "colour", "seeds": [21], "format": "json"}).json()
    assert told["class"] == answer["images"][0]["label"] == ("circle", "square", "star")[told["label"]]
    assert told["seed"] == 21


def test_the_manifest_has_the_seeds_the_version_and_the_sum_of_every_shard(shards, sha256) -> None:
    manifest = json.loads((shards / "manifest.json").read_text())
    assert (manifest["model"], manifest["seeds"], manifest["images"]) == ("colour@v1", "0-24", 25)
    assert [file["seeds"] for file in manifest["files"]] == ["0-9", "10-19", "20-24"]
    for file in manifest["files"]:
        content = (shards / file["file"]).read_bytes()
        assert (file["sha256"], file["size_bytes"]) == (sha256(content), len(content))
    assert len(contents(shards)) == 2 + 2 * 3  # nothing else is left there


def test_what_is_there_is_passed_over_and_what_is_damaged_is_made_again(
    shards: Path, tiny_store: Path, call_ganymede
) -> None:
    before = contents(shards)
    damaged, cut = shards / "shard-000001.tar", shards / "shard-000002.tar"
    damaged.write_bytes(before[damaged.name][:-1] + b"x")
    cut.unlink()
    untouched = (shards / "shard-000000.tar").stat().st_mtime_ns
    done = call_ganymede(*WORDS, "--shards", shards, "--models", tiny_store)
    assert "2 shards of colour@v1 made, 1 were there" in done.stdout, done.stderr
    assert (shards / "shard-000000.tar").stat().st_mtime_ns == untouched
    assert contents(shards) == before


def test_another_order_is_kept_out_of_the_same_place(shards: Path, tiny_store: Path, call_ganymede) -> None:
    before = contents(shards)
    done = call_ganymede(*WORDS, "--truncation", "0.5", "--shards", shards, "--models", tiny_store)
    assert done.returncode == 1
    assert "truncation is '1.0' there and '0.5' here" in done.stderr
    assert contents(shards) == before


def test_npz_shards_hold_pixels_seeds_and_labels(tiny_store: Path, call_ganymede, tmp_path, client) -> None:
    words = ("generate", "colour", "--seeds", "7,3,100-102", "--label", "star", "--scale", "2")
    done = call_ganymede(*words, "--shard-format", "npz", "--shards", tmp_path, "--models", tiny_store)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "shard-000000.npz") as archive:  # a file that is let go may be noticed much later
        arrays = dict(archive)
    assert arrays["images"].shape == (5, 16, 16, 3)
    assert (arrays["seeds"].tolist(), arrays["labels"].tolist()) == ([7, 3, 100, 101, 102], [2] * 5)
    png = client.get("/images/colour/3.png?label=star&scale=2").content
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), arrays["images"][1])


@S3
def test_three_processes_share_a_bucket_and_make_what_one_makes_in_a_folder(
    shards: Path, tiny_store: Path, s3_uri: str, s3_server: S3Server, call_ganymede
) -> None:
    def start(index: int) -> subprocess.Popen[str]:
        batch = {"AWS_BATCH_JOB_ARRAY_INDEX": str(index), "AWS_BATCH_JOB_ARRAY_SIZE": "3"}
        words = [sys.executable, "-m", "ganymede", *WORDS, "--shards", s3_uri, "--models", str(tiny_store)]
        environment = {**os.environ, **s3_server.variables(), **batch}
        return subprocess.Popen(words, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True)

    processes = [start(index) for index in range(3)]
    for process in processes:
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert "1 shards of colour@v1 made, 0 were there" in said
    client, prefix = s3_server.client(), s3_uri.removeprefix(f"s3://{BUCKET}/")
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/")["Contents"]
    there = {
        entry["Key"].removeprefix(f"{prefix}/"): client.get_object(Bucket=BUCKET, Key=entry["Key"])[
            "Body"
        ].read()
        for entry in found
    }
    assert there == contents(shards)
    client.put_object(Bucket=BUCKET, Key=f"{prefix}/shard-000001.tar", Body=b"cut off")
    done = call_ganymede(*WORDS, "--shards", s3_uri, "--models", tiny_store, **s3_server.variables())
    assert "1 shards of colour@v1 made, 2 were there" in done.stdout, done.stderr


def test_a_process_that_is_killed_leaves_whole_shards_alone(
    tiny_store: Path, call_ganymede, tmp_path
) -> None:
    words = ("generate", "grey@v1", "--seeds", "0-39999", "--shard-images", "500")
    options = ("--shards", str(tmp_path), "--models", str(tiny_store))
    process = subprocess.Popen([sys.executable, "-m", "ganymede", *words, *options], cwd=REPOSITORY)
    deadline = time.monotonic() + PATIENCE_S
    while len(list(tmp_path.glob("shard-*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    made = sorted(tmp_path.glob("shard-*.tar"))
    assert 2 <= len(made) < 80
    for path in made:
        with tarfile.open(path) as tar:
            assert len(tar.getnames()) == 1000


def test_processes_share_shards_without_overlap_and_leave_none_out() -> None:
    order = Order(Seeds("5,9-1000008"), "tar", 3_000, None, 1.0, 1)
    parts = [list(order.shards(index, 7)) for index in range(7)]
    together = sorted((shard.start, shard.stop) for part in parts for shard in part)
    assert together == [(start, min(start + 3_000, 1_000_001)) for start in range(0, 1_000_001, 3_000)]
    assert list(order.seeds.between(0, 3)) == [5, 9, 10]
    assert order.seeds.name(0, 3_000) == "5,9-3007"
    assert list(order.seeds.between(1_000_000, 2_000_000)) == [1000008]


def test_in_the_container_a_processing_jobs_host_knows_its_part(tmp_path: Path) -> None:
    words = ["generate", "colour", "--shards=s3://bucket/set"]
    assert processing_share(words, tmp_path) == []
    (tmp_path / "config").mkdir()
    hosts = {"current_host": "algo-2", "hosts": ["algo-3", "algo-1", "algo-2"]}
    (tmp_path / "config" / "resourceconfig.json").write_text(json.dumps(hosts))
    assert processing_share(words, tmp_path) == ["--shard-index", "1", "--shard-count", "3"]
    assert processing_share([*words, "--shard-index=0"], tmp_path) == []
    assert processing_share(["generate", "colour"], tmp_path) == []
    assert processing_share(["serve"], tmp_path) == []


@pytest.mark.parametrize("wrong", ["", "5-3", "1-9,9", "4294967296", "0-99999999999", "a", "-1"])
def test_seeds_that_cannot_be_meant_are_refused(wrong: str) -> None:
    with pytest.raises(WrongOrder):
        Seeds(wrong)


def test_a_program_makes_the_shards_of_the_command_and_passes_over_those_that_are_there(
    shards: Path, tiny_store: Path, tmp_path: Path
) -> None:
    with ganymede.open(tiny_store) as store:
        part = store.generate_shards("colour", "0-24", tmp_path, shard_images=10, process=1, processes=2)
        assert (part.made, part.found, part.is_complete) == (1, 0, False)
        rest = store.generate_shards("colour", "0-24", str(tmp_path), shard_images=10)
        assert (rest.made, rest.found, rest.is_complete) == (2, 1, True)
        with pytest.raises(WrongOrder):
            store.generate_shards("colour", "5-1", tmp_path)
        again = store.generate_shards("colour", range(25), tmp_path, shard_images=10)
        assert (again.made, again.found) == (0, 3)
    assert contents(tmp_path) == contents(shards)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (range(1_000_000), "0-999999"),
        (range(3, 4), "3"),
        (range(0, 6, 2), "0,2,4"),
        ([7, 8, 9, 1], "7-9,1"),
        (iter((4, 5)), "4-5"),
        (np.arange(3), "0-2"),
    ],
)
def test_a_program_gives_seeds_as_ranges_or_one_by_one(given: Any, text: str) -> None:
    assert str(Seeds(given)) == text


@pytest.mark.parametrize(
    "wrong",
    [
        5,
        None,
        [],
        range(0),
        [1, 1],
        [-1],
        [2**32],
        range(2**33),
        [1.0],
        ["1"],
        [True],
        [np.arange(2)],
        b"12",
        count(),
    ],
)
def test_what_is_no_seeds_in_a_program_is_refused_in_words(monkeypatch, wrong: Any) -> None:
    monkeypatch.setattr(seeds, "MAX_LISTED", 100)
    with pytest.raises(WrongOrder) as refusal:
        Seeds(wrong)
    assert "--" not in str(refusal.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"shard_images": "2"},
        {"shard_images": 2.0},
        {"shard_images": 0},
        {"format": "zip"},
        {"process": 0.5, "processes": 2},
        {"process": 1},
        {"processes": None},
        {"truncation": "much"},
        {"scale": "2"},
    ],
)
def test_what_cannot_be_meant_is_told_to_a_program_in_words(
    tiny_store: Path, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with ganymede.open(tiny_store) as store:
        with pytest.raises(GanymedeError) as refusal:
            store.generate_shards("colour", range(4), tmp_path, **wrong)
        assert "--" not in str(refusal.value)
        with pytest.raises(TypeError, match="shard_image"):
            store.generate_shards("colour", range(4), tmp_path, shard_image=2)
    assert not list(tmp_path.iterdir())
