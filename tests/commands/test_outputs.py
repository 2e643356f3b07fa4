"""Where a command's file goes: whole or not at all, through links, into pipes, and with whose rights."""

import errno
import io
import os
import threading

import pytest

from ganymede.commands.outputs import place


def put(output, content=b"new"):
    place(io.BytesIO(content), output)


class Full(io.BytesIO):
    """What ends where the disk is full."""

    def read(self, size=-1):
        raise OSError(28, "No space left on device")


def test_what_was_there_stays_where_the_new_file_cannot_be_whole(tmp_path):
    (tmp_path / "grid.png").write_bytes(b"old")
    with pytest.raises(OSError, match="No space left"):
        place(Full(), tmp_path / "grid.png")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"grid.png": b"old"}
    put(tmp_path / "grid.png")
    assert (tmp_path / "grid.png").read_bytes() == b"new"


def test_a_link_stays_one_and_a_file_keeps_its_rights(tmp_path):
    (tmp_path / "there").write_bytes(b"old")
    (tmp_path / "there").chmod(0o640)
    (tmp_path / "here").symlink_to("there")
    put(tmp_path / "here")
    assert (tmp_path / "here").is_symlink()
    assert (tmp_path / "there").read_bytes() == b"new"
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o640
    before = os.umask(0o027)
    put(tmp_path / "fresh")
    assert os.umask(before) == 0o027
    assert (tmp_path / "fresh").stat().st_mode & 0o777 == 0o640


def test_a_pipe_gets_the_bytes_and_stays_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    put(tmp_path / "pipe")
    reader.join()
    assert read == [b"new"]
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_to_the_processs_own_output_leads_there(tmp_path):
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as there, os.fdopen(writing, "wb"):
        (tmp_path / "grid.png").symlink_to(f"/proc/self/fd/{writing}")
        put(tmp_path / "grid.png")
        assert os.read(there.fileno(), 10) == b"new"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_in_a_folder_where_nothing_new_may_be_a_file_is_written_over(tmp_path, monkeypatch, number):
    def refuse(**_):
        raise OSError(number, "Nothing new here")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    (tmp_path / "grid.png").write_bytes(b"older")
    put(tmp_path / "grid.png")
    assert (tmp_path / "grid.png").read_bytes() == b"new"


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EPERM])
def test_a_file_that_is_mounted_by_itself_is_written_over(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, "Device or resource busy")

    (tmp_path / "grid.png").write_bytes(b"older")
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", refuse)
        put(tmp_path / "grid.png")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"grid.png": b"new"}


def test_where_files_have_no_rights_it_is_written_all_the_same(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("pathlib.Path.chmod", refuse)
    put(tmp_path / "grid.png")
    assert (tmp_path / "grid.png").read_bytes() == b"new"


def test_what_may_not_be_written_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # as of who is not root
    (tmp_path / "grid.png").write_bytes(b"old")
    with pytest.raises(PermissionError):
        put(tmp_path / "grid.png")
    assert (tmp_path / "grid.png").read_bytes() == b"old"
