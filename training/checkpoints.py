"""The states of a run on disk: written between two steps, bounded in number, restored whole."""

import shutil
from pathlib import Path

import tensorflow as tf

from training.errors import NotFiniteError, RunError
from training.faults import first_sentence
from training.gan import GAN
from training.paths import BEST


class Checkpoints:
    """The newest `kept` states of `gan` (weights, optimisers, random streams, step) in `folder`."""

    def __init__(self, folder: Path, gan: GAN, kept: int) -> None:
        self._checkpoint = tf.train.Checkpoint(gan=gan)
        self._manager = tf.train.CheckpointManager(self._checkpoint, str(folder), max_to_keep=kept)
        self._folder = folder
        self._gan = gan

    @property
    def newest(self) -> str | None:
        """The path, without its endings, of the newest state; None before the first."""
        path: str | None = tf.train.latest_checkpoint(str(self._folder))  # another worker may write them
        return path

    def save(self, step: int) -> str:
        """Write the state after `step` batches, drop the oldest beyond `kept`, return the path.

        Raises:
            NotFiniteError: a weight is NaN or infinite; nothing was written.
            RunError: it cannot be written; the states before it are still there.
        """
        if broken := next((name for name, part in vars(self._gan).items() if not is_finite(part)), None):
            raise NotFiniteError(f"Weights of the {broken} are no numbers any more at batch {step}.")
        try:
            path: str = self._manager.save(step)
        except (OSError, tf.errors.OpError) as error:
            self.discard(step)
            raise RunError(
                f"The checkpoint after batch {step} cannot be written to {self._folder} "
                f"({first_sentence(error)}). The last good one is {self.newest}; with more room on the disk "
                "the same command goes on from there."
            ) from error
        return path

    def discard(self, step: int) -> None:
        """Remove what a failed write left of the state after `step` batches."""
        if str(self._folder / f"ckpt-{step}") not in self._manager.checkpoints:
            for path in self._folder.glob(f"ckpt-{step}*"):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    @property
    def steps(self) -> list[int]:
        """After how many batches the states that are kept were written, the oldest first."""
        return [int(path.rpartition("-")[2]) for path in self._manager.checkpoints]

    def restore(self, step: int | None = None) -> bool:
        """Fill the networks and optimisers from the newest state, or that of `step`; False without any.

        Raises:
            RunError: there is no such state, or it is damaged, or it is one of other networks.
        """
        path = self.newest if step is None else str(self._folder / f"ckpt-{step}")
        if path is None:
            return False
        best = self._folder / BEST / f"ckpt-{step}"
        if best.with_suffix(".index").exists():
            path = str(best)
        elif path not in self._manager.checkpoints:
            steps = ", ".join(map(str, self.steps))
            raise RunError(f"There is no checkpoint of batch {step} in {self._folder}. There are: {steps}.")
        try:
            status = self._checkpoint.restore(path)
            status.assert_existing_objects_matched()
            status.assert_consumed()
        except (AssertionError, ValueError, LookupError, tf.errors.OpError) as error:
            raise RunError(
                f"The checkpoint {path} cannot be restored ({first_sentence(error)}). It is damaged or "
                "of other networks: choose another run folder."
            ) from error
        return True


def is_finite(part: object) -> bool:
    """Say whether all floating-point variables of a network or an optimiser are; true of anything else."""
    variables = getattr(part, "variables", ())
    numbers = [tf.convert_to_tensor(variable) for variable in variables]
    return all(
        bool(tf.reduce_all(tf.math.is_finite(number))) for number in numbers if number.dtype.is_floating
    )
