"""`ganymede train`, `export` and `publish`: from pictures to a release."""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from foundation.errors import GanymedeError
from ganymede.arguments import read_path
from ganymede.commands.preset_help import PresetHelp
from ganymede.commands.promotion import point_alias
from ganymede.commands.store import upload_bar
from ganymede.opening import open_models, sign_new
from ganymede.options import ModelsOption, PromoteOption, SignOption
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


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command(cls=PresetHelp)(train)
    app.command()(export)
    app.command()(publish)


def train(
    preset: Annotated[
        str, typer.Option(help="The networks and their recipe; they are listed below.")
    ] = "dcgan",
    data: Annotated[
        str | None,
        typer.Option(help="A set's name, folder:PATH, npz:PATH, idx:PATH or s3://…; or the preset's."),
    ] = None,
    data_folder: DataFolderOption = None,
    run: Annotated[
        Path | None,
        typer.Option(
            help="The run's folder; an existing one goes on.", parser=read_run_folder, metavar="PATH"
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE of those below, any number of times.")
    ] = None,
    features: FeaturesOption = None,
    begin: Annotated[
        str | None,
        typer.Option("--from", help="Begin with a release's weights, MODEL[@VERSION], or a run's folder."),
    ] = None,
    models: ModelsOption = "models",
) -> None:
    """Train a generator. Ctrl-C saves; the same command with --run goes on."""
    from rich.console import Console

    with explained():
        from training.config import override
        from training.presets import find_preset

        named = {"data": data, "features": features}
        settings = [*(f"{key}={value}" for key, value in named.items() if value), *(overrides or [])]
        configuration = override(find_preset(preset).defaults, settings)
        load_tensorflow()  # it takes seconds: wrong options go first
        from training.train import train as train_run

        name = f"{preset}-{_slug(configuration.data)}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        folder = run or Path("runs") / name
        origin = None if begin is None else read_origin(begin, models)
        typer.echo(f"Training into {folder}")
        outcome = train_run(
            configuration,
            folder,
            data_folder=data_folder,
            console=Console(),
            speaks=True,
            origin=origin,
        )
    if not outcome.interrupted:
        typer.echo(f"Trained. Next: ganymede export {shlex.quote(str(folder))}")


def read_origin(begin: str, models: str) -> Any:
    """Return the weights of a run's folder, or of a release in the store `models`, to begin from."""
    from foundation.store import parse_reference, resolve_version
    from training.launch.origin import read_release, read_run

    folder = Path(begin)
    if (folder / "config.json").exists() or re.search(r"[/\\]", begin):
        return read_run(read_run_folder(begin))
    store, reference = open_models(models), parse_reference(begin)
    return read_release(store, store.manifest(reference.model, resolve_version(store, reference)))


def export(
    run: RunArgument,
    checkpoint: Annotated[
        str | None,
        typer.Option(help="best, last, or a number of batches; the best that was measured unless given."),
    ] = None,
    arithmetic: Annotated[
        str, typer.Option(help="float, or exact: the same pixels on every machine, at a price that is shown.")
    ] = "float",
    tuning_steps: Annotated[
        int,
        typer.Option(
            min=0,
            max=1_000_000,
            help="With exact: so many steps of training on the grid, of 32 pictures each.",
        ),
    ] = 0,
) -> None:
    """Export a run's generator to ONNX and hold it against Keras."""
    if arithmetic not in ("float", "exact"):
        raise typer.BadParameter(f"'{arithmetic}' is neither float nor exact.", param_hint="--arithmetic")
    chosen = None if checkpoint is None else _parse_checkpoint(checkpoint)
    with explained():
        load_tensorflow_for(run)
        from training.export.exporting import export_run, read_export
        from training.run.folder import Run

        exact: Literal["exact", "float"] = "exact" if arithmetic == "exact" else "float"
        with _tuning_bar(tuning_steps) as tuned:
            path = export_run(
                run, checkpoint=chosen, arithmetic=exact, tuning_steps=tuning_steps, tuned=tuned
            )
        report = read_export(Run(run))
    typer.echo(f"{path}: the same pictures as Keras{'' if report.price is None else ', before the grid'}.")
    if report.price:
        typer.echo(f"exact: proven; it costs {report.price}.")
    typer.echo(f"Next: ganymede publish {shlex.quote(str(run))} --name NAME")
    if report.best:
        typer.echo(f"Of epoch {report.epochs}, the best: {report.best.figure} {report.best.value:.4g}.")
    elif chosen is None:
        typer.echo(
            f"Of epoch {report.epochs}, the last; ganymede rank measures all that are kept, for the best."
        )


@contextmanager
def _tuning_bar(steps: int) -> Iterator[Callable[[int, float], None]]:
    """A progress bar for training on the grid, which shows itself with the first step."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("on the grid", total=steps, visible=False)

        def show(step: int, loss: float) -> None:
            said = f"on the grid, {loss:.2f} levels²"
            progress.update(task, completed=step, description=said, visible=True)

        yield show


def _parse_checkpoint(word: str) -> Literal["best", "last"] | int:
    if word == "best":
        return "best"
    if word == "last":
        return "last"
    if word.isdecimal():
        return int(word)
    raise typer.BadParameter(f"'{word}' is none of best, last or a number.", param_hint="--checkpoint")


def publish(
    run: RunArgument,
    name: Annotated[str, typer.Option(help="The model's name.")],
    version: Annotated[str | None, typer.Option(help="The version; the next vN unless given.")] = None,
    licence: Annotated[str, typer.Option(help="Of the model: an SPDX name or a sentence.")] = "unstated",
    promote: PromoteOption = None,
    sign: SignOption = None,
    models: ModelsOption = "models",
    *,
    weights: Annotated[
        bool, typer.Option(help="Give the weights of both networks along, for others to train on from.")
    ] = True,
    encoder: Annotated[
        bool, typer.Option(help="Give what ganymede encoder made along, if it made something.")
    ] = True,
    max_copied: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Refuse where a larger share of the drawings copies training pictures, say 0.02.",
        ),
    ] = None,
) -> None:
    """Publish an exported run as a new version of a model."""
    from foundation.store import next_version, open_store

    with upload_bar() as sent, explained():
        load_tensorflow_for(run)
        from training.export.publication import publish_run

        store = open_store(models, sent=sent)
        version = version or next_version(store, name)
        publish_run(
            run,
            store,
            name=name,
            version=version,
            licence=licence,
            sign=lambda manifest: sign_new(manifest, sign),
            weights=weights,
            encoder=encoder,
            max_copied=max_copied,
        )
    typer.echo(f"Published {name}@{version} in {store.location}.")
    if promote:
        point_alias(open_models(models), name, version, promote)


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


def _slug(data: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-")[:40] or "data"
