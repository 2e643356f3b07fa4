"""Where the files of a run lie; `training.run.folder` says what each holds."""

import os
from dataclasses import dataclass
from pathlib import Path

from training.errors import RunError

BEST = "best"


@dataclass(frozen=True, slots=True)
class RunPaths:
    """Where everything of the run in `folder` lies or belongs."""

    folder: Path

    def __post_init__(self) -> None:
        """Refuse a folder that TensorFlow would not find, or would make another of.

        Raises:
            RunError: its name is not in UTF-8, which TensorFlow takes every name for.
        """
        path = os.path.abspath(self.folder)  # noqa: PTH100  # `resolve` would follow links
        if os.fsencode(path) != path.encode("utf-8", "replace"):
            raise RunError(
                f"The name of the run folder {os.fsencode(path).decode('utf-8', 'backslashreplace')} is not "
                "in UTF-8, and TensorFlow takes every name for that. Choose another, in ASCII."
            )

    @property
    def config_path(self) -> Path:
        """Where the configuration lies."""
        return self.folder / "config.json"

    @property
    def claim_path(self) -> Path:
        """What the process that trains here holds."""
        return self.folder / ".training.lock"

    @property
    def pictures_path(self) -> Path:
        """Where the description of the pictures lies."""
        return self.folder / "pictures.json"

    @property
    def set_path(self) -> Path:
        """Where it is said by what the set of pictures is known."""
        return self.folder / "set.json"

    @property
    def stats_path(self) -> Path:
        """Where the figures of each epoch lie."""
        return self.folder / "stats.jsonl"

    @property
    def unfinished_path(self) -> Path:
        """Where the figures so far of an interrupted epoch lie."""
        return self.folder / "unfinished.json"

    @property
    def curves_path(self) -> Path:
        """Where the curves belong."""
        return self.folder / "curves.png"

    @property
    def events_folder(self) -> Path:
        """Where TensorBoard's event files belong."""
        return self.folder / "events"

    @property
    def environment_path(self) -> Path:
        """Where it is said what the run was trained with."""
        return self.folder / "environment.json"

    @property
    def publications_path(self) -> Path:
        """Where it is said as what the run was published, a line each."""
        return self.folder / "publications.jsonl"

    @property
    def report_path(self) -> Path:
        """Where the report belongs."""
        return self.folder / "report.html"

    @property
    def samples_folder(self) -> Path:
        """Where the sample grids lie."""
        return self.folder / "samples"

    @property
    def origin_path(self) -> Path:
        """Where it is said from which model or run it began, if from one."""
        return self.folder / "origin.json"

    @property
    def real_path(self) -> Path:
        """Where training pictures lie, laid out as the sample grids are."""
        return self.folder / "real.png"

    @property
    def animation_path(self) -> Path:
        """Where the animation of the grids belongs."""
        return self.folder / "samples.gif"

    @property
    def checkpoints_folder(self) -> Path:
        """Where the checkpoints lie."""
        return self.folder / "checkpoints"

    @property
    def best_folder(self) -> Path:
        """Where the best checkpoint is kept."""
        return self.checkpoints_folder / BEST

    @property
    def best_path(self) -> Path:
        """Where it is said which checkpoint is the best."""
        return self.best_folder / "best.json"

    @property
    def ranking_path(self) -> Path:
        """Where lies what was measured of each checkpoint afterwards."""
        return self.checkpoints_folder / "ranking.json"

    def has_checkpoint(self, step: int) -> bool:
        """Say whether the state after `step` batches is kept."""
        folders = (self.checkpoints_folder, self.best_folder)
        return any((folder / f"ckpt-{step}.index").exists() for folder in folders)

    @property
    def export_folder(self) -> Path:
        """Where the exported graph and its figures lie."""
        return self.folder / "export"

    @property
    def graph_path(self) -> Path:
        """Where the exported graph lies."""
        return self.export_folder / "generator.onnx"

    @property
    def export_report_path(self) -> Path:
        """Where lies what was measured of the exported graph."""
        return self.export_folder / "export.json"

    @property
    def weights_path(self) -> Path:
        """Where the exported state's weights of both networks lie."""
        return self.export_folder / "training-weights.npz"

    @property
    def figures_path(self) -> Path:
        """Where lies what was measured of the exported graph's pictures."""
        return self.export_folder / "figures.json"

    @property
    def copies_path(self) -> Path:
        """Where its most copied drawings lie, above the training pictures nearest to them."""
        return self.export_folder / "copies.png"

    @property
    def encoder_folder(self) -> Path:
        """Where the encoder learns: its settings and its states."""
        return self.folder / "encoder"

    @property
    def encoder_path(self) -> Path:
        """Where it is said with which settings the encoder learns, and for which drawings."""
        return self.encoder_folder / "encoder.json"

    @property
    def projection_path(self) -> Path:
        """Where it is said of the two graphs below what they are for, and what was measured of them."""
        return self.export_folder / "projection.json"

    @property
    def encoder_graph_path(self) -> Path:
        """Where the exported encoder lies."""
        return self.export_folder / "encoder.onnx"

    @property
    def gradient_graph_path(self) -> Path:
        """Where the gradient of the exported generator lies."""
        return self.export_folder / "gradient.onnx"

    @property
    def reconstructions_path(self) -> Path:
        """Where real pictures lie above what was found for them."""
        return self.export_folder / "reconstructions.png"

    def sample_path(self, epoch: int) -> Path:
        """Return where the grid after `epoch` epochs belongs."""
        return self.samples_folder / f"epoch-{epoch:04d}.png"

    def sample_paths(self) -> list[Path]:
        """Return the grids that are there, in the order of their epochs."""
        return sorted(self.samples_folder.glob("epoch-*.png"))
