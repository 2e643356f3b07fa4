import gzip
import io
import shutil

import numpy as np
import pytest
from rich.console import Console

from tests.idx_files import write_idx
from tests.training.conftest import DATA_FOLDER
from training.data import load_pictures
from training.errors import DataError
from training.shape import PictureSettings

TRAIN = DATA_FOLDER / "train-images-idx3-ubyte.gz"


@pytest.fixture(autouse=True)
def prepared(tmp_path, monkeypatch):
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))


def load(data, split="train", **settings):
    return load_pictures(data, None, split, PictureSettings(**settings))


def tones(count=40, size=16, channels=3):
    """Pictures each of one tone, its number, so that an order can be read from them."""
    return np.broadcast_to(
        np.arange(count, dtype=np.uint8)[:, None, None, None], (count, size, size, channels)
    )


def test_an_archive_keeps_each_picture_with_its_label_and_holds_a_part_out(tmp_path):
    names = np.array([f"class {index}" for index in range(40)])
    np.savez_compressed(tmp_path / "a.npz", images=tones(), labels=np.arange(40), class_names=names)
    train, test = load(f"npz:{tmp_path / 'a.npz'}"), load(f"npz:{tmp_path / 'a.npz'}", "test")
    assert (train.images.shape, test.images.shape) == ((36, 16, 16, 3), (4, 16, 16, 3))
    assert train.shape.class_names == tuple(names)
    for pictures in (train, test):
        np.testing.assert_array_equal(pictures.images[:, 0, 0, 0], pictures.labels)
    assert sorted([*train.labels, *test.labels]) == list(range(40))
    assert train.labels.tolist() != sorted(train.labels)  # a set that lies sorted is shuffled


def test_an_archive_under_kerass_names_has_its_own_test_split(tmp_path):
    splits = {
        "x_train": tones(30),
        "y_train": np.arange(30) % 3,
        "x_test": tones(5),
        "y_test": np.arange(5) % 3,
    }
    np.savez(
        tmp_path / "a.npz",
        **{name: value[..., 0] if "x_" in name else value for name, value in splits.items()},
    )
    data = f"npz:{tmp_path / 'a.npz'}"
    assert load(data).images.shape == (30, 16, 16, 1)
    assert sorted(load(data, "test").images[:, 0, 0, 0]) == list(range(5))
    assert load(data).shape.class_names == ("0", "1", "2")
    assert load(data, size=32, channels=3).images.shape == (30, 32, 32, 3)


def test_an_archive_without_labels_has_no_classes(tmp_path):
    np.savez(tmp_path / "a.npz", tones())
    assert load(f"npz:{tmp_path / 'a.npz'}").shape.class_names == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"pictures": tones()}, "holds pictures; the pictures are looked for as images, x_train"),
        ({"images": tones() / 255}, "images in .* is float64; pictures are uint8"),
        ({"images": np.asfortranarray(tones())}, "order of Fortran"),
        ({"images": tones()[:0]}, "holds no pictures"),
        ({"images": tones(channels=2)}, r"has the shape \(40, 16, 16, 2\)"),
        ({"images": tones(size=4)}, "4x4 pixels; either side may have 8 to 1024"),
        ({"images": tones(), "labels": np.arange(39)}, r"40 pictures, and its labels are int64 \(39,\)"),
        ({"images": tones(), "labels": np.eye(40)}, "40, of which one is set: numpy.argmax"),
        ({"images": tones(), "labels": np.tri(40, 14)}, "several may be true at once .* one = labels.sum"),
        ({"images": tones(channels=9)}, r"slices are pictures: save images.reshape.-1, 16, 9., without"),
        ({"images": tones(), "labels": np.arange(40.0)}, "labels.astype"),
        ({"images": tones(), "labels": np.array(["cat", "dog"] * 20)}, "numpy.unique"),
        ({"images": tones(), "labels": np.arange(40) - 1}, "go from -1 to 38"),
        ({"images": tones(), "labels": np.arange(40), "class_names": np.array(["a", "b"])}, "from 0 to 1"),
        ({"images": tones(), "labels": np.array([None] * 40)}, "cannot be read|can be read"),
    ],
)
def test_an_archive_that_does_not_fit_says_why(tmp_path, content, words):
    np.savez(tmp_path / "a.npz", **content)
    with pytest.raises(DataError, match=words) as refusal:
        load(f"npz:{tmp_path / 'a.npz'}")
    assert str(tmp_path / "a.npz") in str(refusal.value)


