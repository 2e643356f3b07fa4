"""A `directions.npz` that is damaged or hostile: one sentence, and the model's pictures go on."""

import asyncio
import io
import struct
import zipfile
from typing import Any

import httpx
import numpy as np
import pytest

from foundation.errors import ReleaseRefused
from foundation.manifest import Manifest
from foundation.store import FolderStore, describe_file
from service.releases.release_directions import ReleaseDirections
from service.requests.directions import DIRECTIONS_FILE, Directions, parse_directions, read_directions
from tests.conftest import run_server
from tests.tiny_models import TinyModel, publish_tiny_model

SIZE = 6
VECTORS = np.eye(2, SIZE, dtype=np.float32)
STRENGTHS = np.ones(2, np.float32)
NAMES = np.array(["a", "b"])


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> Manifest:
    return publish_tiny_model(tmp_path_factory.mktemp("models"), TinyModel())


def pack(**arrays: Any) -> bytes:
    """A good file but for what is given; None leaves an array out."""
    whole: dict[str, Any] = {"vectors": VECTORS, "strengths": STRENGTHS, "names": NAMES, **arrays}
    file = io.BytesIO()
    np.savez_compressed(file, **{name: array for name, array in whole.items() if array is not None})
    return file.getvalue()


def head_of(shape: tuple[int, ...], kind: str = "<f4") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
    return file.getvalue()


