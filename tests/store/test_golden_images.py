"""The recorded pictures of a golden check are a file of the store like any other: hostile until checked."""

import io
from pathlib import Path

import numpy as np
import pytest

from foundation.errors import ReleaseRefused
from foundation.store import FolderStore, describe_file
from service.engine.devices import cpu_device
from service.releases.opening import open_release
from tests.tiny_models import TinyModel, publish_tiny_model


def record(root: Path, content: bytes) -> FolderStore:
    """A release whose recorded pictures are asked for, since its sum of them is another machine's."""
    publish_tiny_model(root, TinyModel())
    folder = root / "grey" / "versions" / "v1"
    (folder / "golden.npy").write_bytes(content)
    manifest = FolderStore(root).manifest("grey", "v1")
    golden = manifest.golden.model_copy(update={"sha256": "0" * 64, "images": "golden.npy"})
    files = (*manifest.files, describe_file(folder / "golden.npy"))
    changed = manifest.model_copy(update={"golden": golden, "files": files})
    (folder / "manifest.json").write_text(changed.model_dump_json())
    return FolderStore(root)


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def lying() -> bytes:
    file = io.BytesIO()
    head = {"descr": "|u1", "fortran_order": False, "shape": (2**40, 8, 8, 1)}
    np.lib.format.write_array_header_1_0(file, head)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "golden.npy cannot be used: it is not in NumPy's format"),
        (b"PK\x03\x04" + bytes(100), "golden.npy cannot be used: it is not in NumPy's format"),
        (saved(np.array([{}], object)), "golden.npy cannot be used: its numbers are object"),
        (saved(np.zeros((2, 8, 8, 1), np.float32)), "golden.npy cannot be used: its numbers are float32"),
        (lying(), "golden.npy cannot be used: it claims the shape"),
        (saved(np.zeros(10**6, np.uint8)), "golden.npy has 1,000,128 bytes"),
        (saved(np.zeros((1, 8, 8, 1), np.uint8)), "golden check failed"),
    ],
    ids=["empty", "archive", "objects", "floats", "lying", "large", "others"],
)
def test_recorded_pictures_that_are_none_are_refused_by_name(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    with pytest.raises(ReleaseRefused, match=f"grey@v1: .*{sentence}"):
        open_release(record(tmp_path, content), "grey", "v1", cpu_device(1))
