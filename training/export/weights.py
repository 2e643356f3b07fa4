"""The weights of both networks as a file of a release, for who trains on from it; serving never reads it."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.npz import UNREADABLE, read_header
from training.errors import ExportError
from training.gan import GAN
from training.networks.weight_names import list_networks, name_weights

MAX_BYTES = 2**31

Weights = dict[str, NDArray[np.float32]]


def collect_weights(gan: GAN) -> Weights:
    """Return the weights of the generator, the average where there is one, and of what judged it, by name."""
    found: Weights = {}
    for kind, network in list_networks(gan):
        for name, weight in name_weights(kind, network):
            if name not in found:
                found[name] = np.asarray(weight, np.float32)
    return found


def write_weights(path: Path, gan: GAN) -> None:
    """Write the weights of a GAN as an archive of NumPy's."""
    arrays: dict[str, Any] = dict(collect_weights(gan))
    np.savez(path, **arrays)


def read_weights(path: Path) -> Weights:
    """Read what `write_weights` wrote; a stranger may have written it.

    Raises:
        ExportError: it is not such a file, or larger than 2 GB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise ExportError(f"{path.name} is larger than {MAX_BYTES / 1e9:.1f} GB.")
            for member in members:
                with archive.open(member) as stream:
                    shape, dtype, _ = read_header(stream)
                # Before any room is made for it.
                if dtype != np.float32 or 4 * int(np.prod(shape, dtype=object)) > member.file_size:
                    raise ExportError(f"{path.name} holds {member.filename}, which are no weights.")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except UNREADABLE as error:
        raise ExportError(f"{path.name} holds no weights to begin from: {error}.") from error
