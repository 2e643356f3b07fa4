"""Directions of a release: ways in latent space along which its pictures change, as `directions.npz`."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.arrays import WrongArrays, read_arrays
from service.errors import InvalidField, ReleaseRefused
from service.inputs import Inputs
from service.manifest import Manifest
from service.store import Store

DIRECTIONS_FILE = "directions.npz"
MAX_FILE_BYTES = 2**26
"""Of the file, and of each array in it."""
MAX_DIRECTIONS = 256
MAX_NAME_LENGTH = 256
MAX_COORDINATE = 1e3
"""A direction has the length 1; what is a little longer does no harm."""
_KINDS = {"vectors": "f", "strengths": "f", "names": "U"}

Vectors = NDArray[np.float32]
"""float32 (k, z), each row of length 1."""


@dataclass(frozen=True, slots=True)
class Directions:
    """Directions, strongest first, with how strongly the first layer answers to each, and their names."""

    vectors: Vectors
    strengths: NDArray[np.float32]
    names: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """The content of `directions.npz`."""
        file = io.BytesIO()
        np.savez(file, vectors=self.vectors, strengths=self.strengths, names=np.array(self.names, np.str_))
        return file.getvalue()


def read_directions(store: Store, manifest: Manifest) -> Directions:
    """The directions of a release.

    Raises:
        InvalidField: it has none.
        ReleaseRefused: the file is damaged, too large, or not this model's; the message names it.
        StoreUnreachable: the store does not answer.
    """
    entry = manifest.file(DIRECTIONS_FILE)
    if entry is None:
        raise InvalidField(
            "directions",
            f"{manifest.reference} has none; `ganymede directions {manifest.name}` makes a version with them",
        )
    if entry.size_bytes > MAX_FILE_BYTES:
        raise ReleaseRefused(
            f"{manifest.reference}: {DIRECTIONS_FILE} has {entry.size_bytes:,} bytes, and {MAX_FILE_BYTES:,} "
            "are allowed."
        )
    return parse_directions(store.read(manifest, DIRECTIONS_FILE), manifest)


def parse_directions(content: bytes, manifest: Manifest) -> Directions:
    """The directions in the content of `directions.npz`, held against the model they are for.

    Raises:
        ReleaseRefused: they are not what `Directions.to_bytes` writes, or do not fit the model.
    """
    try:
        arrays = read_arrays(content, _KINDS, max_bytes=MAX_FILE_BYTES)
        vectors, strengths, names = (arrays[name] for name in _KINDS)
        _check_fit(vectors, strengths, names, manifest.latent.size)
    except WrongArrays as error:
        raise ReleaseRefused(
            f"{manifest.reference}: {DIRECTIONS_FILE} cannot be used: {error}. "
            f"`ganymede directions {manifest.name}` makes a version with a new one."
        ) from error
    return Directions(vectors.astype(np.float32), strengths.astype(np.float32), tuple(map(str, names)))


def _check_fit(vectors: NDArray[Any], strengths: NDArray[Any], names: NDArray[Any], size: int) -> None:
    count = len(vectors) if vectors.ndim == 2 else 0
    if not 1 <= count <= MAX_DIRECTIONS or vectors.shape != (count, size):
        raise WrongArrays(
            f"its vectors are {vectors.shape}, and the model takes 1 to {MAX_DIRECTIONS} of {size} numbers"
        )
    if strengths.shape != (count,) or names.shape != (count,):
        raise WrongArrays(f"it has {count} vectors, {strengths.shape} strengths and {names.shape} names")
    if not (np.abs(vectors) <= MAX_COORDINATE).all() or not np.isfinite(strengths.astype(np.float32)).all():
        raise WrongArrays("not all of its numbers are finite and small")
    if len(set(names.tolist())) != count or names.dtype.itemsize > 4 * MAX_NAME_LENGTH:
        raise WrongArrays(f"its names must differ and have at most {MAX_NAME_LENGTH} letters")


def steer(inputs: Inputs, directions: Directions, amounts: Mapping[str, float]) -> Inputs:
    """The inputs moved along directions, named by number or name, by amounts in units of latent length.

    Raises:
        InvalidField: there is no such direction, or more are given than any release has.
    """
    if len(amounts) > MAX_DIRECTIONS:
        raise InvalidField("directions", f"{len(amounts):,} are given, and {MAX_DIRECTIONS} may be")
    shift = np.zeros(inputs.latents.shape[1])
    for name, amount in amounts.items():
        shift += amount * directions.vectors[_index_of(directions.names, name)].astype(np.float64)
    return replace(inputs, latents=(inputs.latents + shift).astype(np.float32))


def _index_of(names: Sequence[str], name: str) -> int:
    if name in names:
        return names.index(name)
    if name.isascii() and name.isdigit() and len(name) <= 4 and int(name) < len(names):
        return int(name)
    raise InvalidField(f"directions.{name[:80]}", f"there is no such direction; there are {', '.join(names)}")
