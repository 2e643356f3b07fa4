"""A run that begins where another ended: layers whose shapes fit are taken, the others start anew.

Transfer is what makes a few hundred pictures enough: Wang et al., arXiv:1805.01677; Karras et al.,
arXiv:2006.06676, section 4.3.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from training.config import C, override
from training.errors import ConfigurationError
from training.export.weights import Weights
from training.gan import GAN
from training.launch.colours import fit_colours
from training.launch.origin import Origin
from training.networks.weight_names import list_networks, name_weights
from training.run.checkpoints import Checkpoints
from training.run.folder import Run

LAYERS_NAMED = 12
FORM: Mapping[str, object] = MappingProxyType({"width": 0, "residual": "auto"})
"""Settings of the networks' form that are chosen for a run, and how one says that they still are."""
KEPT = 0.5
"""Of the weights, where a run has none of its origin's classes; the rest is of a start from nothing: what has
learnt one thing long learns another slowly (Ash and Adams, "On warm-starting", arXiv:1910.08475)."""
TOLD = ("preset", *FORM, "latent_size")

Floats = NDArray[np.float32]


class Transfer(BaseModel):
    """What RUN/origin.json says: from where a run began, and what it took. Layers by name."""

    model_config = ConfigDict(frozen=True)

    origin: str
    taken: tuple[str, ...]
    adapted: tuple[str, ...]
    """Taken but for their classes or colours, which are others."""
    anew: tuple[str, ...]
    kept: float = 1.0
    """The share of what is taken that stays; the rest is of a start from nothing."""

    def describe(self) -> str:
        """Return it as sentences."""
        said = f"Began from {self.origin}: {len(self.taken)} layers are taken"
        if self.adapted:
            said += f", {len(self.adapted)} of them with other classes or colours"
        if self.kept < 1.0:
            said += f" (each weight by {self.kept:.0%}, since none of the classes is known there)"
        if not self.anew:
            return f"{said}, all there are."
        more = f" and {len(self.anew) - LAYERS_NAMED} more" if len(self.anew) > LAYERS_NAMED else ""
        return f"{said}, {len(self.anew)} begin anew: {', '.join(self.anew[:LAYERS_NAMED])}{more}."


def take_form(configuration: C, origin: Origin | None, run: Run) -> C:
    """Return the settings of a run: where it is new, what is open of its networks' form is as the origin's.

    Raises:
        ConfigurationError: the origin's are none that these networks can have.
    """
    if not origin or run.config_path.exists() or origin.settings.get("preset") != configuration.preset:
        return configuration
    taken = [
        f"{name}={origin.settings[name]}"
        for name, open_value in FORM.items()
        if getattr(configuration, name, None) == open_value
        and origin.settings.get(name, open_value) != open_value
    ]
    return override(configuration, taken)


def begin_networks(
    gan: GAN,
    checkpoints: Checkpoints,
    origin: Origin | None,
    class_names: tuple[str, ...],
    say: Callable[[str], None],
) -> Transfer | None:
    """Fill the networks from the run's newest checkpoint, or before the first from `origin`, if there is one.

    Return what was taken of it, if anything was.

    Raises:
        RunError: the checkpoint cannot be restored.
        ConfigurationError: nothing of the origin fits.
    """
    if checkpoints.restore():
        if origin:
            say(f"The run goes on where it was: --from {origin.name} is for its beginning.")
    elif origin:
        transfer = fill_networks(gan, origin, class_names)
        say(transfer.describe())
        return transfer
    return None


