"""Archives and IDX files that are not what they say: refused in words, before room is made for them."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest

from training.data import load_pictures
from training.data.idx import read_idx
from training.errors import DataError


@pytest.fixture(autouse=True)
def prepared(tmp_path, monkeypatch):
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))


def header(shape, descr="|u1"):
    """A NumPy file of this shape, and of eight pictures' pixels."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(8 * 64)


def store(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            if isinstance(content, np.ndarray):
                stream = io.BytesIO()
                np.save(stream, content)
                content = stream.getvalue()
            archive.writestr(f"{name}.npy", content)


PICTURES = np.zeros((8, 8, 8), np.uint8)
TWO = np.arange(8) % 2


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"images": header((10**12, 8, 8))}, "is damaged: images.npy has"),
        ({"images": header((-8, 8, 8))}, "is damaged|says it holds -8"),
        ({"images": header((7, 8, 8)) + bytes(2**17)}, "is damaged"),
        ({"images": header((7, 8, 8))}, "is longer than it says"),
        ({"images": header("(8, 8, 8")}, "can be read"),
        ({"images": header((8, 8, 8))[:40]}, "can be read"),
        ({"images": b""}, "can be read"),
        ({"images": PICTURES, "labels": np.eye(8)}, r"labels are float64 \(8, 8\)"),
        ({"images": PICTURES, "labels": np.array(list("abcdefgh"))}, "a whole number for each"),
        ({"images": PICTURES, "labels": np.arange(8) / 2}, "a whole number for each"),
        ({"images": PICTURES, "labels": np.arange(8) * 10**12}, "go from 0 to 7000000000000"),
        ({"images": PICTURES, "labels": TWO, "class_names": np.array(["a", "a"])}, "two classes 'a'"),
        ({"images": PICTURES, "labels": TWO, "class_names": np.array([["a"], ["b"]])}, "list of names"),
        ({"images": PICTURES.astype("f2")}, "is float16; pictures are uint8"),
        ({"images": PICTURES.astype(bool)}, "is bool; pictures are uint8"),
    ],
)  # fmt: skip
def test_an_archive_that_is_not_what_it_says_is_refused(tmp_path, members, words):
    store(tmp_path / "a.npz", **members)
    with pytest.raises(DataError, match=words):
        load_pictures(f"npz:{tmp_path / 'a.npz'}")


def test_labels_in_a_column_and_names_in_bytes_are_taken(tmp_path):
    store(
        tmp_path / "a.npz", images=PICTURES, labels=TWO[:, None], class_names=np.array([b"a", b"b"])
    )  # fmt: skip
    assert load_pictures(f"npz:{tmp_path / 'a.npz'}").shape.class_names == ("a", "b")


def test_a_member_that_is_not_numpys_and_a_folder_are_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images", b"x")
    for path in (tmp_path / "a.npz", tmp_path):
        with pytest.raises(DataError, match="is not a NumPy archive that can be read"):
            load_pictures(f"npz:{path}")


def idx(*dimensions, body=b"", kind=8):
    return bytes((0, 0, kind, len(dimensions))) + struct.pack(f">{len(dimensions)}I", *dimensions) + body


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (idx(2**32 - 1, 28, 28), None, "says it holds 4294967295 pictures"),
        (idx(8, 2**32 - 1, 8), None, "either side may have"),
        (idx(8, 8, 8, body=bytes(8 * 64 + 1)), None, "longer than it says"),
        (idx(8, 8, 8, body=bytes(8 * 64 - 1)), None, "cut off"),
        (idx(8, 8, 8, body=bytes(8 * 64)), idx(2**32 - 1), "announces 4294967295 bytes; at most"),
        (idx(8, 8, 8, body=bytes(8 * 64)), idx(8, body=bytes(7)), "cut off"),
        (idx(8, 8, 8, body=bytes(8 * 64), kind=0x0D), None, "is not an IDX file"),
        (b"", None, "starts with nothing"),
    ],
)
def test_an_idx_file_that_is_not_what_it_says_is_refused(tmp_path, images, labels, words):
    (tmp_path / "images").write_bytes(images)
    if labels is not None:
        (tmp_path / "labels").write_bytes(labels)
    with pytest.raises(DataError, match=words):
        load_pictures(f"idx:{tmp_path / 'images'}")


def test_a_gzipped_file_that_is_damaged_inside_is_named(tmp_path):
    content = bytearray(gzip.compress(idx(8, body=bytes(range(8))) + bytes(10_000)))
    content[20:30] = b"\xff" * 10
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.gz"):
        read_idx(tmp_path / "a.gz", 1)
    (tmp_path / "images.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"images\.gz"):
        load_pictures(f"idx:{tmp_path / 'images.gz'}")
