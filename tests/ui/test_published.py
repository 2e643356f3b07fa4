"""What the page shows of files that somebody published: as much as it can bear, and a word for the rest."""

import hashlib
import json
import struct
import zlib
from itertools import pairwise

import pytest

from foundation.store import FolderStore, describe_file
from service.ui.curves import MAX_METRICS_BYTES, MAX_POINTS, list_points, read_curves, thin
from service.ui.samples import MAX_SAMPLES_PIXELS, check_picture, put_samples
from tests.conftest import run_server
from tests.tiny_models import TinyModel, publish_tiny_model
from tests.ui.stranger import Stranger


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def write_png(width: int, height: int, *more: bytes) -> bytes:
    """A black picture of one bit a pixel; `more` are chunks after its header."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    rows = zlib.compress(bytes((1 + -(-width // 8)) * height), 9)
    ends = (chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"".join([b"\x89PNG\r\n\x1a\n", head, *more, *ends])


def publish(root, name: str, **files: bytes):
    """A tiny model of that name with `samples` or `metrics` beside it."""
    manifest = publish_tiny_model(root, TinyModel(name=name))
    folder = root / name / "versions" / "v1"
    entries = []
    for kind, content in files.items():
        path = folder / {"samples": "samples.png", "metrics": "metrics.json"}[kind]
        path.write_bytes(content)
        entries.append(describe_file(path))
    changed = manifest.model_copy(update={"files": (*manifest.files, *entries)})
    (folder / "manifest.json").write_text(changed.model_dump_json())
    return FolderStore(root).manifest(name, "v1")


def epochs(count: int) -> bytes:
    row = {"seconds": 1.0, "generator_loss": 1.5, "discriminator_loss": 0.5, "figures": {"fd_cnn": 3.0}}
    return json.dumps({"epochs": [{"epoch": index, **row} for index in range(count)]}).encode()


LARGE = write_png(13_000, 13_000)
WIDE_SECOND_HEAD = chunk(b"IHDR", struct.pack(">IIBBBBB", 8000, 8000, 1, 0, 0, 0, 0))
REFUSED = {
    "large": (LARGE, "13,000 × 13,000 pixels"),
    "one-pixel-more": (write_png(MAX_SAMPLES_PIXELS + 1, 1), "pixels"),
    "larger-than-it-says": (write_png(8, 8, WIDE_SECOND_HEAD), "pixels"),
    "text": (b"no picture", "no PNG"),
    "nothing": (b"", "no PNG"),
    "head-alone": (write_png(8, 8)[:20], "no PNG"),
    "cut-off": (write_png(800, 800)[:45], "broken PNG"),
    "sizeless": (write_png(0, 8), "broken PNG"),
}


@pytest.mark.parametrize(("content", "sentence"), REFUSED.values(), ids=REFUSED)
def test_samples_that_cannot_be_shown_are_not_and_a_sentence_says_why(tmp_path, content, sentence):
    manifest = publish(tmp_path / "store", "grey", samples=content)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    path, unseen = put_samples(FolderStore(tmp_path / "store"), manifest, pictures)
    assert path is None
    assert sentence in unseen
    assert list(pictures.iterdir()) == []


def test_samples_are_shown_by_their_own_bytes(tmp_path):
    check_picture(write_png(2000, MAX_SAMPLES_PIXELS // 2000))
    content = write_png(16, 16, chunk(b"tEXt", b"Title\x00kept"))
    manifest = publish(tmp_path / "store", "grey", samples=content)
    for _ in range(2):
        path, unseen = put_samples(FolderStore(tmp_path / "store"), manifest, tmp_path)
        assert (path.read_bytes(), path.suffix, unseen) == (content, ".png", "")
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [path.name]


def test_a_long_training_is_drawn_by_some_of_its_points_from_the_first_to_the_last(tmp_path):
    manifest = publish(tmp_path, "grey", metrics=epochs(9000))
    losses, distances, undrawn = read_curves(FolderStore(tmp_path), manifest)
    assert undrawn == ""
    assert len(losses) == len(distances) == MAX_POINTS
    for points, count in ((losses, 2), (distances, 1)):
        for name in {point["of"] for point in points}:
            curve = [point["epoch"] for point in points if point["of"] == name]
            assert len(curve) == MAX_POINTS // count
            assert (curve[0], curve[-1]) == (0, 8999)
            steps = {later - earlier for earlier, later in pairwise(curve)}
            assert max(steps) - min(steps) <= 1


def test_metrics_too_large_to_read_are_not_read(tmp_path):
    manifest = publish(tmp_path, "grey", metrics=b"[" * (MAX_METRICS_BYTES + 1))
    assert read_curves(FolderStore(tmp_path), manifest)[:2] == ([], [])
    assert f"{MAX_METRICS_BYTES + 1:,} bytes" in read_curves(FolderStore(tmp_path), manifest)[2]


def test_many_curves_long_names_and_what_is_no_number_are_left_out():
    rows = [{"epoch": epoch, **{f"{name}_loss": 1.0 for name in range(3000)}} for epoch in range(3)]
    losses, _ = list_points(rows)
    assert 0 < len(thin(losses)) <= MAX_POINTS
    strange = [
        {"epoch": 1, "a_loss": "x" * 9, "b_loss": [1], "c_loss": True, "d_loss": None},
        {"epoch": {"a": 1}, "a_loss": 1},
    ]
    assert list_points([*strange, {"epoch": 1, "x" * 100 + "_loss": 1.0}]) == ([], [])


def test_the_models_tab_of_hostile_releases_says_what_it_does_not_show(tmp_path):
    root = tmp_path / "store"
    good = write_png(16, 16)
    publish(root, "good", samples=good, metrics=epochs(40))
    publish(root, "large", samples=LARGE, metrics=epochs(30_000))
    publish(root, "odd", samples=b"no picture", metrics=b'{"epochs": [3]}')
    with run_server(root, tmp_path, "--default-model", "good") as server, Stranger(server.url) as stranger:
        number = stranger.find_event("releases")
        told = {}
        for name in ("good", "large", "odd"):
            end = stranger.run(number, [name])
            assert end["success"], end
            told[name] = end["output"]["data"]
        shown = stranger.client.get("/gradio_api/file=" + told["good"][2]["value"]["path"])
        assert hashlib.sha256(shown.content).digest() == hashlib.sha256(good).digest()
        assert "13,000 × 13,000 pixels" in told["large"][1]
        assert "bytes" in told["large"][1]
        assert "no PNG" in told["odd"][1]
        assert "Traceback" not in server.log.read_text()