def test_a_damaged_archive_is_named(tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(DataError, match=r"a\.npz is missing"):
        load(f"npz:{path}")
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"a\.npz is not a NumPy archive"):
        load(f"npz:{path}")
    np.savez(path, images=tones())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz:images cannot be read: Bad CRC-32"):
        load(f"npz:{path}")


def test_a_folder_of_idx_files_has_both_its_splits():
    data, known = f"idx:{DATA_FOLDER}", load_pictures("fashion-mnist", DATA_FOLDER)
    pictures = load(data)
    assert (pictures.images.shape, load(data, "test").images.shape) == ((600, 28, 28, 1), (100, 28, 28, 1))

    def pairs(of):
        return sorted(
            (int(label), image.tobytes()) for image, label in zip(of.images, of.labels, strict=True)
        )

    assert pairs(pictures) == pairs(known)


def test_one_idx_file_is_a_set_with_a_part_held_out_grey_or_in_colour(tmp_path):
    shutil.copy(TRAIN, tmp_path)
    assert load(f"idx:{tmp_path / TRAIN.name}").images.shape == (540, 28, 28, 1)
    assert load(f"idx:{tmp_path}").shape.class_names == ()
    write_idx(tmp_path / "colour-images", tones())
    write_idx(tmp_path / "colour-labels", np.arange(40, dtype=np.uint8) % 2)
    pictures = load(f"idx:{tmp_path / 'colour-images'}", "test")
    assert (pictures.images.shape, pictures.shape.class_names) == ((4, 16, 16, 3), ("0", "1"))


def test_an_idx_file_that_is_cut_off_or_none_is_named(tmp_path):
    with pytest.raises(DataError, match="there is: none"):
        load(f"idx:{tmp_path}")
    (tmp_path / "images").write_bytes(gzip.decompress(TRAIN.read_bytes())[:-1])
    with pytest.raises(DataError, match="images cannot be read: it is cut off"):
        load(f"idx:{tmp_path / 'images'}")
    (tmp_path / "images").write_bytes(b"something else")
    with pytest.raises(DataError, match="is not an IDX file"):
        load(f"idx:{tmp_path}")


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    """Keras's folder, and a network that refuses every connection."""
    from keras.src.utils import file_utils

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    (tmp_path / "datasets").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("data", "kept_as"), [("mnist", "mnist.npz"), ("cifar10", "cifar-10-batches-py-target_archive")]
)
def test_a_refused_download_says_which_file_belongs_where(keras_home, data, kept_as):
    with pytest.raises(DataError, match="could not be downloaded: URL fetch failure on https://") as refusal:
        load(data)
    assert f"as {kept_as}, into {keras_home / 'datasets'}" in str(refusal.value)


def test_what_keras_keeps_is_used_without_a_network(keras_home, monkeypatch):
    from keras.src.utils import file_utils

    real = load_pictures("fashion-mnist", DATA_FOLDER)  # in the place and form of the digits
    kept = {
        "x_train": real.images[..., 0],
        "y_train": real.labels,
        "x_test": tones(3)[..., 0],
        "y_test": [0, 1, 2],
    }
    np.savez(keras_home / "datasets" / "mnist.npz", **kept)
    monkeypatch.setattr(
        file_utils, "validate_file", lambda *_, **__: True
    )  # which knows the real file's hash
    pictures = load("mnist", size=32)
    assert pictures.images.shape == (600, 32, 32, 1)
    assert pictures.shape.class_names == tuple("0123456789")
    assert len(load("mnist", "test").images) == 3


