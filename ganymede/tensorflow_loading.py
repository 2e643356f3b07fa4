"""Loading TensorFlow, which takes seconds, without what its libraries write into everybody's terminal."""

import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_NOISE = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    rb"|I\d{4} .* oneDNN custom operations are on\..*"
)


def require_tensorflow() -> None:
    """Raise ModuleNotFoundError where TensorFlow is not installed; nothing is loaded."""
    if "tensorflow" not in sys.modules and importlib.util.find_spec("tensorflow") is None:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")


def load_tensorflow() -> None:
    """Import TensorFlow; what it says meanwhile is passed on, but for that it rounds as it always does."""
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when it is imported
    from training.activity import Lines

    with _filtered_errors() as say, Lines(say, "Loading TensorFlow"):
        import tensorflow  # noqa: F401 - for what it says while it is loaded


@contextmanager
def _filtered_errors() -> Iterator[Callable[[str], None]]:
    """Hold back what is written to the process's standard error, by native code too, and let out the rest.

    It yields what writes a line there meanwhile.
    """
    sys.stderr.flush()
    try:
        terminal = os.dup(2)
    except OSError:  # there is none
        yield lambda _: None
        return

    def say(line: str) -> None:
        with suppress(OSError):  # nobody reads it any more
            os.write(terminal, f"{line}\n".encode())

    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield say
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            held.seek(0)
            said = [line for line in held if not _NOISE.fullmatch(line.rstrip(b"\n"))]
            os.write(2, b"".join(said))
