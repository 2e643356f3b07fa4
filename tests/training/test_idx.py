import gzip

import numpy as np
import pytest

from tests.idx_files import write_idx
from training.data.idx import find_idx, read_idx
from training.errors import DataError

VALUES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_what_was_written_is_read_back_gzipped_or_not(tmp_path, name):
    write_idx(tmp_path / name, VALUES)
    assert find_idx(tmp_path, "images") == tmp_path / name
    np.testing.assert_array_equal(read_idx(tmp_path / name, dimensions=3), VALUES)


def test_the_bytes_are_those_of_the_format(tmp_path):
    write_idx(tmp_path / "labels", np.array([7, 8], np.uint8))
    assert (tmp_path / "labels").read_bytes() == bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 8])


def test_labels_in_the_place_of_images_are_refused(tmp_path):
    write_idx(tmp_path / "labels", np.array([7, 8], np.uint8))
    with pytest.raises(DataError, match=r"not an IDX file of 3 dimension.*00 00 08 01, expected 00 00 08 03"):
        read_idx(tmp_path / "labels", dimensions=3)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "images").write_bytes(b"")
    with pytest.raises(DataError, match="starts with nothing"):
        read_idx(tmp_path / "images", dimensions=3)


@pytest.mark.parametrize(("length", "words"), [(10, "cut off inside its header"), (20, "is cut off")])
def test_a_cut_off_file_is_refused(tmp_path, length, words):
    path = tmp_path / "images"
    write_idx(path, VALUES)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=words):
        read_idx(path, dimensions=3)


def test_a_cut_off_archive_is_refused(tmp_path):
    path = tmp_path / "images.gz"
    write_idx(path, VALUES)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(DataError, match=r"cannot be read .* Fetch the file again"):
        read_idx(path, dimensions=3)


def test_a_file_longer_than_its_header_says_is_refused(tmp_path):
    path = tmp_path / "images"
    write_idx(path, VALUES)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DataError, match="longer than it says"):
        read_idx(path, dimensions=3)


def test_a_header_that_announces_too_much_is_refused_before_reading(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 3]) + b"\xff" * 12))
    with pytest.raises(DataError, match=r"announces \d+ bytes"):
        read_idx(path, dimensions=3)
