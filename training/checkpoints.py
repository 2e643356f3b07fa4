"""The states of a run on disk: written between two steps, bounded in number, restored whole."""

from pathlib import Path

import tensorflow as tf

from training.errors import RunError
from training.gan import GAN


class Checkpoints:
    """The newest `kept` states of `gan` (weights, optimisers, random streams, step) in `folder`."""

    def __init__(self, folder: Path, gan: GAN, kept: int) -> None:
        self._checkpoint = tf.train.Checkpoint(gan=gan)
        self._manager = tf.train.CheckpointManager(self._checkpoint, str(folder), max_to_keep=kept)
        self._folder = folder

    @property
    def newest(self) -> str | None:
        """The path, without its endings, of the newest state; None before the first."""
        path: str | None = self._manager.latest_checkpoint
        return path

    def save(self, step: int) -> str:
        """Write the state after `step` batches, drop the oldest beyond `kept`, return the path.

        Raises:
            RunError: it cannot be written; the states before it are still there.
        """
        try:
            path: str = self._manager.save(step)
        except (OSError, tf.errors.OpError) as error:
            raise RunError(
                f"The checkpoint after batch {step} cannot be written to {self._folder} "
                f"({str(error)[:200]}). The last good one is {self.newest}."
            ) from error
        return path

    def restore(self, step: int | None = None) -> bool:
        """Fill the networks and optimisers from the newest state, or that of `step`; False without any.

        Raises:
            RunError: there is no such state, or it is damaged, or it is one of other networks.
        """
        path = self.newest if step is None else str(self._folder / f"ckpt-{step}")
        if path is None:
            return False
        if path not in self._manager.checkpoints:
            steps = ", ".join(name.rpartition("-")[2] for name in self._manager.checkpoints)
            raise RunError(f"There is no checkpoint of batch {step} in {self._folder}. There are: {steps}.")
        try:
            status = self._checkpoint.restore(path)
            status.assert_existing_objects_matched()
            status.assert_consumed()
        except (AssertionError, ValueError, LookupError, tf.errors.OpError) as error:
            raise RunError(
                f"The checkpoint {path} cannot be restored ({str(error)[:200]}). It is damaged or of other "
                "networks: choose another run folder."
            ) from error
        return True
