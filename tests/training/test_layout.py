"""Sets as other people pack them: parts above classes, folders around them, clutter, kinds of no use."""

import io

import numpy as np
import pytest
from PIL import Image, features
from rich.console import Console

from training.data import load_pictures
from training.data.layout import arrange
from training.data.unsupported import find_kind
from training.errors import DataError
from training.shape import PictureSettings


@pytest.fixture(autouse=True)
def prepared(tmp_path, monkeypatch):
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "pictures"


def save(path, level=128, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = (level, 0, 255 - level) if mode == "RGB" else level
    Image.new(mode, (20, 20), colour).save(path)


def load(data, split="train", **settings):
    output = io.StringIO()
    wanted = PictureSettings(**({"size": 16} | settings))
    pictures = load_pictures(data, None, split, wanted, Console(file=output, width=500))
    return pictures, output.getvalue()


def reds(pictures):
    return sorted(pictures.images[:, 0, 0, 0].tolist())


@pytest.mark.parametrize(
    "place",
    ["{part}/{name}", "archive/{part}/{name}", "Archive/pictures/{part}/{name}", "{part}/images/{name}"],
)
@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("Train", "VAL"),
        ("training_set", "test_set"),
        ("train-images", "hold out"),
        ("TrainData", "validation_dataset"),
    ],
)
def test_parts_above_the_classes_are_the_splits(folder, place, train, test):
    names = {train: ["cat/1.png", "cat/2.png", "dog/3.png"], test: ["dog/4.png", "dog/5.png"]}
    for part, files in names.items():
        for name in files:
            save(folder / place.format(part=part, name=name), int(name[4]) * 10)
    (folder / "__MACOSX" / train).mkdir(parents=True)
    (folder / "__MACOSX" / train / "cat.png").write_bytes(b"clutter")
    (folder / "readme.md").write_text("words")
    (folder / "Thumbs.db").write_bytes(b"clutter")
    (folder / ".DS_Store").write_bytes(b"clutter")
    pictures, _ = load(f"folder:{folder}")
    assert pictures.shape.class_names == ("cat", "dog")
    assert reds(pictures) == [10, 20, 30]
    assert sorted(zip(pictures.images[:, 0, 0, 0].tolist(), pictures.labels.tolist(), strict=True)) == [
        (10, 0),
        (20, 0),
        (30, 1),
    ]
    held_out, _ = load(f"folder:{folder}", "test")
    assert (reds(held_out), held_out.labels.tolist()) == ([40, 50], [1, 1])
    assert held_out.shape == pictures.shape


def test_the_validation_part_serves_where_the_test_part_has_no_classes_as_in_a_contest(folder):
    for name in ("train/a/1.png", "train/b/2.png", "val/b/3.png", "test/4.png"):
        save(folder / name, int(name[-5]) * 10)
    pictures, said = load(f"folder:{folder}")
    assert reds(pictures) == [10, 20]
    assert "'test/' has none of the classes of the training part and is left out." in said
    held_out, said = load(f"folder:{folder}", "test")
    assert (reds(held_out), held_out.labels.tolist(), said) == ([30], [1], "")


def test_with_three_parts_the_test_part_is_for_the_figures_and_it_is_said(folder):
    for name in ("train/1.png", "train/2.png", "val/3.png", "test/4.png"):
        save(folder / name, int(name[-5]) * 10)
    pictures, said = load(f"folder:{folder}")
    assert (reds(pictures), pictures.shape.class_names) == ([10, 20], ())
    assert "the validation part is not used" in said
    assert reds(load(f"folder:{folder}", "test")[0]) == [40]


def test_a_class_that_is_called_train_is_a_class(folder):
    for name in ("car/1.png", "train/2.png", "ship/3.png"):
        save(folder / name)
    assert load(f"folder:{folder}")[0].shape.class_names == ("car", "ship", "train")


def test_folders_around_the_classes_are_none(folder):
    for name in ("a/1.png", "b/2.png"):
        save(folder / "archive" / "My Pictures" / name)
    assert load(f"folder:{folder}", held_out=0)[0].shape.class_names == ("a", "b")


def test_folders_of_notes_beside_the_pictures_are_no_classes(folder):
    for name in ("images/1.png", "images/2.png"):
        save(folder / name)
    for name in ("labels", "docs"):
        (folder / name).mkdir()
        (folder / name / "1.txt").write_text("words")
    pictures, _ = load(f"folder:{folder}", held_out=0)
    assert (len(pictures.images), pictures.shape.class_names) == (2, ())


