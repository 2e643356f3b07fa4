"""The run folder: a training run that describes itself.

```
RUN/config.json              the configuration, with the precision that was chosen
RUN/pictures.json            what the networks were built for: the pictures' size, channels, class names
RUN/set.json                 what the set of pictures is known by, so that it is noticed when it changes
RUN/stats.jsonl              one line an epoch
RUN/unfinished.json          the figures so far of an epoch that was interrupted
RUN/curves.png, events/      the curves as a picture, and for TensorBoard
RUN/report.html              all of it in one file
RUN/origin.json              which model or run it began from, and what of it was taken
RUN/environment.json         where it was trained last: versions of libraries, device
RUN/publications.jsonl       as what it was published
RUN/checkpoints/             the last few states, enough to go on from
RUN/checkpoints/best/        the state whose pictures were measured to be the nearest to real ones
RUN/real.png                 training pictures, laid out as the samples are
RUN/samples/epoch-0001.png   the same seeds after each epoch, and samples.gif of them all
RUN/export/                  generator.onnx and what was measured of it; encoder.onnx and gradient.onnx
RUN/encoder/                 the encoder in training: its settings and its states
```
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.config import Configuration
from training.errors import RunError
from training.presets import parse_configuration
from training.run.differences import name_differences
from training.run.paths import RunPaths
from training.run.stats import EpochPart, EpochStats
from training.shape import PictureShape

CHANGEABLE = frozenset(
    {"epochs", "checkpoint_epochs", "checkpoints_kept", "sample_epochs"}
    | {"xla", "evaluation_epochs", "evaluation_images", "features", "patience"}
)
"""Settings that a run may go on with changed: its length, its compiler, and how it is watched."""


@dataclass(frozen=True, slots=True)
class Run(RunPaths):
    """One run folder: what is read from it and written to it."""

    def require_same(self, configuration: Configuration, shape: PictureShape) -> None:
        """Raise RunError where the folder holds a run of another configuration or other pictures."""
        if self.config_path.exists():
            stored = self.read_configuration()
            changed = {name: getattr(configuration, name) for name in CHANGEABLE}
            if stored.model_copy(update=changed) != configuration:
                differences = name_differences(stored.model_copy(update=changed), configuration)
                raise RunError(
                    f"{self.config_path} holds another configuration: {differences}. Resume the run with its "
                    "own, or choose another run folder."
                )
        if self.pictures_path.exists() and (kept := self.read_shape()) != shape:
            raise RunError(
                f"{self.folder} was trained on other pictures: {name_differences(kept, shape)}. Choose "
                "another run folder."
            )

    def keep_colour(self, configuration: Configuration) -> Configuration:
        """Return the settings to load the run's pictures with: in the colours that it began with.

        Folders of grey pictures are grey unless `channels` is set; runs from before that have them in colour.
        """
        if configuration.channels or not self.pictures_path.exists():
            return configuration
        return configuration.model_copy(update={"channels": self.read_shape().channels})

    def start(self, configuration: Configuration, shape: PictureShape) -> None:
        """Make the folder and write its configuration; raise RunError as `require_same`."""
        self.require_same(configuration, shape)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.samples_folder.mkdir(exist_ok=True)
        replace_text(self.config_path, configuration.model_dump_json(indent=2) + "\n")
        replace_text(self.pictures_path, shape.model_dump_json(indent=2) + "\n")

    def read_configuration(self) -> Configuration:
        """Read config.json; raise RunError where it is missing or not a configuration."""
        try:
            stored = json.loads(self.config_path.read_text(encoding="utf-8-sig"))
            return parse_configuration(stored)
        except FileNotFoundError as error:
            raise RunError(f"{self.folder} is not a run folder: it has no config.json.") from error
        except (KeyError, TypeError, ValueError) as error:  # pydantic's and json's own are ValueErrors
            raise RunError(f"{self.config_path} is not a configuration: {error}") from error

    def read_shape(self) -> PictureShape:
        """Read pictures.json; raise RunError where it is missing or damaged."""
        try:
            return PictureShape.model_validate_json(self.pictures_path.read_text(encoding="utf-8-sig"))
        except (FileNotFoundError, ValueError) as error:  # pydantic's own is one
            raise RunError(f"{self.pictures_path} is missing or damaged: train the run again.") from error

    def read_stats(self) -> list[EpochStats]:
        """Read stats.jsonl; a last line cut off by a crash is left out.

        Raises:
            RunError: it is damaged.
        """
        if not self.stats_path.exists():
            return []
        try:
            text = self.stats_path.read_text(encoding="utf-8-sig")
            lines = text[: text.rfind("\n") + 1].splitlines()
            return [EpochStats.model_validate_json(line) for line in lines]
        except ValueError as error:  # pydantic's own is one
            raise RunError(
                f"{self.stats_path} is damaged: a line of it holds no figures of an epoch. Put it back as it "
                "was, or take that line out."
            ) from error

    def write_stats(self, stats: list[EpochStats]) -> None:
        """Replace stats.jsonl by `stats`, whole or not at all."""
        replace_text(
            self.stats_path, "".join(f"{row.model_dump_json(exclude_defaults=True)}\n" for row in stats)
        )

    def read_unfinished(self, step: int) -> EpochPart:
        """Return the figures of the epoch that was interrupted after `step` batches; none of a whole one."""
        try:
            part = EpochPart.model_validate_json(self.unfinished_path.read_text(encoding="utf-8-sig"))
        except (FileNotFoundError, ValueError):
            return EpochPart(step=step)
        return part if part.step == step else EpochPart(step=step)

    def write_unfinished(self, part: EpochPart) -> None:
        """Keep the figures so far of an epoch that is interrupted."""
        replace_text(self.unfinished_path, part.model_dump_json() + "\n")


def read_json(path: Path) -> Any:
    """Read a file of a run; raise RunError where it is no JSON in UTF-8, OSError where it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:  # of either encoding
        raise RunError(f"{path} is damaged: it is no JSON in UTF-8. Put it back, or remove it.") from error


def replace_text(path: Path, text: str) -> None:
    """Write `text` to `path` so that a reader sees either the old file or the new one.

    Raises:
        OSError: it cannot be written; the error names the file.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
