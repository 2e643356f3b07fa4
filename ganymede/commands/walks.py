"""`ganymede walk`: the service's walks without the service."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ganymede.arguments import read_path, read_text
from ganymede.commands.outputs import place
from ganymede.commands.pictures import (
    LabelOption,
    ScaleOption,
    TruncationOption,
    WrongOption,
    format_of,
    open_release,
    parse_seeds,
    read_request,
)
from ganymede.options import ModelArgument, ModelsOption


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(walk)


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

    format = format_of(output, MEDIA_TYPES)
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
    request = read_request(fields, label, truncation, WalkRequest)
    check_fps(format, request.fps)
    release = open_release(models, model)
    keys = draw_inputs(release.manifest, request, request.seeds)
    _write_walk(output, format, release, keys, request)
    typer.echo(f"{output}: {request.frames} frames, {output.stat().st_size:,} bytes")


def _write_walk(output: Path, format: str, release: Any, keys: Any, request: Any) -> None:
    """Generate and encode a chunk at a time; the file appears when it is whole."""
    from contextlib import closing

    from rich.progress import track

    from foundation.locked_folders import locked_folder
    from service.encoding.pictures import enlarge
    from service.engine.walks import open_walk_encoder, split_frames
    from service.requests.request_inputs import walk_inputs

    parts = list(split_frames(request.frames))
    with locked_folder("walk") as folder:
        path = folder / f"walk.{format}"
        with closing(open_walk_encoder(path, format, request, keys, release.manifest)) as encoder:
            for part in track(parts, "Walking", transient=True, disable=len(parts) < 8):
                inputs = walk_inputs(keys, request, part)
                encoder.add(enlarge(release.generator.generate(inputs.latents, inputs.labels), request.scale))
            encoder.finish()
        try:
            with path.open("rb") as made:
                place(made, output)
        except OSError as error:
            raise WrongOption(f"--output {output}: {error.strerror or error}.") from error
