import signal
import threading

import pytest

from training.run.interruption import stop_requests


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_for_a_stop_says_so_and_leaves_the_handlers_as_they_were(number, capfd):
    before = signal.getsignal(number)
    with stop_requests() as stopped:
        assert not stopped()
        assert capfd.readouterr().err == ""
        signal.raise_signal(number)
        assert stopped()
        assert "Stopping when what goes on has ended, and saving." in capfd.readouterr().err
    assert signal.getsignal(number) is before


@pytest.fixture
def _as_in_a_terminal():
    """Ctrl-C as in a terminal: a shell's background jobs, and so some CI runs, begin with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_as_in_a_terminal")
def test_a_second_ctrl_c_stops_at_once():
    with stop_requests() as stopped:
        signal.raise_signal(signal.SIGINT)
        assert stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_thread_of_the_side_runs_unstopped():
    answers = []

    def enter():
        with stop_requests() as stopped:
            answers.append(stopped())

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert answers == [False]
