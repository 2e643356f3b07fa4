"""What the person who imports a graph said of it, held against what the graph says."""

import re
from dataclasses import dataclass
from typing import get_args

from foundation.manifest import SeedScheme
from ganymede.imports.exact import MAX_MEAN_LEVELS
from ganymede.imports.graph import ImportRefused, Signature
from ganymede.imports.wrapping import RANGES, Floats, Layout

MAX_CLASSES = 10_000
"""As many as a manifest may name."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person said of the graph; None is to be found out."""

    classes: str | None = None
    value_range: str | None = None
    layout: str | None = None
    latent: str | None = None
    label: str | None = None
    output: str | None = None
    distribution: str = "normal"
    scheme: str = "philox-1"
    exact: bool = False
    """Place it on grids, on which no sum can round."""
    max_mean_levels: float = MAX_MEAN_LEVELS
    """What that may cost on average."""


def check_wishes(wishes: Wishes) -> None:
    """Refuse a value that none of an option's is, before anything is read."""
    allowed = {
        "--range": (wishes.value_range, (None, *RANGES)),
        "--layout": (wishes.layout, (None, *get_args(Layout))),
        "--distribution": (wishes.distribution, ("normal", "uniform")),
        "--scheme": (wishes.scheme, get_args(SeedScheme)),
    }
    for option, (value, values) in allowed.items():
        if value not in values:
            raise ImportRefused(
                f"{option} {value}: it is one of {' or '.join(each for each in values if each)}."
            )


def name_classes(wish: str | None, signature: Signature) -> tuple[str, ...] | None:
    """The names of the classes that the graph takes, None where it takes none; `wish` names or counts them.

    Raises:
        ImportRefused: they cannot be told, or are not as many as the graph knows.
    """
    if signature.label is None:
        if wish:
            raise ImportRefused(f"--classes {wish}: the graph takes no class.")
        return None
    if wish is None and signature.classes is None:
        raise ImportRefused(
            "The graph takes a class; say how many there are, or their names: --classes a,b,c."
        )
    number = re.fullmatch(r"\d{1,9}", wish or "", re.ASCII)
    count = int(number[0]) if number else signature.classes
    if (count or 0) > MAX_CLASSES:
        raise ImportRefused(f"--classes {count}: at most {MAX_CLASSES:,} are known here.")
    names = tuple(part.strip() for part in wish.split(",")) if wish and not number else ()
    names = names or tuple(str(index) for index in range(count or 0))
    if len(names) < 2 or (signature.classes is not None and len(names) != signature.classes):
        raise ImportRefused(
            f"--classes {wish}: the graph knows {signature.classes or 'two or more'} classes."
        )
    return names


def check_levels(images: Floats, wish: str | None) -> str:
    """The range of pictures in whole numbers, which can be levels and nothing else."""
    if wish not in (None, "0,255"):
        raise ImportRefused(f"--range {wish}: the output is in whole numbers, which are levels of 0,255.")
    low, high = images.min(), images.max()
    if low < 0 or high > 255:
        raise ImportRefused(f"The pictures go from {low:.0f} to {high:.0f}; whole numbers are 0 to 255 here.")
    return "0,255"
