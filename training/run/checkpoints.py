"""The states of a run on disk: written between two steps, bounded in number, restored whole.

TensorFlow takes the folder's name for a pattern: in `lr[0.1]` it finds nothing, and in `lr[01]` it removes
what lies in `lr0`. So its CheckpointManager's work is done here, record and all.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from training.errors import NotFiniteError, RunError
from training.run.faults import first_sentence
from training.run.folder import replace_text
from training.run.paths import BEST

RECORD = "checkpoint"
"""Which states are whole, the newest among them: TensorFlow's CheckpointState, as text."""
PATTERN = re.compile(r"[*?\[\\]")
RECORDED_STATE = re.compile(rb'^all_model_checkpoint_paths: "(?:.*/)?ckpt-(\d+)"\r?$', re.MULTILINE)
STATE_FILE = re.compile(r"ckpt-(\d+)\.(index|data-\d+-of-\d+)")


class Checkpoints:
    """The newest `kept` states of `gan` (weights, optimisers, random streams, step) in `folder`."""

    def __init__(self, folder: Path, gan: tf.Module, kept: int) -> None:
        self._checkpoint = tf.train.Checkpoint(gan=gan)
        self._folder = folder.absolute()
        self._kept = kept
        self._gan = gan

    @property
    def newest(self) -> str | None:
        """The path, without its endings, of the newest state; None before the first.

        Raises:
            RunError: there are states, but which of them is whole cannot be read.
        """
        steps = self.steps  # another worker may write them
        return self._path(steps[-1]) if steps else None

    @property
    def steps(self) -> list[int]:
        """After how many batches the states that are kept were written, the oldest first.

        Raises:
            RunError: as `newest`.
        """
        record = self._folder / RECORD
        found: dict[str, set[int]] = {"index": set(), "data": set()}
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if match := STATE_FILE.fullmatch(path.name):
                    found[match[2].partition("-")[0]].add(int(match[1]))
        if not record.exists():
            if found["data"] - found["index"] and not found["index"]:
                raise self._unreadable(f"{record} and every ckpt-….index are missing")
            return sorted(found["index"])
        recorded = sorted(map(int, RECORDED_STATE.findall(record.read_bytes())))
        if not recorded:
            raise self._unreadable(f"{record} is damaged")
        if recorded[-1] not in found["index"]:
            raise self._unreadable(f"{self._path(recorded[-1])}.index is missing")
        return [step for step in recorded if step in found["index"]]

    def save(self, step: int) -> str:
        """Write the state after `step` batches, drop the oldest beyond `kept`, return the path.

        Raises:
            NotFiniteError: a weight is NaN or infinite; nothing was written.
            RunError: it cannot be written; the states before it are still there.
        """
        if broken := next((name for name, part in vars(self._gan).items() if not is_finite(part)), None):
            raise NotFiniteError(f"Weights of the {broken} are no numbers any more at batch {step}.")
        before = [kept for kept in self.steps if kept != step]
        try:
            self._checkpoint.save_counter.assign_add(1)
            self._checkpoint.write(self._path(step))
            self._record([*before, step][-self._kept :])
        except (OSError, tf.errors.OpError) as error:
            self.discard(step)
            raise RunError(
                f"The checkpoint after batch {step} cannot be written to {self._folder} "
                f"({first_sentence(error)}). The last good one is {self.newest}; with more room on the disk "
                "the same command goes on from there."
            ) from error
        for old in [*before, step][: -self._kept]:
            self._remove(old)
        return self._path(step)

    def discard(self, step: int) -> None:
        """Remove what a failed write left of the state after `step` batches."""
        if step not in self.steps or not (self._folder / RECORD).exists():
            self._remove(step)

    def restore(self, step: int | None = None) -> bool:
        """Fill the networks and optimisers from the newest state, or that of `step`; False without any.

        Raises:
            RunError: there is no such state, or it is damaged, or it is one of other networks.
        """
        best = self._folder / BEST / f"ckpt-{step}"
        if step is not None and best.with_suffix(".index").exists():
            path = str(best)
        elif step is None:
            if self.newest is None:
                return False
            path = self.newest
        elif step in self.steps:
            path = self._path(step)
        else:
            steps = ", ".join(map(str, self.steps))
            raise RunError(f"There is no checkpoint of batch {step} in {self._folder}. There are: {steps}.")
        try:
            with plain_name(Path(path)) as plain:
                status = self._checkpoint.restore(str(plain))
                status.assert_existing_objects_matched()
                status.assert_consumed()
        except (AssertionError, ValueError, LookupError, OSError, tf.errors.OpError) as error:
            raise RunError(
                f"The checkpoint {path} cannot be restored ({first_sentence(error)}). It is damaged or "
                "of other networks: choose another run folder."
            ) from error
        return True

    def _path(self, step: int) -> str:
        return str(self._folder / f"ckpt-{step}")

    def _record(self, steps: list[int]) -> None:
        lines = [f'model_checkpoint_path: "ckpt-{steps[-1]}"']
        lines += [f'all_model_checkpoint_paths: "ckpt-{step}"' for step in steps]
        replace_text(self._folder / RECORD, "\n".join(lines) + "\n")

    def _remove(self, step: int) -> None:
        if not self._folder.is_dir():
            return
        for path in list(self._folder.iterdir()):
            if not path.name.startswith((f"ckpt-{step}.", f"ckpt-{step}_")):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _unreadable(self, why: str) -> RunError:
        return RunError(
            f"{self._folder} holds checkpoints that cannot be gone on from: {why}. Put back what is missing, "
            "or choose another run folder; nothing was changed."
        )


@contextmanager
def plain_name(path: Path) -> Iterator[Path]:
    """Yield a path to the same file that is no pattern: TensorFlow matches what it restores from."""
    if not PATTERN.search(str(path)):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ganymede-") as folder:
        link = Path(folder) / "checkpoints"
        link.symlink_to(path.parent, target_is_directory=True)
        yield link / path.name


def is_finite(part: object) -> bool:
    """Say whether all floating-point variables of a network or an optimiser are; true of anything else."""
    variables = getattr(part, "variables", ())
    numbers = [tf.convert_to_tensor(variable) for variable in variables]
    return all(
        bool(tf.reduce_all(tf.math.is_finite(number))) for number in numbers if number.dtype.is_floating
    )
