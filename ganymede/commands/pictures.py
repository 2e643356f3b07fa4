"""`ganymede generate` and `ganymede walk`: the service's pictures without the service."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel

from foundation.errors import GanymedeError, InvalidField
from ganymede.arguments import read_path, read_text
from ganymede.options import ModelArgument, ModelsOption

Order = TypeVar("Order", bound=BaseModel)
MAX_SEEDS = 100_000
_BATCH_IMAGES = 64

LabelOption = Annotated[str | None, typer.Option(parser=read_text, help="A class's name or index.")]
TruncationOption = Annotated[float, typer.Option(help="ψ in (0, 1].")]
ScaleOption = Annotated[int, typer.Option(help="Whole-number enlargement.")]


class WrongOption(GanymedeError):
    """An option of the command line that cannot be meant."""

    code = "wrong-option"


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(generate)
    app.command()(walk)


def generate(
    model: ModelArgument,
    seeds: Annotated[str, typer.Option(help="Such as 0-15 or 1,5,9.")] = "0-15",
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", parser=read_path, help="By its ending: png, jpg, webp, zip, npy, json."
        ),
    ] = Path("grid.png"),
    label: LabelOption = None,
    truncation: TruncationOption = 1.0,
    columns: Annotated[int | None, typer.Option(help="Of the grid.")] = None,
    padding: Annotated[int, typer.Option(help="White pixels between the images.")] = 0,
    scale: ScaleOption = 1,
    models: ModelsOption = "models",
) -> None:
    """Generate the pictures of seeds into a file: the bytes that the service answers."""
    from service.encoding.pictures import MEDIA_TYPES, encode_images
    from service.requests.recipes import describe_provenance
    from service.requests.request_inputs import draw_inputs
    from service.requests.schemas import GenerateRequest

    form = _format_of(output, MEDIA_TYPES)
    fields = {"seeds": parse_seeds(seeds), "columns": columns, "padding": padding, "scale": scale}
    order = _read_order(fields, label, truncation, GenerateRequest)
    release = open_release(models, model)
    inputs = draw_inputs(release.manifest, order, order.seeds)
    content = encode_images(
        _generate(release, inputs),
        form,
        describe_provenance(release.manifest, order, inputs.seeds, inputs.labels),
        columns=order.columns,
        padding=order.padding,
        scale=order.scale,
    )
    _write(output, content, f"{len(inputs.latents)} images of {release.manifest.reference}")


def walk(
    model: ModelArgument,
    seeds: Annotated[str, typer.Option(help="The key points, such as 1,5,9.")],
    frames: Annotated[int, typer.Option(help="Of the whole walk.")] = 60,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            parser=read_path,
            help="By its ending: png (a filmstrip), gif, apng, webp, mp4, zip, npy.",
        ),
    ] = Path("walk.png"),
    interpolation: Annotated[str, typer.Option(help="slerp, lerp or spline.")] = "slerp",
    loop: Annotated[bool, typer.Option("--loop", help="Return to the first key point.")] = False,  # noqa: FBT002 - a flag
    easing: Annotated[str, typer.Option(help="linear or smooth.")] = "linear",
    fps: Annotated[int, typer.Option(help="Frames a second.")] = 30,
    label: LabelOption = None,
    labels: Annotated[
        str | None, typer.Option(parser=read_text, help="A class for each key point, with commas.")
    ] = None,
    truncation: TruncationOption = 1.0,
    scale: ScaleOption = 1,
    models: ModelsOption = "models",
) -> None:
    """Walk through latent space by way of the pictures of two or more seeds."""
    from service.encoding.animation import MEDIA_TYPES, check_fps
    from service.requests.request_inputs import draw_inputs
    from service.requests.schemas import WalkRequest

    form = _format_of(output, MEDIA_TYPES)
    fields = {
        "seeds": parse_seeds(seeds),
        "frames": frames,
        "interpolation": interpolation,
        "loop": loop,
        "easing": easing,
        "fps": fps,
        "scale": scale,
    }
    if labels is not None:
        fields["labels"] = [part.strip() for part in labels.split(",")]
    order = _read_order(fields, label, truncation, WalkRequest)
    check_fps(form, order.fps)
    release = open_release(models, model)
    keys = draw_inputs(release.manifest, order, order.seeds)
    _write_walk(output, form, release, keys, order)
    typer.echo(f"{output}: {order.frames} frames, {output.stat().st_size:,} bytes")


def parse_seeds(text: str) -> list[int]:
    """Seeds written as `1,5,9`, `0-15` or both.

    Raises:
        WrongOption: it is not that, or more than MAX_SEEDS.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,10})(?:-(\d{1,10}))?\s*", part)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise WrongOption(f"--seeds {text!r}: write seeds as 1,5,9 or 0-15.")
        first, last = int(match[1]), int(match[2] or match[1])
        if len(seeds) + last - first >= MAX_SEEDS:
            raise WrongOption(f"--seeds {text!r}: at most {MAX_SEEDS:,} at once.")
        seeds.extend(range(first, last + 1))
    return seeds


