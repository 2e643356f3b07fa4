"""`ganymede directions`: find what a generator can change, and publish it with the model."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from ganymede.arguments import read_text
from ganymede.options import ModelArgument, ModelsOption, PromoteOption, SignOption

_AMOUNTS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
_SEEDS, _SIDE = tuple(range(6)), 32
"""Rows of a strip: so many of pictures of so many pixels a side, fewer of larger ones."""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.command()(directions)


def directions(
    model: ModelArgument,
    count: Annotated[int, typer.Option(min=1, max=32, help="How many, strongest first.")] = 8,
    method: Annotated[
        str, typer.Option(help="sefa (the first layer's weights) or pca (its activations).")
    ] = "sefa",
    names: Annotated[
        str | None,
        typer.Option(parser=read_text, help="Names for the first ones, such as 'sleeve length,height'."),
    ] = None,
    promote: PromoteOption = None,
    sign: SignOption = None,
    models: ModelsOption = "models",
) -> None:
    """Publish a new version of a model with its main directions, and a strip of pictures of each."""
    from dataclasses import replace

    from foundation.graphs.content import MAX_GRAPH_BYTES
    from foundation.manifest import REFERENCE_GRAPH, created_now
    from foundation.store import describe_file, next_version, parse_reference, resolve_version
    from foundation.store import promote as promote_version
    from ganymede.commands.pictures import open_release
    from ganymede.opening import open_models, sign_new
    from service.releases.opening import check_content
    from service.requests.directions import DIRECTIONS_FILE
    from service.requests.factorisation import find_directions

    store = open_models(models)
    reference = parse_reference(model)
    manifest = store.manifest(reference.model, resolve_version(store, reference))
    graph = store.read(manifest, REFERENCE_GRAPH, max_bytes=MAX_GRAPH_BYTES)
    check_content(manifest, graph)
    found = find_directions(graph, manifest, count, method)
    given = [name.strip() for name in (names or "").split(",") if name.strip()][: len(found.names)]
    found = replace(found, names=(*given, *found.names[len(given) :]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = [entry for entry in manifest.files if not entry.path.startswith("direction")]
        for entry in kept:
            store.fetch(manifest, entry.path, folder / entry.path)
        (folder / DIRECTIONS_FILE).write_bytes(found.to_bytes())
        generator = open_release(models, manifest.reference).generator
        added = [DIRECTIONS_FILE, *draw_strips(folder, generator, manifest, found)]
        published = manifest.model_copy(
            update={
                "version": next_version(store, manifest.name),
                "created_at": created_now(),
                "files": (*kept, *(describe_file(folder / path) for path in added)),
            }
        )
        files = {entry.path: folder / entry.path for entry in published.files}
        store.publish(published, files, signature=sign_new(published, sign))
    typer.echo(f"{published.reference}: {manifest.reference} with {len(found.names)} directions.")
    if promote:
        promote_version(store, published.name, published.version, alias=promote)


def draw_strips(folder: Path, generator: Any, manifest: Any, found: Any) -> list[str]:
    """A picture for each direction: a row for each of some seeds, the amount growing from left to right."""
    import numpy as np

    from service.encoding.pictures import encode_image, lay_grid
    from service.requests.directions import steer
    from service.requests.inputs import draw_seeds

    rows = max(1, len(_SEEDS) * _SIDE // max(_SIDE, manifest.image.height))
    inputs = draw_seeds(manifest, _SEEDS[:rows])
    paths = []
    for index in range(len(found.names)):
        columns = [steer(inputs, found, {str(index): amount}) for amount in _AMOUNTS]
        images = [generator.generate(column.latents, column.labels) for column in columns]
        grid = lay_grid(np.stack(images, axis=1).reshape(-1, *images[0].shape[1:]), columns=len(_AMOUNTS))
        paths.append(f"direction-{index:02}.png")
        (folder / paths[-1]).write_bytes(encode_image(grid[0], "png"))
    return paths
