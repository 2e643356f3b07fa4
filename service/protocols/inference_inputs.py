"""From the tensors of an inference request to what goes into a generator."""

from dataclasses import replace
from typing import Any

import numpy as np

from foundation.errors import InvalidField
from foundation.labels import Weights, weigh_label
from foundation.latents import SEED_LIMIT
from foundation.manifest import LabelInput, Manifest
from service.protocols.open_inference import Inference, RequestInput
from service.protocols.tensors import WIDTHS, read_floats, read_integers
from service.requests.inputs import Inputs, draw_seeds
from service.settings import Settings

_SEED_TYPES = ("INT64", "UINT64", "INT32", "UINT32")


def check_inputs(inference: Inference, manifest: Manifest, settings: Settings) -> int:
    """How many images `inference` asks for; nothing is made of its tensors before this lets it pass.

    Raises:
        InvalidField: a name, datatype, shape, count or size that this model or the settings do not allow.
    """
    count, names = 0, set[str]()
    for index, part in enumerate(inference.request.inputs):
        field = f"inputs.{index}"
        if part.name in names:
            raise InvalidField(f"{field}.name", f"{part.name!r} comes twice")
        names.add(part.name)
        _check_signature(field, part, manifest)
        if count and part.shape[0] != count:
            raise InvalidField(f"{field}.shape", f"begins with {part.shape[0]:,}, another's with {count:,}")
        count = part.shape[0]
        _check_count(f"{field}.shape", count, manifest, settings)
        _check_source(field, part)
    if len(names & {"latent", "seed"}) != 1:
        raise InvalidField("inputs", f"give {_signature(manifest)}; or, instead of latent, seed INT64 [n]")
    return count


def read_inputs(inference: Inference, manifest: Manifest) -> Inputs:
    """The latents and labels of a request that `check_inputs` let pass; weights are made to sum to 1.

    Raises:
        InvalidField: numbers that this model cannot take, or no label where seeds do not stand for one.
    """
    fields = {part.name: index for index, part in enumerate(inference.request.inputs)}
    if "seed" in fields:
        inputs = draw_seeds(manifest, _read_seeds(inference, fields["seed"]))
    else:
        inputs = Inputs(_read_floats(inference, fields["latent"]), None, None)
    if manifest.label is None:
        return inputs
    if "label" in fields:
        index = fields["label"]
        weights = _read_floats(inference, index)
        return replace(inputs, labels=_weigh_rows(weights, manifest.label, f"inputs.{index}"))
    if inputs.labels is None:
        raise InvalidField("inputs", f"{manifest.reference} has classes: with latent, give label")
    return inputs


def _check_signature(field: str, part: RequestInput, manifest: Manifest) -> None:
    wanted: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
        "latent": (("FP32",), (manifest.latent.size,)),
        "seed": (_SEED_TYPES, ()),
    }
    if manifest.label is not None:
        wanted["label"] = (("FP32",), (len(manifest.label.classes),))
    if part.name not in wanted:
        raise InvalidField(
            f"{field}.name",
            f"{manifest.reference} has no input {part.name!r}; it reads {_signature(manifest)}",
        )
    datatypes, rest = wanted[part.name]
    if part.datatype not in datatypes:
        raise InvalidField(
            f"{field}.datatype", f"{part.name} is {' or '.join(datatypes)}, not {part.datatype!r}"
        )
    if len(part.shape) != 1 + len(rest) or part.shape[1:] != rest:
        shape = ", ".join(["n", *map(str, rest)])
        raise InvalidField(f"{field}.shape", f"{part.name} has the shape [{shape}], not {list(part.shape)}")


def _check_count(field: str, count: int, manifest: Manifest, settings: Settings) -> None:
    if not 1 <= count <= settings.max_images_per_request:
        raise InvalidField(
            field,
            f"asks for {count:,} images; one request may have 1 to {settings.max_images_per_request:,}",
        )
    pixels = count * manifest.image.height * manifest.image.width
    if pixels > settings.max_pixels_per_response:
        limit = f"{settings.max_pixels_per_response:,}"
        raise InvalidField(field, f"the response would have {pixels:,} pixels; it may have {limit}")


def _check_source(field: str, part: RequestInput) -> None:
    size = part.parameters.binary_data_size
    if part.parameters.shared_memory_region is not None:
        raise InvalidField(
            f"{field}.parameters.shared_memory_region", "this extension is not offered here; send the data"
        )
    if (part.data is None) == (size is None):
        raise InvalidField(f"{field}.data", "give data, or binary_data_size and the bytes, one of the two")
    expected = WIDTHS[part.datatype]
    for dimension in part.shape:
        expected *= dimension
    if size is not None and size != expected:
        raise InvalidField(
            f"{field}.parameters.binary_data_size",
            f"is {size:,}; {part.datatype} of the shape {list(part.shape)} takes {expected:,} bytes",
        )


def _values(inference: Inference, index: int) -> list[Any] | memoryview:
    data = inference.request.inputs[index].data
    return inference.binary[index] if data is None else data


def _read_floats(inference: Inference, index: int) -> Weights:
    shape = inference.request.inputs[index].shape
    return read_floats(f"inputs.{index}.data", shape, _values(inference, index))


def _read_seeds(inference: Inference, index: int) -> list[int]:
    part = inference.request.inputs[index]
    seeds = read_integers(f"inputs.{index}.data", part.datatype, part.shape, _values(inference, index))
    if not all(0 <= seed < SEED_LIMIT for seed in seeds):
        raise InvalidField(f"inputs.{index}.data", f"seeds are whole numbers from 0 to {SEED_LIMIT - 1}")
    return seeds


def _weigh_rows(rows: Weights, classes: LabelInput, field: str) -> Weights:
    weighed = [
        weigh_label(tuple(row), classes, f"{field}.data.{index}") for index, row in enumerate(rows.tolist())
    ]
    return np.stack(weighed)


def _signature(manifest: Manifest) -> str:
    latent = f"latent FP32 [n, {manifest.latent.size}]"
    return latent if manifest.label is None else f"{latent} and label FP32 [n, {len(manifest.label.classes)}]"
