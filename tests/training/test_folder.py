import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from training.data import epoch_batches, load_pictures
from training.data.cache import remove_oldest
from training.errors import DataError
from training.shape import PictureSettings

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture(autouse=True)
def prepared(tmp_path, monkeypatch):
    folder = tmp_path / "prepared"
    monkeypatch.setenv("GANYMEDE_PICTURES", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    return path


def save(path, colour=RED, size=(20, 20), **options):
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB" if isinstance(colour, tuple) else "L", size, colour).save(path, **options)


def load(folder, split="train", console=None, **settings):
    settings = {"held_out": 0, "size": 16} | settings
    return load_pictures(f"folder:{folder}", None, split, PictureSettings(**settings), console)


def only(folder, **settings):
    (picture,) = load(folder, **settings).images
    return picture


def test_subfolders_are_classes_and_any_format_is_read(folder):
    for name, colour in (
        ("red/a.png", RED),
        ("red/deep/b.jpg", RED),
        ("green/c.webp", GREEN),
        ("blue/d.gif", BLUE),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save(folder / name, colour)
    pictures = load(folder)
    assert pictures.shape.class_names == ("blue", "green", "red")
    assert sorted(pictures.labels.tolist()) == [0, 1, 2, 2]
    channel = {"red": 0, "green": 1, "blue": 2}
    for image, label in zip(pictures.images, pictures.labels, strict=True):
        assert image.mean(axis=(0, 1)).argmax() == channel[pictures.shape.class_names[label]]


def test_a_folder_without_subfolders_or_with_one_has_no_classes(folder):
    save(folder / "only" / "a.png")
    assert load(folder).shape.class_names == ()
    save(folder / "b.png")
    assert (load(folder).shape.class_names, len(load(folder).images)) == ((), 2)


def test_unreadable_files_are_listed_and_skipped(folder, capsys):
    save(folder / "a" / "good.png")
    save(folder / "b" / "good.png", BLUE)
    (folder / "a" / "notes.txt").write_text("no picture")
    content = (folder / "a" / "good.png").read_bytes()
    (folder / "b" / "cut.png").write_bytes(content[: len(content) // 2])
    save(folder / "beside.png")
    (folder / ".hidden").write_text("left out without a word")
    for _ in range(2):  # also where they are prepared already
        pictures = load(folder, console=Console(soft_wrap=True))
        said = capsys.readouterr().out
        assert len(pictures.images) == 2
        assert "Skipped 3 files" in said
        for words in ("a/notes.txt (no picture)", "b/cut.png (", "beside.png (in no class's folder)"):
            assert words in said
        assert "hidden" not in said


def test_a_class_without_a_readable_picture_is_none(folder):
    for name in ("a", "b", "c"):
        save(folder / name / "x.png")
    (folder / "b" / "x.png").write_text("no picture")
    pictures = load(folder)
    assert pictures.shape.class_names == ("a", "c")
    assert sorted(pictures.labels.tolist()) == [0, 1]


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda folder: folder.rmdir(), "is missing"),
        (lambda folder: None, "holds no files"),
        (lambda folder: (folder / "a.txt").write_text("x"), r"holds no picture that can be read\. .*a\.txt"),
    ],
)
def test_a_folder_without_pictures_is_an_error_that_names_it(folder, prepare, words):
    prepare(folder)
    with pytest.raises(DataError, match=words) as refusal:
        load(folder)
    assert str(folder) in str(refusal.value)
    with pytest.raises(DataError, match="--data folder:PATH"):
        load_pictures("folder")


def test_the_middle_is_cut_out_or_all_of_it_is_kept_on_white(folder):
    picture = Image.new("RGB", (90, 30), RED)
    picture.paste(BLUE, (30, 0, 60, 30))
    picture.save(folder / "wide.png")
    assert (only(folder) == BLUE).all()
    whole = only(folder, crop="none", size=18)
    assert (whole[0] == WHITE).all()
    assert (whole[-1] == WHITE).all()
    np.testing.assert_allclose(whole[9, [1, 9, 16]], [RED, BLUE, RED], atol=16)  # the filter rings


def test_grey_comes_in_one_channel(folder):
    save(folder / "a.png", GREEN)
    assert only(folder, channels=1).shape == (16, 16, 1)
    assert abs(int(only(folder, channels=1).mean()) - 150) <= 1  # ITU-R 601: 0.587 of 255


def test_what_is_transparent_is_white_and_sixteen_bits_keep_their_tones(folder):
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(folder / "a.png")
    assert (only(folder) == 255).all()
    Image.fromarray(np.full((20, 20), 0x4000, np.uint16)).save(folder / "a.png")
    assert (only(folder) == 0x40).all()


def test_a_photograph_stands_the_way_its_camera_was_held(folder):
    picture = Image.new("RGB", (40, 40), RED)
    picture.paste(BLUE, (0, 0, 40, 20))  # the upper half
    exif = picture.getexif()
    exif[0x0112] = 3  # upside down
    picture.save(folder / "a.jpg", exif=exif, quality=95)
    upright = only(folder)
    assert upright[2, 8].argmax() == 0
    assert upright[-3, 8].argmax() == 2


def test_a_decompression_bomb_is_skipped(folder, capsys):
    save(folder / "good.png")
    save(folder / "bomb.png", 0, size=(9500, 9500))
    pictures = load(folder, console=Console(soft_wrap=True))
    assert len(pictures.images) == 1
    assert "bomb.png (more than 89,478,485 pixels: make it smaller first)" in capsys.readouterr().out


def test_a_picture_is_prepared_once_and_again_when_it_or_the_settings_change(folder, prepared):
    save(folder / "a.png", RED)
    for _ in range(2):
        assert (only(folder) == RED).all()
    assert len(list(prepared.iterdir())) == 1
    assert only(folder, size=24).shape == (24, 24, 3)
    save(folder / "a.png", BLUE)
    os.utime(folder / "a.png", ns=(0, 0))
    assert (only(folder) == BLUE).all()
    assert len(list(prepared.iterdir())) == 3


def test_what_was_not_used_for_longest_leaves_the_cache(tmp_path):
    now_s = time.time()
    ages_s = {"newest": 1, "middle": 2, "oldest": 3, "kept": 4, ".new-1": 60, ".new-2": 100_000}
    for name, age_s in ages_s.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "images.bin").write_bytes(bytes(100))
        os.utime(tmp_path / name, (now_s - age_s, now_s - age_s))
    remove_oldest(tmp_path, max_bytes=300, kept=tmp_path / "kept")
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "newest", "middle", ".new-1"}


