"""From a request to what goes into a generator: its seeds or latents, its labels and its truncation."""

import secrets
from collections.abc import Sequence

import numpy as np

from foundation.errors import InvalidField
from foundation.labels import Label, Weights, weigh_label
from foundation.latents import SEED_LIMIT, Latents, truncate
from foundation.manifest import Described
from service.requests.inputs import Inputs, draw_rows, draw_weights
from service.requests.interpolation import blend_rows, walk_latents
from service.requests.projection import ProjectRequest
from service.requests.schemas import DEFAULT_COUNT, GenerateRequest, MixPart, WalkRequest


def request_count(request: GenerateRequest) -> int:
    """How many images a request asks for."""
    if request.mix is not None:
        return 1
    return len(request.seeds or request.latents or ()) or request.count or DEFAULT_COUNT


def count_numbers(request: GenerateRequest | WalkRequest) -> int:
    """How many numbers stand in a request's latents and weights."""
    mixed = (part.latent for part in getattr(request, "mix", None) or ())
    given = (*(request.latents or ()), *(request.labels or ()), request.label, *mixed)
    return sum(len(row) for row in given if isinstance(row, tuple))


def request_seeds(request: GenerateRequest) -> tuple[int, ...] | None:
    """The seed of every image; drawn at random if the request leaves them open; None where none has one."""
    if request.latents is not None or request.mix is not None:
        return None
    if request.seeds is not None:
        return request.seeds
    count = request_count(request)
    first = secrets.randbelow(SEED_LIMIT - count + 1) if request.seed is None else request.seed
    return tuple(range(first, first + count))


def read_inputs(
    manifest: Described,
    request: GenerateRequest | WalkRequest,
    seeds: tuple[int, ...] | None,
) -> Inputs:
    """The inputs of `seeds`, or of the request's latents, with its labels and truncation.

    Where seeds alone say everything, they stay seeds, for the engine to draw.

    Raises:
        InvalidField: latents or labels that this model cannot take.

    A `mix` whose class is not given has the class of its first seed.
    """
    if isinstance(request, GenerateRequest) and request.mix is not None:
        latents, first = mix_latents(manifest, request.mix), request.mix[0].seed
        labels = weigh_labels(manifest, request, None if first is None else (first,), 1)
        return Inputs(truncate(latents, request.truncation, manifest.latent.mean), labels, None)
    if seeds is not None and request.label is None and request.labels is None:
        return Inputs.of_seeds(seeds, request.truncation)
    if seeds is not None:
        latents = draw_rows(manifest.latent, seeds)
    else:
        latents = _read_latents(request.latents or (), manifest.latent.size)
    labels = weigh_labels(manifest, request, seeds, len(latents))
    return Inputs(truncate(latents, request.truncation, manifest.latent.mean), labels, seeds)


def draw_inputs(
    manifest: Described,
    request: GenerateRequest | WalkRequest,
    seeds: tuple[int, ...] | None,
) -> Inputs:
    """The same, with the latents of every seed.

    Raises:
        InvalidField: as `read_inputs`.
    """
    return read_inputs(manifest, request, seeds).draw(manifest)


def mix_latents(manifest: Described, mix: Sequence[MixPart]) -> Latents:
    """The weighted sum of seeds' latents, or of given ones, float32 (1, z), in float64 in the order given.

    Raises:
        InvalidField: a latent is not of the model's size.

    Latent arithmetic: Radford et al., "Unsupervised representation learning with DCGAN" (2016).
    """
    latents = np.empty((len(mix), manifest.latent.size), np.float32)  # (parts, z)
    drawn = [at for at, part in enumerate(mix) if part.seed is not None]
    latents[drawn] = draw_rows(manifest.latent, [part.seed for part in mix if part.seed is not None])
    for at, part in enumerate(mix):
        if part.latent is not None:
            latents[at] = _read_latents([part.latent], manifest.latent.size, f"mix.{at}.latent")
    weights = np.array([part.weight for part in mix], np.float64)
    total: Latents = (weights[:, None] * latents).sum(axis=0, keepdims=True).astype(np.float32)
    return total


def _read_latents(rows: Sequence[Sequence[float]], size: int, field: str = "") -> Latents:
    """Rows of numbers as latents float32 (n, z); `field` is the name of a single one."""
    for index, row in enumerate(rows):
        if len(row) != size:
            raise InvalidField(
                field or f"latents.{index}", f"has {len(row)} numbers, this model's latents have {size}"
            )
    latents = np.empty((len(rows), size), np.float64)
    for index, row in enumerate(rows):  # one by one: NumPy keeps the GIL for as long as it reads
        latents[index] = row
    if np.abs(latents).max() > np.finfo(np.float32).max:
        raise InvalidField(field or "latents", "the numbers must fit float32")
    return latents.astype(np.float32)


def weigh_labels(
    manifest: Described,
    request: GenerateRequest | WalkRequest | ProjectRequest,
    seeds: tuple[int, ...] | None,
    rows: int,
) -> Weights | None:
    """The weights float32 (rows, classes) of the labels that a request names, or else of its seeds' classes.

    Raises:
        InvalidField: the model has no classes, or not this one, or they are not as many as the rows.
    """
    given = request.label if request.label is not None else request.labels
    field = "label" if request.label is not None else "labels"
    if manifest.label is None:
        if given is not None:
            raise InvalidField(field, f"{manifest.reference} has no classes; leave {field} out")
        return None
    if request.label is not None:
        return np.tile(weigh_label(_plain(request.label), manifest.label, field), (rows, 1))
    if request.labels is not None:
        if len(request.labels) != rows:
            raise InvalidField(field, f"give one per image or key point, {rows}, not {len(request.labels)}")
        weights = (
            weigh_label(_plain(label), manifest.label, f"labels.{index}")
            for index, label in enumerate(request.labels)
        )
        return np.stack(list(weights))
    if seeds is None:
        raise InvalidField("labels", f"{manifest.reference} has classes: with latents, say which")
    return draw_weights(manifest.label, seeds)


def _plain(label: int | str | tuple[float | int, ...]) -> Label:
    return tuple(float(weight) for weight in label) if isinstance(label, tuple) else label


def walk_inputs(keys: Inputs, request: WalkRequest, part: slice | None = None) -> Inputs:
    """The inputs of every frame of a walk between `keys`, or of a `part` of them; at a key the key's own."""
    latents = walk_latents(
        keys.latents,
        request.frames,
        interpolation=request.interpolation,
        loop=request.loop,
        easing=request.easing,
        part=part,
    )
    if keys.labels is None:
        return Inputs(latents, None, None)
    labels = blend_rows(keys.labels, request.frames, loop=request.loop, easing=request.easing, part=part)
    return Inputs(latents, labels, None)
