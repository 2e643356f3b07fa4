"""What may lie in a folder of pictures beside pictures: links, pipes, and names of any kind."""

import os
import socket

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from foundation.home import expand_home
from training.data import listing, load_pictures
from training.data.order import sort_naturally
from training.errors import DataError
from training.shape import PictureSettings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


def fill(folder, count=2):
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        Image.new("L", (16, 16), index).save(folder / f"{index}.png")


def load(folder, console=None):
    return load_pictures(f"folder:{folder}", settings=PictureSettings(held_out=0, size=16), console=console)


def test_links_to_folders_and_files_are_followed_but_not_round_and_round(folder, tmp_path):
    fill(tmp_path / "elsewhere" / "owls")
    fill(folder / "cats")
    (folder / "owls").symlink_to(tmp_path / "elsewhere" / "owls")
    (folder / "cats" / "again").symlink_to(folder)
    (folder / "cats" / "one.png").symlink_to(tmp_path / "elsewhere" / "owls" / "1.png")
    pictures = load(folder)
    assert pictures.shape.class_names == ("cats", "owls")
    assert np.bincount(pictures.labels).tolist() == [3, 2]


def test_links_that_make_endless_paths_of_few_folders_are_refused(folder, monkeypatch):
    for name in "abcdef":
        fill(folder / name, 1)
        for other in "abcdef":
            if other != name:
                (folder / name / other).symlink_to(folder / other)
    monkeypatch.setattr(listing, "MAX_FOLDERS", 200)
    with pytest.raises(DataError, match="more than 200 folders, links"):
        load(folder)


def test_what_is_no_file_is_said_and_hangs_nobody(folder, capsys, monkeypatch):
    fill(folder)
    os.mkfifo(folder / "pipe.png")
    (folder / "nowhere.png").symlink_to(folder / "gone.png")
    (folder / "round.png").symlink_to(folder / "round.png")
    (folder / "null.png").symlink_to("/dev/null")
    (folder / "a folder.png").mkdir()
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.png")
        assert len(load(folder, Console(soft_wrap=True, width=1000)).images) == 2
    said = capsys.readouterr().out
    assert "Skipped 5 files" in said
    for words in ("null.png (no file, but a", "nowhere.png (No such file", "pipe.png (no file, but a"):
        assert words in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_named(folder):
    fill(folder / "a")
    (folder / "a").chmod(0)
    with pytest.raises(DataError, match="a cannot be read: Permission denied"):
        load(folder)


def test_a_name_that_no_folder_can_have_is_said(folder):
    with pytest.raises(DataError, match="aaa cannot be read: File name too long"):
        listing.list_names(folder / ("a" * 300))


def test_an_empty_file_is_called_so(folder):
    (folder / "cut.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"cut\.png \(an empty file is not read"):
        load(folder)


def test_a_folder_that_cannot_be_listed_is_named(folder, monkeypatch):
    fill(folder / "a")
    scan = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("a"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"a cannot be read: Permission denied"):
        load(folder)


def test_names_that_are_no_utf8_are_taken_for_files_and_refused_in_words_for_classes(folder, capsys):
    bad = os.fsdecode(b"caf\xe9")
    fill(folder)
    (folder / f"{bad}.png").write_bytes((folder / "1.png").read_bytes())
    (folder / f"{bad}.txt").write_bytes(b"no picture")
    assert len(load(folder, Console(soft_wrap=True, width=1000)).images) == 3
    assert r"caf\xe9.txt (no picture)" in capsys.readouterr().out
    fill(folder / bad)
    fill(folder / "tea")
    with pytest.raises(DataError, match=r"folder caf\\xe9 in .* is not UTF-8"):
        load(folder)


def test_numbered_folders_are_classes_in_the_order_a_person_counts(folder):
    for number in (10, 2, 0, 1, 11):
        fill(folder / str(number), 1)
    assert load(folder).shape.class_names == ("0", "1", "2", "10", "11")
    assert sort_naturally(["b", "a10", "a2", "a", "02", "2", "1b", ""]) == [
        "", "1b", "02", "2", "a", "a2", "a10", "b",
    ]  # fmt: skip


def test_a_cache_that_is_only_read_serves_what_is_in_it(folder, monkeypatch):
    fill(folder)
    load(folder)

    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "utime", refuse)
    assert len(load(folder).images) == 2


def test_the_home_folder_is_meant_by_its_sign_and_nothing_else(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    fill(folder)
    assert len(load("~/set").images) == 2
    assert expand_home("~/x") == tmp_path / "x"
    assert [str(expand_home(text)) for text in ("./~", "~nobody-of-that-name/x", "a~")] == [
        "~", "~nobody-of-that-name/x", "a~",
    ]  # fmt: skip