def zip_of(members: list[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # of a name twice
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def with_vectors(content: bytes) -> bytes:
    rest = {"strengths": STRENGTHS, "names": NAMES}
    members = []
    for name, array in rest.items():
        file = io.BytesIO()
        np.save(file, array)
        members.append((f"{name}.npy", file.getvalue()))
    return zip_of([("vectors.npy", content), *members])


def lying_sizes(content: bytes) -> bytes:
    """The archive's directory says that the first member is of ten bytes."""
    place = content.rindex(b"PK\x01\x02", 0, content.rindex(b"PK\x01\x02", 0, content.rindex(b"PK\x01\x02")))
    return content[: place + 24] + struct.pack("<I", 10) + content[place + 28 :]


BOMB = head_of((2**25, SIZE)) + bytes(2**26)
CASES = {
    "empty": (b"", "not an archive"),
    "no archive": (b"\x93NUMPY" + bytes(100), "not an archive"),
    "cut off": (pack()[:-40], "not an archive"),
    "an array alone": (head_of((2, SIZE)) + VECTORS.tobytes(), "not an archive"),
    "altered": (pack()[:60] + b"\0\0\0\0" + pack()[64:], "archive|NumPy's format|cannot be read"),
    "no names": (pack(names=None), "not vectors.npy, strengths.npy, names.npy"),
    "one more": (pack(more=STRENGTHS), "it holds .*more.npy"),
    "twice": (zip_of([("vectors.npy", b"")] * 3), "it holds vectors.npy, vectors.npy"),
    "many": (zip_of([(f"{index}.npy", b"") for index in range(1000)]), "more than 64 members"),
    "objects": (pack(names=np.array(["a", {}], object)), "its numbers are object"),
    "whole numbers": (pack(vectors=VECTORS.astype(np.int64)), "its numbers are int64"),
    "records": (pack(vectors=np.zeros(2, [("x", "f4")])), "its numbers are"),
    "other model's": (pack(vectors=np.eye(2, SIZE + 1, dtype=np.float32)), r"vectors are \(2, 7\)"),
    "flat": (pack(vectors=VECTORS.ravel()), "vectors are"),
    "none": (pack(vectors=VECTORS[:0], strengths=STRENGTHS[:0], names=NAMES[:0]), "takes 1 to 256"),
    "too many": (
        pack(vectors=np.zeros((300, SIZE)), strengths=np.zeros(300), names=np.arange(300).astype(str)),
        "takes 1 to 256",
    ),
    "fewer names": (pack(names=NAMES[:1]), r"\(1,\) names"),
    "one strength": (pack(strengths=np.float32(1)), r"\(\) strengths"),
    "not a number": (pack(vectors=VECTORS * np.float32("nan")), "finite"),
    "infinite": (pack(vectors=VECTORS + np.float32("inf")), "finite"),
    "huge numbers": (pack(vectors=VECTORS.astype(np.float64) * 1e300), "finite"),
    "same names": (pack(names=np.array(["a", "a"])), "names must differ"),
    "long names": (pack(names=np.array(["a", "b" * 300])), "at most 256 letters"),
    "a bomb": (with_vectors(BOMB), "vectors.npy has more than 67,108,864 bytes"),
    "a lying directory": (lying_sizes(with_vectors(BOMB)), "claims the shape|archive|NumPy"),
    "a lying head": (with_vectors(head_of((2**40, SIZE)) + bytes(48)), "claims the shape"),
    "a lying sign": (with_vectors(head_of((-2, -SIZE)) + bytes(48)), "claims the shape|format"),
    "a head of code": (with_vectors(b"\x93NUMPY\1\0\x20\0" + b"__import__('os').a()".ljust(32)), "format"),
    "a long head": (with_vectors(b"\x93NUMPY\2\0" + struct.pack("<I", 10**6) + b"(" * 10**6), "format"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_a_file_that_is_no_such_directions_is_refused_by_name(manifest: Manifest, kind: str) -> None:
    content, sentence = CASES[kind]
    with pytest.raises(ReleaseRefused, match=f"grey@v1: directions.npz cannot be used: .*({sentence})"):
        parse_directions(content, manifest)


def test_a_good_file_is_read(manifest: Manifest) -> None:
    found = parse_directions(pack(), manifest)
    assert found.names == ("a", "b")
    again = parse_directions(Directions(VECTORS, STRENGTHS, ("a", "b")).to_bytes(), manifest)
    assert np.array_equal(again.vectors, VECTORS)


def publish_with(root, content: bytes, version: str, *, size_bytes: int | None = None) -> Manifest:
    """Publish `grey` with a `directions.npz` of any content."""
    publish_tiny_model(root, TinyModel(version=version))
    folder = root / "grey" / "versions" / version
    (folder / DIRECTIONS_FILE).write_bytes(content)
    entry = describe_file(folder / DIRECTIONS_FILE)
    if size_bytes is not None:
        entry = entry.model_copy(update={"size_bytes": size_bytes})
    manifest = FolderStore(root).manifest("grey", version)
    manifest = manifest.model_copy(update={"files": (*manifest.files, entry)})
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return manifest


def test_a_file_that_is_too_large_is_not_even_read(tmp_path) -> None:
    manifest = publish_with(tmp_path, pack(), "v1", size_bytes=2**30)
    with pytest.raises(ReleaseRefused, match=r"directions\.npz has 1,073,741,824 bytes"):
        read_directions(FolderStore(tmp_path), manifest)


def test_the_file_is_read_once_for_a_release(tmp_path, monkeypatch) -> None:
    store = FolderStore(tmp_path)
    manifest = publish_with(tmp_path, pack(), "v1")
    reads = []
    read = FolderStore.read
    monkeypatch.setattr(
        FolderStore, "read", lambda store, of, path: reads.append(path) or read(store, of, path)
    )
    directions = ReleaseDirections(store, manifest)
    assert directions.known() is None

    async def ask(directions: ReleaseDirections) -> list[object]:
        at_once = await asyncio.gather(*(directions.get() for _ in range(8)), return_exceptions=True)
        return [*at_once, *await asyncio.gather(directions.get(), return_exceptions=True)]

    assert set(map(id, asyncio.run(ask(directions)))) == {id(directions.known())}
    assert reads == [DIRECTIONS_FILE]
    broken = ReleaseDirections(store, publish_with(tmp_path, b"", "v2"))
    assert set(map(type, asyncio.run(ask(broken)))) == {ReleaseRefused}
    assert reads == [DIRECTIONS_FILE] * 2


def test_a_broken_file_is_a_problem_that_names_it_and_the_pictures_go_on(tmp_path) -> None:
    publish_with(tmp_path, CASES["a bomb"][0], "v1")
    with run_server(tmp_path, tmp_path) as server, server.client() as client:
        plain = client.post("/generate", json={"seed": 1, "format": "npy"})
        for _ in range(3):
            answer = client.post("/generate", json={"seed": 1, "directions": {"0": 1}})
            assert answer.status_code == 503
            assert answer.json()["code"] == "release-refused"
            assert "directions.npz" in answer.json()["detail"]
            again = client.post("/generate", json={"seed": 1, "format": "npy"})
            assert (again.status_code, again.content) == (200, plain.content)
        assert httpx.get(f"{server.url}/readyz").status_code == 200