def test_a_set_with_an_alpha_channel_says_what_becomes_of_it(tmp_path):
    np.savez(tmp_path / "a.npz", images=tones(channels=4))
    for settings, said in (({}, True), ({"channels": 4}, False), ({"channels": 1}, False)):
        output = io.StringIO()
        console = Console(file=output, width=1000)
        load_pictures(f"npz:{tmp_path / 'a.npz'}", None, "train", PictureSettings(**settings), console)
        assert ("--set channels=4 keeps what is transparent" in output.getvalue()) == said


def test_arrays_of_equal_count_and_labels_are_told_apart_by_what_lies_in_them(tmp_path):
    records = []
    for name, images in (("a", tones()), ("b", 255 - tones()), ("c", tones())):
        np.savez(tmp_path / f"{name}.npz", images=images, labels=np.arange(40) % 2)
        records.append(load(f"npz:{tmp_path / name}.npz", size=8).record)
    ours, other, same = records
    assert ours.members == other.members
    assert ours.is_of_other_pixels(other)
    assert not ours.is_of_other_pixels(same)
    assert not ours.is_of_other_pixels(other.model_copy(update={"raw": None}))  # prepared before it was kept


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("float32", r"\(\(images \+ 1\) \* 127\.5\)\.round\(\) if from -1 to 1"),
        ("uint16", "images // 257"),
        ("bool", r"images \* numpy\.uint8\(255\)"),
        ("object", r"numpy\.stack\(images\)"),
        ("int64", "once they are from 0 to 255"),
    ],
)
def test_what_is_advised_for_other_numbers_loses_nothing(tmp_path, kind, way):
    np.savez(tmp_path / "a.npz", images=tones().astype(kind))
    with pytest.raises(DataError, match=way):
        load(f"npz:{tmp_path / 'a.npz'}")


def test_one_array_and_names_of_pythons_objects_are_told_with_what_to_do(tmp_path):
    np.save(tmp_path / "a.npy", tones())
    with pytest.raises(DataError, match=r"is one array of NumPy's and no archive\. .*numpy\.savez"):
        load(f"npz:{tmp_path / 'a.npy'}")
    names = np.array(["ant", "bee"], object)
    np.savez(tmp_path / "b.npz", images=tones(), labels=np.arange(40) % 2, class_names=names)
    with pytest.raises(DataError, match=r"class_names holds Python's objects.*class_names\.tol"):
        load(f"npz:{tmp_path / 'b.npz'}")
    np.savez(tmp_path / "c.npz", images=tones(), labels=np.arange(40) % 2, class_names=np.array(["a", " "]))
    with pytest.raises(DataError, match="names a class by nothing"):
        load(f"npz:{tmp_path / 'c.npz'}")


@pytest.mark.parametrize(
    ("first", "step", "unseen"), [(1, 1, "'0', of 11"), (0, 2, "'1', '3', '5'"), (0, 1, None)]
)
def test_classes_that_no_picture_is_of_are_told(tmp_path, first, step, unseen):
    labels = first + step * (np.arange(40) % 10)
    np.savez(tmp_path / "a.npz", images=tones(), labels=labels)
    output = io.StringIO()
    console = Console(file=output, width=1000)
    load_pictures(f"npz:{tmp_path / 'a.npz'}", None, "train", PictureSettings(), console)
    said = output.getvalue()
    assert (f"No picture is of the classes {unseen}" in said) if unseen else not said


def test_gzipped_files_are_told_by_their_bytes_whatever_they_are_called(tmp_path):
    """Browsers unpack what they fetch and leave the name; people rename."""
    packed = TRAIN.read_bytes()
    labels = (DATA_FOLDER / "train-labels-idx1-ubyte.gz").read_bytes()
    (tmp_path / "train-images-idx3-ubyte").write_bytes(packed)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.decompress(labels))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "train-images-idx3-ubyte.gz").write_bytes(gzip.decompress(packed))
    (tmp_path / "more" / "train-labels-idx1-ubyte").write_bytes(labels)
    first, second = load(f"idx:{tmp_path}"), load(f"idx:{tmp_path / 'more'}")
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.labels, second.labels)
    assert len(set(first.labels.tolist())) == 10
