"""An exported graph on grids, on which no sum can round."""

import onnx

from foundation.grid.demands import NotPlaceable
from foundation.grid.price import Price, measure_price, place_priced
from foundation.grid.proof import NotExact
from foundation.manifest import LabelInput, LatentInput
from training.errors import ExportError
from training.grid.tuning import Shown, show_nothing, tune


def place_graph(
    model: onnx.ModelProto,
    latent_size: int,
    class_names: tuple[str, ...],
    tuning_steps: int = 0,
    tuned: Shown = show_nothing,
) -> tuple[onnx.ModelProto, Price]:
    """The graph on grids, on which no sum can round, trained there for some steps, and what that costs.

    What training made no better, in levels on average, is not kept.

    Raises:
        ExportError: an operator has no place on a grid, or it is not proven to be exact.
    """
    latent, label = LatentInput(size=latent_size), LabelInput(classes=class_names) if class_names else None
    try:
        placed, price = place_priced(model, latent, label)
        if tuning_steps:
            exact = tune(placed, latent, label, steps=tuning_steps, shown=tuned)
            better = measure_price(model, exact, latent, label)
            if better.mean_levels < price.mean_levels:
                return exact, better
    except (NotPlaceable, NotExact) as error:
        raise ExportError(
            f"The graph cannot be made exact: {error} Export it with --arithmetic float."
        ) from error
    return placed.model, price