def test_classes_whose_names_look_the_same_are_said_to_be_apart(folder):
    for name in ("Cat", "cat", "caf\u00e9", "cafe\u0301", "01", "1", "10", "1.05", "1.5", "dog"):
        save(folder / name / "1.png")
    pictures, said = load(f"folder:{folder}", held_out=0)
    assert len(pictures.shape.class_names) == 10
    for pair in ("'01' and '1'", "'Cat' and 'cat'", "'cafe\\u0301' and 'caf\\xe9'"):
        assert pair in said
    assert "dog" not in said
    assert "'10'" not in said
    assert "1.5" not in said


def test_a_folder_without_a_picture_is_said_to_be_no_class(folder):
    for name in ("0", "1", "3"):
        save(folder / "set" / name / "1.png")
    (folder / "set" / "2").mkdir()
    (folder / "set" / ".cache").mkdir()
    for number in range(8):  # whichever comes before the folder
        (folder / "set" / f"loop{number}").symlink_to(f"loop{number}")
    (folder / "set" / "4").mkdir()
    (folder / "set" / "4" / "1.png").write_bytes(b"cut off")
    pictures, said = load(f"folder:{folder}", held_out=0)
    assert pictures.shape.class_names == ("0", "1", "3")
    assert "Without a picture, and so no classes: '2'; the classes behind them move up." in said
    assert "Without a picture, and so no classes: '4'; the classes behind them move up." in said
    (folder / "set" / "2").rmdir()
    (folder / "set" / "4" / "1.png").unlink()
    (folder / "set" / "4").rmdir()
    assert "no classes" not in load(f"folder:{folder}", held_out=0)[1]


def test_a_class_of_the_test_part_without_a_picture_moves_none(folder):
    for part in ("train", "test"):
        for name in ("0", "1", "2"):
            save(folder / part / name / "1.png")
    (folder / "test" / "1" / "1.png").write_bytes(b"cut off")
    assert "no classes" not in load(f"folder:{folder}")[1]
    pictures, said = load(f"folder:{folder}", "test")
    assert sorted(pictures.labels.tolist()) == [0, 2]
    assert "Skipped 1 file" in said
    assert "no classes" not in said


def test_names_of_a_hundred_thousand_files_are_understood_at_once():
    names = [f"archive/train/c{number % 100}/{number}.jpg" for number in range(100_000)]
    layout = arrange([*names, *(name.replace("train", "test") for name in names[:100])], "x")
    assert (len(layout.train), len(layout.test)) == (100_000, 100)
    with pytest.raises(DataError, match="2000 subfolders"):
        arrange([f"c{number}/1.png" for number in range(2000)], "x")


def test_a_folder_of_grey_pictures_is_grey_and_one_spot_of_colour_makes_it_colour(folder):
    for number in range(3):
        save(folder / f"{number}.png", number * 100, "L")
    Image.new("RGB", (20, 20), (7, 7, 7)).save(folder / "grey.jpg")
    pictures, _ = load(f"folder:{folder}", held_out=0)
    assert (pictures.images.shape, pictures.shape.channels) == ((4, 16, 16, 1), 1)
    assert reds(pictures) == [0, 7, 100, 200]
    assert load(f"folder:{folder}", held_out=0, channels=3)[0].images.shape == (4, 16, 16, 3)
    save(folder / "colour.png")
    assert load(f"folder:{folder}", held_out=0)[0].shape.channels == 3


def test_a_grey_test_part_has_the_colours_of_the_training_part(folder):
    save(folder / "train" / "1.png")
    save(folder / "test" / "2.png", 40, "L")
    assert load(f"folder:{folder}", "test")[0].images.shape == (1, 16, 16, 3)


HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"