def test_a_disk_that_is_too_small_is_said_before_anything_is_read(folder, monkeypatch):
    save(folder / "a.png")
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**6))
    with pytest.raises(DataError, match=r"1 pictures of 16x16 need .* where 0\.0 GB are free"):
        load(folder)


def test_a_cache_that_cannot_be_written_is_named(folder, prepared):
    save(folder / "a.png")
    prepared.write_text("a file where a folder should be")
    with pytest.raises(DataError, match="GANYMEDE_PICTURES"):
        load(folder)


def test_the_held_out_part_is_of_every_class_and_always_the_same(folder):
    for index in range(40):
        save(folder / ("a" if index < 20 else "b") / f"{index}.png", (index, 0, 0))
    train, test = load(folder, held_out=0.25), load(folder, "test", held_out=0.25)
    assert (len(train.images), len(test.images)) == (30, 10)
    assert set(test.labels.tolist()) == {0, 1}
    tones = np.concatenate([train.images, test.images])[:, 0, 0, 0]
    assert sorted(tones.tolist()) == list(range(40))


def own_bytes():
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux counts a process's own memory")
def test_a_set_larger_than_the_memory_it_may_take_streams(tmp_path):
    def read(count):
        """Read a set of so many pictures to its end: its bytes, and the most memory taken meanwhile."""
        folder = tmp_path / f"{count}"
        for index in range(count):
            save(folder / f"{index}.png", (index % 256, index // 256, 0), size=(8, 8))
        pictures, tones, most = load(folder, size=256), [], 0
        for images, _ in epoch_batches(pictures, 4, 60_000, seed=0):
            most = max(most, own_bytes())
            pixels = np.rint(images[:, 0, 0, :2].numpy() * 127.5 + 127.5)
            tones += (pixels @ (1, 256)).tolist()
        assert sorted(tones) == list(range(count))
        assert pictures.images.nbytes == count * 256 * 256 * 3
        return pictures.images.nbytes, most

    read(100)  # what TensorFlow takes once, whatever the set: threads, arenas, a batch's pictures
    small_bytes, least = read(100)  # 20 MB
    large_bytes, most = read(800)  # 157 MB
    assert most - least < (large_bytes - small_bytes) / 2, "a set held in memory grows as it does, or more"
