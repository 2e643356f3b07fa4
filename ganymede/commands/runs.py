"""What the commands for training runs share: a run's folder, TensorFlow, and what went wrong in words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from foundation.errors import GanymedeError
from ganymede.arguments import read_path
from ganymede.tensorflow_loading import load_tensorflow, require_tensorflow


def read_run_folder(text: str) -> Path:
    """Return the folder of a run; raise BadParameter for the address of a store."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
        raise typer.BadParameter(
            f"'{text}' is an address; a run lies in a folder of this machine. ganymede publish --models "
            "takes the address of a store."
        )
    return read_path(text)


RunArgument = Annotated[
    Path, typer.Argument(help="The folder of a training run.", parser=read_run_folder, metavar="RUN")
]
DataFolderOption = Annotated[
    Path | None,
    typer.Option(
        help="Where the data's files lie.", envvar="GANYMEDE_DATA", parser=read_path, metavar="PATH"
    ),
]
FeaturesOption = Annotated[
    Path | None,
    typer.Option(
        help="A feature network in ONNX; EfficientNet-lite0 unless given, and Fashion-MNIST's own.",
        parser=read_path,
        metavar="PATH",
    ),
]


class TrainingFailed(GanymedeError):
    """The training package said why in words."""

    code = "training-failed"


class TooManyCopies(TrainingFailed):
    """More of a run's drawings are copies of training pictures than may be, or nobody has looked."""

    code = "too-many-copies"


def load_tensorflow_for(run: Path) -> None:
    """Load TensorFlow, but first raise where it is not installed, or `run` is a folder of something else."""
    require_tensorflow()
    from training.run.folder import Run

    Run(run).read_configuration()
    load_tensorflow()


@contextmanager
def explained() -> Iterator[None]:
    """Let what the training package explains leave as our own error."""
    from training.errors import CopiedError, TrainingProblem

    try:
        yield
    except CopiedError as error:
        raise TooManyCopies(f"{error} [{TooManyCopies.code}]") from error
    except TrainingProblem as error:
        raise TrainingFailed(str(error)) from error
