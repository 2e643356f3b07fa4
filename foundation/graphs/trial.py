"""Running a graph in a process of its own, which may die of it: bounded in memory and in time."""

import json
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation.errors import GanymedeError
from foundation.locked_folders import locked_folder

MAX_BYTES = 2**32
"""Of the process's memory beside what the graph's own bytes take."""
TIMEOUT_S = 120

Arrays = Mapping[str, NDArray[Any]]


class TrialFailed(GanymedeError):
    """What became of the process: a reason in ONNX Runtime's words, or in ours."""

    code = "trial-failed"


def try_graph(graph: bytes, feeds: Arrays, output: str | None = None) -> NDArray[Any] | None:
    """Open `graph` on one thread of the CPU and run `feeds`; the array called `output`, if that is wanted.

    Raises:
        TrialFailed: it does not open or run, takes more memory or time than it may, or ends the process.
    """
    with locked_folder("trial") as folder:
        (folder / "graph.onnx").write_bytes(graph)
        np.savez(folder / "feeds.npz", *feeds.values())  # by number: an input may have any name
        arguments = {"names": list(feeds), "output": output, "max_bytes": MAX_BYTES + 3 * len(graph)}
        command = [sys.executable, "-m", "foundation.graphs.trial", str(folder), json.dumps(arguments)]
        try:
            done = subprocess.run(  # noqa: S603 - a list of words, no shell
                command, capture_output=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise TrialFailed(f"it takes more than {TIMEOUT_S} s") from None
        if done.returncode != 0:
            raise TrialFailed(_explain(done.returncode, done.stdout.decode(errors="replace")))
        return np.load(folder / "output.npy", allow_pickle=False) if output else None


def _explain(status: int, said: str) -> str:
    if status < 0:
        return f"it ends the process that runs it (signal {-status})"
    if "bad_alloc" in said or "MemoryError" in said or "Failed to allocate memory" in said:
        return f"it takes more than {MAX_BYTES:,} bytes of memory"
    return said.strip()[:300] or f"the process that runs it ends with status {status}"


def run(folder: Path, names: list[str], output: str | None, max_bytes: int) -> None:
    """The child's part: the files in `folder`, in at most `max_bytes` of memory."""
    from foundation.onnx_runtime import onnxruntime

    resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        (folder / "graph.onnx").read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    with np.load(folder / "feeds.npz", allow_pickle=False) as feeds:
        given = {name: feeds[f"arr_{index}"] for index, name in enumerate(names)}
    answers = session.run([output] if output else None, given)
    if output:
        np.save(folder / "output.npy", answers[0], allow_pickle=False)


if __name__ == "__main__":
    arguments = json.loads(sys.argv[2])
    try:
        run(Path(sys.argv[1]), **arguments)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}")
        sys.exit(1)