def fill_networks(gan: GAN, origin: Origin, class_names: tuple[str, ...]) -> Transfer:
    """Give each layer whose weights fit those of the origin of its name; say which did.

    A layer fits whole or not at all. `class_names` are those of the run's labels; what a layer holds for each
    class is taken by the class's name, see `fit_classes`; where no name is known, `KEPT` of each weight is.
    What touches the picture is made to fit its colours.

    Raises:
        ConfigurationError: no layer of the generator fits.
    """
    taken: dict[str, None] = {}
    adapted: dict[str, None] = {}
    anew: dict[str, None] = {}
    kept = KEPT if origin.class_names and class_names and not {*origin.class_names} & {*class_names} else 1.0
    for kind, network in list_networks(gan):
        layers: dict[str, dict[str, Any]] = {}
        for name, weight in name_weights(kind, network):
            layers.setdefault(name.rpartition("/")[0], {})[name] = weight
        for layer, weights in layers.items():
            fresh = {name: np.asarray(weights[name]) for name in weights}
            fitted = fit_layer(origin, fresh, class_names)
            if fitted is None:
                anew[layer] = None
                continue
            for name, weight in weights.items():
                weight.assign(kept * fitted[name] + (1.0 - kept) * fresh[name])
            taken[layer] = None
            if any(origin.weights[name].shape != fitted[name].shape for name in weights):
                adapted[layer] = None
    if not any(layer.startswith("generator/") for layer in taken):
        own = [f"{name}={origin.settings[name]}" for name in TOLD if name in origin.settings]
        raise ConfigurationError(
            f"Nothing of {origin.name} fits these networks: it is of another preset, or of another width and "
            f"latent_size. Use its own preset and settings{': ' if own else ''}{', '.join(own)}."
        )
    return Transfer(
        origin=origin.name, taken=tuple(taken), adapted=tuple(adapted), anew=tuple(anew), kept=kept
    )


def fit_layer(origin: Origin, fresh: Weights, class_names: tuple[str, ...]) -> Weights | None:
    """Return the weights of a layer, which begin as `fresh`, as the origin has them; None where none fit."""
    found = {name: origin.weights[name] for name in fresh if name in origin.weights}
    if len(found) < len(fresh):
        return None
    if all(found[name].shape == weight.shape for name, weight in fresh.items()):
        return found
    if len(found) == 2:
        (kernel, weight), (bias, offset) = found.items()
        if fitted := fit_colours(weight, offset, fresh[kernel].shape):
            return dict(zip((kernel, bias), fitted, strict=True))
    for name, weight in fresh.items():
        if found[name].shape != weight.shape:
            fitted_weight = fit_classes(found[name], weight, origin.class_names, class_names)
            if fitted_weight is None:
                return None
            found[name] = fitted_weight
    return found


def fit_classes(old: Floats, fresh: Floats, known: tuple[str, ...], wanted: tuple[str, ...]) -> Floats | None:
    """Return a weight for other classes: along the one side that differs, the classes come last.

    `fresh` is the weight of a start from nothing. A class that is not known is the mean of those that are,
    and as far from it as it is in `fresh` from all others: were they alike, nothing would tell the networks
    which is which. None where the difference is not that of the classes.
    """
    shape = fresh.shape
    sides = [side for side, length in enumerate(shape) if side < old.ndim and old.shape[side] != length]
    if old.ndim != len(shape) or len(sides) != 1:
        return None
    (side,) = sides
    rows = np.moveaxis(old, side, 0)
    for least in (0, 1):  # without classes there is no row for them, or one for all
        before, after = max(least, len(known)), max(least, len(wanted))
        shared = len(rows) - before
        if shared < 0 or shape[side] - after != shared:
            continue
        of_classes = rows[shared:]
        mean = of_classes.mean(axis=0) if before else np.zeros(rows.shape[1:], np.float32)
        known_rows = dict(zip(known, of_classes, strict=False))
        new = [mean] * after
        if wanted:
            of_wanted = np.moveaxis(fresh, side, 0)[shared:]
            unknown = mean + of_wanted - of_wanted.mean(axis=0)
            new = [known_rows.get(name, row) for name, row in zip(wanted, unknown, strict=True)]
        return np.moveaxis(np.concatenate([rows[:shared], *(row[None] for row in new)]), 0, side)
    return None