def _read_order(fields: dict[str, Any], label: str | None, truncation: float, schema: type[Order]) -> Order:
    """The request that the options are; what is wrong with one is said under its own name.

    Raises:
        WrongOption: an option breaks its limit.
    """
    import orjson

    from service.http.bodies import parse_body

    if label is not None:
        fields["label"] = label  # its name, or its index: `foundation.labels` knows which
    fields["truncation"] = truncation
    try:
        return parse_body(orjson.dumps(fields), schema)
    except InvalidField as error:
        name = error.field.partition(".")[0]
        given = fields.get(name)
        words = ",".join(map(str, given[:20])) if isinstance(given, list) else str(given)
        raise WrongOption(f"--{name} {words}: {error.reason}.") from None


def _format_of(output: Path, formats: dict[str, str]) -> str:
    suffix = output.suffix.removeprefix(".").lower()
    form = {"jpg": "jpeg"}.get(suffix, suffix)
    if form not in formats:
        raise WrongOption(f"--output {output}: the ending must be one of {', '.join(formats)}.")
    return form


def open_release(models: str, model: str) -> Any:
    """The release that `model` means, open."""
    from ganymede.opening import open_models
    from service.engine.cores import usable_cores
    from service.engine.devices import cpu_device
    from service.releases.lookup import Releases

    return Releases(open_models(models), default_model=None, device=cpu_device(usable_cores())).get(model)


def _generate(release: Any, inputs: Any) -> Any:
    import numpy as np

    return np.concatenate(list(_generate_batches(release, inputs)))


def _generate_batches(release: Any, inputs: Any) -> Iterator[Any]:
    from rich.progress import track

    starts = range(0, len(inputs.latents), _BATCH_IMAGES)
    for start in track(starts, "Generating", transient=True, disable=len(starts) < 8):
        part = inputs.part(start, start + _BATCH_IMAGES)
        yield release.generator.generate(part.latents, part.labels)


def _write_walk(output: Path, form: str, release: Any, keys: Any, order: Any) -> None:
    """Generate and encode a chunk at a time; the file appears when it is whole."""
    from contextlib import closing

    from rich.progress import track

    from foundation.locked_folders import locked_folder
    from service.encoding.pictures import enlarge
    from service.engine.walks import open_walk_encoder, split_frames
    from service.requests.request_inputs import walk_inputs

    parts = list(split_frames(order.frames))
    with locked_folder("walk") as folder:
        path = folder / f"walk.{form}"
        with closing(open_walk_encoder(path, form, order, keys, release.manifest)) as encoder:
            for part in track(parts, "Walking", transient=True, disable=len(parts) < 8):
                inputs = walk_inputs(keys, order, part)
                encoder.add(enlarge(release.generator.generate(inputs.latents, inputs.labels), order.scale))
            encoder.finish()
        try:
            shutil.copyfile(path, output)
        except OSError as error:
            raise WrongOption(f"--output {output}: {error.strerror}.") from error


def _write(output: Path, content: bytes, what: str) -> None:
    try:
        output.write_bytes(content)
    except OSError as error:
        raise WrongOption(f"--output {output}: {error.strerror}.") from error
    typer.echo(f"{output}: {what}, {len(content):,} bytes")
