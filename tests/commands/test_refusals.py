"""What ends a command from outside: a full or read-only disk, no memory, Ctrl-C. Each is one sentence."""

import errno
import os
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest

from ganymede import __main__
from ganymede.commands import store
from ganymede.refusals import explain_refusal


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            OSError(errno.EROFS, os.strerror(errno.EROFS), "runs/a"),
            "ganymede: runs/a: Read-only file system.",
        ),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
            "refuses to read or write: No space left on device.",
        ),
        (MemoryError(), "ganymede: this machine has no memory left."),
    ],
)
def test_what_the_machine_refuses_is_one_sentence(call_ganymede, monkeypatch, tmp_path, error, says):
    def refuse(_):
        raise error

    monkeypatch.setattr(store, "open_store", refuse)
    said = call_ganymede("models", "--models", tmp_path)
    assert (said.returncode, says in said.stderr) == (1, True)


@pytest.mark.parametrize(
    "error", [OSError("cannot write mode Q"), OSError(errno.EINVAL, os.strerror(errno.EINVAL))]
)
def test_of_a_fault_that_the_machine_is_not_to_blame_for_the_trace_is_shown(
    call_ganymede, monkeypatch, tmp_path, error
):
    def fail(_):
        raise error

    monkeypatch.setattr(store, "open_store", fail)
    with pytest.raises(OSError, match=str(error.args[-1])):
        call_ganymede("models", "--models", tmp_path)


def test_a_name_is_shown_in_part_and_in_bytes_too():
    assert len(explain_refusal(OSError(errno.ENAMETOOLONG, "File name too long", "a" * 5000))) < 300
    assert explain_refusal(OSError(errno.EIO, "broken", b"caf\xe9")).endswith(": broken.")


def test_an_output_that_is_full_is_told_where_there_is_still_somebody(run_ganymede, tiny_store):
    """In a process of its own: what is written to is the process's own output."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "ganymede", "models", "--models", str(tiny_store)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode != 0
    assert "No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_ctrl_c_stops_says_so_and_ends_with_its_status(call_ganymede, monkeypatch, tmp_path):
    monkeypatch.setattr(store, "open_store", lambda _: signal.raise_signal(signal.SIGINT))
    said = call_ganymede("models", "--models", tmp_path)
    assert (said.returncode, said.stderr) == (130, "ganymede: stopped by Ctrl-C before it was done.\n")


def test_ctrl_c_before_anything_is_loaded_is_a_sentence_too(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ganymede.command", Interrupted("ganymede.command"))
    with pytest.raises(SystemExit) as end:
        __main__.main()
    assert (end.value.code, capsys.readouterr().err) == (
        130,
        "ganymede: stopped by Ctrl-C before it was done.\n",
    )


class Interrupted(types.ModuleType):
    """A module whose import is stopped."""

    def __getattr__(self, name):
        raise KeyboardInterrupt
