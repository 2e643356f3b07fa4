"""`ganymede generate`: the service's pictures without the service."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import typer
from pydantic import BaseModel

from foundation.errors import GanymedeError, InvalidField
from ganymede.arguments import read_path, read_text
from ganymede.commands.outputs import place
from ganymede.commands.shards import (
    CountOption,
    FormatOption,
    ImagesOption,
    IndexOption,
    ShardsOption,
    make_shards,
)
from ganymede.options import ModelArgument, ModelsOption

Order = TypeVar("Order", bound=BaseModel)
MAX_SEEDS = 100_000
_BATCH_IMAGES = 64
_GRID = Path("grid.png")

LabelOption = Annotated[str | None, typer.Option(parser=read_text, help="A class's name or index.")]
TruncationOption = Annotated[float, typer.Option(help="ψ in (0, 1].")]
ScaleOption = Annotated[int, typer.Option(help="Whole-number enlargement.")]


class WrongOption(GanymedeError):
    """An option of the command line that cannot be meant."""

    code = "wrong-option"


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(generate)


def generate(
    model: ModelArgument,
    seeds: Annotated[str, typer.Option(help="Such as 0-15 or 1,5,9.")] = "0-15",
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", parser=read_path, help="By its ending: png, jpg, webp, zip, npy, json."
        ),
    ] = _GRID,
    label: LabelOption = None,
    truncation: TruncationOption = 1.0,
    columns: Annotated[int | None, typer.Option(help="Of the grid.")] = None,
    padding: Annotated[int, typer.Option(help="White pixels between the images.")] = 0,
    scale: ScaleOption = 1,
    shards: ShardsOption = None,
    shard_format: FormatOption = "tar",
    shard_images: ImagesOption = 10_000,
    shard_index: IndexOption = 0,
    shard_count: CountOption = 1,
    models: ModelsOption = "models",
) -> None:
    """Generate the pictures of seeds into a file, the bytes that the service answers, or into shards."""
    from service.encoding.pictures import MEDIA_TYPES, encode_images
    from service.requests.recipes import describe_provenance, read_layout
    from service.requests.request_inputs import draw_inputs
    from service.requests.schemas import GenerateRequest

    if shards is not None:
        from ganymede.bulk.order import Order as ShardOrder
        from ganymede.bulk.seeds import Seeds

        if output != _GRID or columns is not None or padding:
            raise WrongOption("--shards: --output, --columns and --padding are for one file; leave them out.")
        wanted = Seeds(seeds)
        fields = {"seeds": list(wanted.between(0, 1)), "scale": scale}
        request = read_request(fields, label, truncation, GenerateRequest)
        what = ShardOrder(wanted, cast("Any", shard_format), shard_images, label, truncation, scale)
        what.check_process(shard_index, shard_count)
        release = open_release(models, model)
        make_shards(release, request, what, shards, index=shard_index, processes=shard_count)
        return
    format = format_of(output, MEDIA_TYPES)
    fields = {"seeds": parse_seeds(seeds), "columns": columns, "padding": padding, "scale": scale}
    request = read_request(fields, label, truncation, GenerateRequest)
    release = open_release(models, model)
    inputs = draw_inputs(release.manifest, request, request.seeds)
    images = _generate(release, inputs)
    provenance = describe_provenance(release.manifest, request, inputs.seeds, inputs.labels)
    content = encode_images(images, format, provenance, read_layout(request))
    _write(output, content, f"{len(inputs.latents)} images of {release.manifest.reference}")


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


def read_request(fields: dict[str, Any], label: str | None, truncation: float, schema: type[Order]) -> Order:
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
        words = ",".join(map(str, given[:20])) if isinstance(given, list) else str(given).removesuffix(".0")
        raise WrongOption(f"--{name} {words}: {error.reason}.") from None


def format_of(output: Path, formats: dict[str, str]) -> str:
    """The one of `formats` that a file's ending names.

    Raises:
        WrongOption: it names none.
    """
    suffix = output.suffix.removeprefix(".").lower()
    format = {"jpg": "jpeg"}.get(suffix, suffix)
    if format not in formats:
        raise WrongOption(f"--output {output}: the ending must be one of {', '.join(formats)}.")
    return format


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


def _write(output: Path, content: bytes, what: str) -> None:
    try:
        place(io.BytesIO(content), output)
    except OSError as error:
        raise WrongOption(f"--output {output}: {error.strerror or error}.") from error
    typer.echo(f"{output}: {what}, {len(content):,} bytes")
