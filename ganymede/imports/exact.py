"""A wrapped graph placed on grids, on which no sum can round, and what that costs."""

from pathlib import Path

import onnx

from foundation.grid.demands import NotPlaceable
from foundation.grid.price import Price, place_priced
from foundation.grid.proof import NotExact
from foundation.images import Images
from foundation.manifest import LabelInput, LatentInput, Outline
from ganymede.imports.graph import ImportRefused
from service.engine.cores import usable_cores
from service.engine.devices import cpu_device
from service.engine.generator import Generator
from service.requests.inputs import Inputs

MAX_MEAN_LEVELS = 4.0
"""What it may cost, in levels of 255 on average, unless the person says otherwise."""


def place_wrapped(
    wrapped: onnx.ModelProto,
    latent: LatentInput,
    label: LabelInput | None,
    max_mean_levels: float,
    path: Path,
) -> Price:
    """Write the exact graph to `path`; what it costs.

    Raises:
        ImportRefused: an operator has no place on a grid, or it costs too much.
    """
    try:
        placed, price = place_priced(wrapped, latent, label)
    except (NotPlaceable, NotExact) as error:
        raise ImportRefused(
            f"--exact: the graph cannot be made exact. {error} Without --exact it is float."
        ) from error
    if price.mean_levels > max_mean_levels:
        raise ImportRefused(
            f"--exact costs {price}; at most {max_mean_levels:g} levels on average may be "
            "(--max-mean-levels). Nothing was published."
        )
    path.write_bytes(placed.model.SerializeToString())
    return price


def draw_exact(outline: Outline, path: Path, inputs: Inputs) -> Images:
    """What the exact graph at `path` draws."""
    return Generator(outline, path.read_bytes(), cpu_device(usable_cores())).generate(
        inputs.latents, inputs.labels
    )
