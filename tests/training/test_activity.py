"""What is said to a person who waits: here time is made short, and lines are waited for."""

import io
import queue
import threading

import pytest
from rich.console import Console

from tests.patience import PATIENCE_S
from training import activity
from training.activity import Lines, counting, doing


@pytest.fixture
def short(monkeypatch):
    for name in ("SILENT_S", "AGAIN_S", "GROWTH", "TICK_S"):
        monkeypatch.setattr(activity, name, 0.001)


@pytest.mark.usefixtures("short")
def test_what_takes_long_is_said_and_said_again_and_so_is_what_comes_next():
    said: queue.Queue[str] = queue.Queue()
    with Lines(said.put, "Drawing") as lines:
        assert said.get(timeout=PATIENCE_S) == "Drawing …"
        assert said.get(timeout=PATIENCE_S) == "Drawing, 0 s so far …"
        lines.turn_to("Measuring", ", 5 of 9")
        while (line := said.get(timeout=PATIENCE_S)).startswith("Drawing"):
            pass
        assert line == "Measuring, 5 of 9 …"
        assert said.get(timeout=PATIENCE_S) == "Measuring, 5 of 9 …"
    assert not [thread for thread in threading.enumerate() if thread.name == "activity"]


def test_what_is_soon_done_is_not_spoken_of_and_an_error_ends_it(monkeypatch):
    monkeypatch.setattr(activity, "SILENT_S", 3600.0)
    said: list[str] = []

    def fail():
        with Lines(said.append, "Drawing") as lines:
            lines.turn_to("Measuring")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert said == []
    assert not [thread for thread in threading.enumerate() if thread.name == "activity"]


class ClosedPipe(io.StringIO):
    """What is written to when nobody reads it any more; Rich leaves a broken pipe by `SystemExit`."""

    def __init__(self, error):
        super().__init__()
        self.error, self.tried = error, threading.Event()

    def write(self, text):
        self.tried.set()
        raise self.error


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("error", [SystemExit(1), OSError(28, "full"), ValueError("closed")])
def test_where_nobody_listens_any_more_the_work_goes_on_to_its_end(error, monkeypatch):
    unseen: list[object] = []
    monkeypatch.setattr(threading, "excepthook", unseen.append)
    pipe = ClosedPipe(error)
    with doing(Console(file=pipe), "Drawing"):
        assert pipe.tried.wait(PATIENCE_S)
    assert unseen == []


@pytest.mark.parametrize("terminal", [False, True])
def test_a_start_is_said_at_once_on_and_off_a_terminal_and_a_quiet_console_has_none(monkeypatch, terminal):
    monkeypatch.setattr(activity, "SILENT_S", 3600.0)
    output = io.StringIO()
    with doing(Console(file=output, force_terminal=terminal), "Timing [b]", at_once=True) as turn:
        turn("More of [b]")
    if terminal:
        assert "More of [b] …" in output.getvalue()
    else:
        assert output.getvalue() == "Timing [b] …\n"
    quiet = io.StringIO()
    console = Console(file=quiet, force_terminal=terminal, quiet=True)
    with doing(console, "Timing", at_once=True), counting(console, "Reading", 3) as add:
        add(3)
    assert quiet.getvalue() == ""


@pytest.mark.usefixtures("short")
def test_what_is_counted_says_how_far_it_is():
    class Waiting(io.StringIO):
        written = threading.Event()

        def write(self, text: str) -> int:
            if "2,000 of 4,000" in text:
                self.written.set()
            return super().write(text)

    output = Waiting()
    with counting(Console(file=output, width=200), "Reading pictures", 4000) as add:
        add(1000)
        add(1000)
        assert output.written.wait(PATIENCE_S)
    assert "Reading pictures, 2,000 of 4,000 …" in output.getvalue()
