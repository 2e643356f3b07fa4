"""Directions of a release: ways in latent space along which its pictures change, as `directions.npz`."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidField, ReleaseRefused
from service.inputs import Inputs
from service.manifest import Manifest
from service.store import Store

DIRECTIONS_FILE = "directions.npz"

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
    """
    if manifest.file(DIRECTIONS_FILE) is None:
        raise InvalidField(
            "directions",
            f"{manifest.reference} has none; `ganymede directions {manifest.name}` makes a version with them",
        )
    with np.load(io.BytesIO(store.read(manifest, DIRECTIONS_FILE)), allow_pickle=False) as arrays:
        vectors, strengths, names = (arrays[name] for name in ("vectors", "strengths", "names"))
    if vectors.ndim != 2 or vectors.shape[1] != manifest.latent.size or len(names) != len(vectors):
        raise ReleaseRefused(f"{manifest.reference}: {DIRECTIONS_FILE} does not fit the model.")
    return Directions(vectors.astype(np.float32), strengths.astype(np.float32), tuple(map(str, names)))


def steer(inputs: Inputs, directions: Directions, amounts: Mapping[str, float]) -> Inputs:
    """The inputs moved along directions, named by number or name, by amounts in units of latent length.

    Raises:
        InvalidField: there is no such direction.
    """
    shift = np.zeros(inputs.latents.shape[1])
    for name, amount in amounts.items():
        shift += amount * directions.vectors[_index_of(directions.names, name)].astype(np.float64)
    return replace(inputs, latents=(inputs.latents + shift).astype(np.float32))


def _index_of(names: Sequence[str], name: str) -> int:
    if name in names:
        return names.index(name)
    if name.isascii() and name.isdigit() and int(name) < len(names):
        return int(name)
    raise InvalidField(f"directions.{name[:80]}", f"there is no such direction; there are {', '.join(names)}")
