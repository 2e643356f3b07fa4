"""The best checkpoint of a run: kept apart from the newest ones, with the figure that chose it."""

import os
import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from training.errors import RunError
from training.metrics import find_metric
from training.run.folder import Run, replace_text


class BestCheckpoint(BaseModel):
    """What checkpoints/best/best.json says: of the states that were measured, the one nearest to real."""

    model_config = ConfigDict(frozen=True)

    step: int
    epoch: int
    """Whole epochs."""
    figure: str
    """The name of what was measured: see `training.metrics.figures`."""
    value: float

    def beats(self, other: "BestCheckpoint | None") -> bool:
        """Say whether it takes the place of `other`: figures of different names are not compared."""
        if other is None or other.figure != self.figure:
            return True
        return find_metric(self.figure).is_better(self.value, other.value)


def read_best(run: Run) -> BestCheckpoint | None:
    """Read best.json; None before the first measurement, RunError where it is damaged."""
    try:
        return BestCheckpoint.model_validate_json(run.best_path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return None
    except ValueError as error:  # no figures of the kind, or no UTF-8
        raise RunError(f"{run.best_path} is damaged. Remove it and measure the checkpoints again.") from error


def keep_best(run: Run, best: BestCheckpoint) -> None:
    """Keep the state of `best`, one of RUN/checkpoints, in RUN/checkpoints/best instead of the one before.

    Raises:
        OSError: the files are not there any more, or cannot be written.
    """
    run.best_folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(run.checkpoints_folder.glob(f"ckpt-{best.step}.*")):
        place_copy(path, run.best_folder / path.name)
    if not (run.best_folder / f"ckpt-{best.step}.index").exists():
        raise FileNotFoundError(2, "is gone", str(run.checkpoints_folder / f"ckpt-{best.step}.index"))
    replace_text(run.best_path, best.model_dump_json(indent=2) + "\n")
    for path in run.best_folder.glob("ckpt-*"):
        if not path.name.startswith(f"ckpt-{best.step}."):
            path.unlink()


def place_copy(source: Path, target: Path) -> None:
    """Put the file at `target` too, whole or not at all, without a second copy where the disk allows it."""
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except FileNotFoundError:
        raise
    except OSError:  # no hard links here
        shutil.copyfile(source, temporary)
    temporary.replace(target)
