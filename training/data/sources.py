"""The registry of sources: `NAME` or `SCHEME:VALUE`, and who loads it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from rich.console import Console

from training.data.fashion_mnist import load_fashion_mnist
from training.data.folder import load_folder
from training.data.idx_files import load_idx
from training.data.keras_sets import load_cifar10, load_mnist
from training.data.noto_emoji import load_noto_emoji
from training.data.npz import load_npz
from training.data.pictures import Pictures, Request, Split
from training.data.s3 import load_s3
from training.data.unknown import explain_unknown
from training.errors import DataError
from training.shape import PictureSettings

SOURCES: Mapping[str, Callable[[Request], Pictures]] = MappingProxyType(
    {
        "cifar10": load_cifar10,
        "fashion-mnist": load_fashion_mnist,
        "folder": load_folder,
        "idx": load_idx,
        "mnist": load_mnist,
        "noto-emoji": load_noto_emoji,
        "npz": load_npz,
        "s3": load_s3,
    }
)
AS_THEY_ARE = PictureSettings()


def load_pictures(
    data: str,
    data_folder: Path | None = None,
    split: Split = "train",
    settings: PictureSettings = AS_THEY_ARE,
    console: Console | None = None,
) -> Pictures:
    """Load a split of the set called `data`: the name of a source, with `:VALUE` where it takes one.

    Raises:
        DataError: there is no such source, or its files are missing or damaged.
    """
    name, _, value = data.partition(":")
    if name not in SOURCES:
        raise DataError(explain_unknown(data, SOURCES))
    request = Request(value, data_folder, split, settings, console or Console(quiet=True))
    return SOURCES[name](request)
