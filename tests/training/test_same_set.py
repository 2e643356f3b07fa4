"""A set that changes under a run: it is noticed, and the run keeps the numbers of its classes."""

import io
import os

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from training.config import override
from training.data import load_pictures
from training.errors import RunError
from training.launch.same_set import keep_class_order, require_same_set, write_record
from training.presets import find_preset
from training.run.course import are_same, describe_taught
from training.run.folder import Run
from training.run.stats import EpochStats
from training.shape import PictureSettings


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A run that began with eight pictures in two classes, and what its set looks like when it goes on."""
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))
    for index in range(8):
        draw(tmp_path / "set" / str(2 + 8 * (index % 2)) / f"{index}.png", index)
    configuration = override(
        find_preset("modern").defaults, [f"data=folder:{tmp_path / 'set'}", "batch_size=4"]
    )
    run, output = Run(tmp_path / "run"), io.StringIO()

    def go_on():
        pictures = load_pictures(configuration.data, settings=PictureSettings(size=16, held_out=0.25))
        pictures = keep_class_order(pictures, run)
        record = require_same_set(configuration, pictures, run, Console(file=output, width=1000))
        run.start(configuration, pictures.shape)
        write_record(run, record)
        return pictures, output.getvalue()

    go_on()
    return run, tmp_path / "set", go_on


def draw(path, tone):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (16, 16), tone).save(path)


def test_a_set_that_stayed_goes_on_without_a_word_whenever_it_was_copied(begun):
    _, folder, go_on = begun
    for path in folder.rglob("*.png"):  # copied anew: other times of change
        path.write_bytes(path.read_bytes())
    assert go_on()[1] == ""


def test_a_set_that_grew_or_shrank_or_changed_its_classes_is_refused_and_nothing_is_changed(begun):
    run, folder, go_on = begun
    before = {path: path.read_bytes() for path in run.folder.iterdir() if path.is_file()}
    draw(folder / "2" / "new.png", 99)
    with pytest.raises(RunError, match=r"began with 8 pictures of .* now there are 9\."):
        go_on()
    (folder / "2" / "new.png").unlink()
    (folder / "2" / "0.png").rename(folder / "10" / "0.png")
    with pytest.raises(RunError, match="as many, but others, or in other classes"):
        go_on()
    (folder / "10" / "0.png").unlink()
    with pytest.raises(RunError, match=r"now there are 7\."):
        go_on()
    assert {path: path.read_bytes() for path in run.folder.iterdir() if path.is_file()} == before


def test_pictures_that_were_changed_in_their_places_are_said(begun):
    _, folder, go_on = begun
    draw(folder / "2" / "0.png", 200)
    assert "not the same pixels" in go_on()[1]
    assert go_on()[1].count("not the same pixels") == 1  # once: from then on it is the set


def test_an_old_run_keeps_the_numbers_of_its_classes(begun):
    run, _, go_on = begun
    natural, _ = go_on()
    assert natural.shape.class_names == ("2", "10")
    run.pictures_path.write_text(
        natural.shape.model_copy(update={"class_names": ("10", "2")}).model_dump_json(), encoding="utf-8"
    )
    old, _ = go_on()
    assert old.shape.class_names == ("10", "2")
    np.testing.assert_array_equal(old.labels, 1 - natural.labels)
    assert run.read_shape().class_names == ("10", "2")


def test_an_old_run_without_a_record_is_held_against_the_length_of_its_epochs(begun):
    run, folder, go_on = begun
    run.set_path.unlink()
    row = {"images": 6, "seconds": 1, "images_per_s": 6, "generator_loss": 1, "discriminator_loss": 1}
    run.write_stats([EpochStats(epoch=3, step=6, **row)])
    go_on()
    run.set_path.unlink()
    for index in range(8):
        draw(folder / "2" / f"more{index}.png", index)
    with pytest.raises(RunError, match="began with epochs of 2 batches"):
        go_on()


def test_a_record_with_a_byte_order_mark_is_read(begun):
    run, _, go_on = begun
    for path in (run.set_path, run.config_path, run.pictures_path):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert go_on()[1] == ""


@pytest.mark.parametrize("name", [b"caf\xe9", b"a/\xff/b"])
def test_a_run_folder_whose_name_is_no_utf8_is_refused_in_words(tmp_path, name):
    with pytest.raises(RunError, match=r"\\x.* is not in UTF-8"):
        Run(tmp_path / os.fsdecode(name))


def test_an_array_whose_pixels_alone_are_others_is_another_set(tmp_path, monkeypatch):
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))
    path, run = tmp_path / "a.npz", Run(tmp_path / "run")
    configuration = override(find_preset("modern").defaults, [f"data=npz:{path}", "batch_size=4"])

    def go_on(tone):
        np.savez(path, images=np.full((8, 16, 16), tone, np.uint8), labels=np.arange(8) % 2)
        pictures = load_pictures(configuration.data, settings=PictureSettings(held_out=0))
        record = require_same_set(configuration, pictures, run, Console(quiet=True))
        run.start(configuration, pictures.shape)
        write_record(run, record)
        return describe_taught(pictures)

    taught = go_on(7)
    assert are_same(taught, go_on(7))
    before = describe_taught(load_pictures(configuration.data, settings=PictureSettings(held_out=0)))
    with pytest.raises(RunError, match="as many, in the same classes, but others"):
        go_on(8)
    now = describe_taught(load_pictures(configuration.data, settings=PictureSettings(held_out=0)))
    assert not are_same(before, now)