def test_kinds_that_are_not_read_are_named_with_what_to_do(folder):
    save(folder / "good.png")
    contents = {
        "a.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "b.jpg": HEIC,  # as telephones send it
        "c.MP4": b"\x00\x00\x00\x18ftypisom",
        "d.zip": b"PK\x03\x04",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    _, said = load(f"folder:{folder}", held_out=0)
    assert "a.svg (SVG is not read: draw it as PNG first" in said
    assert "b.jpg (HEIC is not read: save it as JPEG first, with heif-convert" in said
    assert "c.MP4 (a video is not read: take pictures out of it first" in said
    assert "d.zip (an archive is not read: unpack it first)" in said
    (folder / "good.png").unlink()
    with pytest.raises(DataError, match=r"holds no picture that can be read.*HEIC is not read"):
        load(f"folder:{folder}")


def test_the_thumbnail_in_a_cameras_raw_file_is_not_taken_for_the_picture(folder):
    save(folder / "good.png")
    Image.new("RGB", (20, 20)).save(folder / "a.tif")
    (folder / "a.tif").rename(folder / "a.NEF")
    pictures, said = load(f"folder:{folder}", held_out=0)
    assert len(pictures.images) == 1
    assert "a.NEF (a camera's raw file is not read: develop it" in said


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.heif", b"", "HEIC"),
        ("a.dng", b"", "a camera's raw file"),
        ("a.parquet", b"", "a table"),
        ("a", b"PAR1", "a table"),
        ("a.png", b"%PDF-1.4", "a PDF"),
        ("a.xml", b"<?xml version='1.0'?>\n<svg>", "SVG"),
        ("a.xml", b"<?xml version='1.0'?>\n<note>", None),
        ("a.png", b"\x89PNG", None),
        ("a.SVGZ", b"\x1f\x8b\x08", "SVG"),
        ("a.kra", b"PK\x03\x04", "a painting program's file"),
        ("a.jpg", b"\xff\x0a", "JPEG XL"),
        ("a.jpg", b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a pointer of Git LFS"),
        ("a.jpg", b"\n<!DOCTYPE html><html>", "a web page"),
        ("a.tif", b"II*\0", "a TIFF file of such numbers"),
        ("a.nef", b"MM\0*", "a camera's raw file"),
        ("a.eps", b"%!PS-Adobe", "a PostScript drawing"),
        ("a.avif", b"", None if features.check("avif") else "AVIF"),
    ],
)
def test_a_kind_is_told_by_bytes_before_names(name, head, kind):
    assert find_kind(name, head) == kind


def test_a_table_of_labels_beside_pictures_says_what_to_do(folder):
    save(folder / "1.png")
    (folder / "labels.CSV").write_text("1.png,cat")
    _, said = load(f"folder:{folder}", held_out=0)
    assert "labels.CSV looks like a table of labels. Classes are folders here: move each picture" in said
    save(folder / "a" / "1.png")
    save(folder / "b" / "1.png")
    assert "looks like" not in load(f"folder:{folder}", held_out=0)[1]


def tones(count, *shape):
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, *shape)).copy()


def test_the_archives_of_medmnist_are_read(tmp_path):
    np.savez(
        tmp_path / "a.npz",
        train_images=tones(30, 28, 28, 3),
        train_labels=(np.arange(30) % 3)[:, None],
        val_images=tones(4, 28, 28, 3),
        val_labels=np.zeros((4, 1), np.uint8),
        test_images=tones(5, 28, 28, 3) + 100,
        test_labels=np.full((5, 1), 2),
    )
    data = f"npz:{tmp_path / 'a.npz'}"
    pictures, _ = load(data)
    assert (len(pictures.images), pictures.shape.class_names) == (30, ("0", "1", "2"))
    assert reds(load(data, "test")[0]) == list(range(100, 105))


def test_without_a_test_part_the_validation_part_of_an_archive_serves(tmp_path):
    np.savez(tmp_path / "a.npz", train_images=tones(9, 16, 16, 1), val_images=tones(3, 16, 16, 1) + 50)
    data = f"npz:{tmp_path / 'a.npz'}"
    assert (len(load(data)[0].images), reds(load(data, "test")[0])) == (9, [50, 51, 52])


def test_pictures_whose_planes_come_first_are_turned(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (10, 3, 16, 24), np.uint8)
    np.savez(tmp_path / "a.npz", images=images)
    np.savez(tmp_path / "b.npz", images=np.ascontiguousarray(images.transpose(0, 2, 3, 1)))
    first, second = (load(f"npz:{tmp_path / name}", held_out=0)[0].images for name in ("a.npz", "b.npz"))
    assert first.shape == (10, 16, 16, 3)
    np.testing.assert_array_equal(first, second)
