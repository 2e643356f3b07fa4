"""From a foreign graph to a release that is ready to publish, held against the graph it came from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from foundation.errors import GanymedeError
from foundation.golden import GOLDEN_IMAGES, record_golden
from foundation.manifest import (
    REFERENCE_GRAPH,
    Difference,
    LabelInput,
    LatentInput,
    Manifest,
    Outline,
    SeedScheme,
    created_now,
)
from foundation.names import require_name
from foundation.store import describe_files
from foundation.store.publication import explain_invalid
from ganymede.imports.exact import draw_exact, place_wrapped
from ganymede.imports.file import ForeignFile, read_file
from ganymede.imports.graph import WHOLE, ImportRefused, Signature, free_batch, last_operator, read_signature
from ganymede.imports.run import generate_checked, run_foreign
from ganymede.imports.wishes import Wishes, check_levels, check_wishes, name_classes
from ganymede.imports.wrapping import (
    RANGE_OF_OPERATOR,
    Floats,
    Layout,
    Output,
    read_output,
    wrap_graph,
)
from service.encoding.pictures import encode_array, encode_images
from service.encoding.provenance import Provenance
from service.requests.inputs import Inputs, draw_rows, draw_weights

SEEDS = tuple(range(16))
SAMPLES = "samples.png"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A manifest, where its files are, and a sentence on what was found in the graph."""

    manifest: Manifest
    files: Mapping[str, Path]
    description: str


def prepare_release(
    path: Path, wishes: Wishes, folder: Path, *, name: str, version: str, licence: str
) -> Prepared:
    """Wrap the graph at `path`, compare it with itself unwrapped, and write the release into `folder`.

    Raises:
        WrongName: a model or a version cannot have such a name.
        ImportRefused: something cannot be told, or the graph is not one that a release may have.
        ReleaseRefused: it uses custom operators or external data.
    """
    check_wishes(wishes)
    require_name(name, "a model's name")
    require_name(version, "a version's name")
    try:
        return _prepare(path, wishes, folder, name=name, version=version, licence=licence)
    except (GanymedeError, OSError):
        raise
    except Exception as error:  # of foreign bytes ONNX raises whatever it likes
        reason = f"{type(error).__name__} {error}"[:300]
        raise ImportRefused(
            f"{path} cannot be imported, as ONNX cannot make sense of it: {reason}"
        ) from error


def _prepare(path: Path, wishes: Wishes, folder: Path, *, name: str, version: str, licence: str) -> Prepared:
    file = read_file(path)
    model = file.model
    signature = read_signature(model, latent=wishes.latent, label=wishes.label, image=wishes.output)
    classes = name_classes(wishes.classes, signature)
    latent = LatentInput(
        size=signature.latent_size,
        distribution="uniform" if wishes.distribution == "uniform" else "normal",
        scheme=cast("SeedScheme", wishes.scheme),
    )
    label = LabelInput(classes=classes) if classes else None
    inputs = Inputs(draw_rows(latent, SEEDS), draw_weights(label, SEEDS), SEEDS)
    floats = run_foreign(file, signature, inputs)
    value_range = wishes.value_range or RANGE_OF_OPERATOR.get(last_operator(model, signature.image) or "")
    if signature.image_type in WHOLE:
        value_range = check_levels(floats, value_range)
    output = read_output(floats, layout=cast("Layout | None", wishes.layout), value_range=value_range)
    wrapped = wrap_graph(free_batch(model), signature, output, len(classes) if classes else None)
    files = {path: folder / path for path in (REFERENCE_GRAPH, GOLDEN_IMAGES, SAMPLES)}
    files[REFERENCE_GRAPH].write_bytes(wrapped.SerializeToString())
    outline = Outline(name, version, latent, output.size, label)
    images, difference = generate_checked(outline, files[REFERENCE_GRAPH], inputs, output.to_levels(floats))
    price = None
    if wishes.exact:
        price = place_wrapped(wrapped, latent, label, wishes.max_mean_levels, files[REFERENCE_GRAPH])
        images = draw_exact(outline, files[REFERENCE_GRAPH], inputs)
    files[GOLDEN_IMAGES].write_bytes(encode_array(images))
    files[SAMPLES].write_bytes(encode_images(images, "png", Provenance(outline.reference, SEEDS)))
    try:
        manifest = Manifest(
            name=name,
            version=version,
            created_at=created_now(),
            licence=licence,
            latent=latent,
            label=label,
            image=output.size,
            files=describe_files(files),
            golden=record_golden(images, SEEDS, latent.scheme),
            arithmetic="exact" if wishes.exact else "float",
            training=_describe_origin(file, output) | ({"grid": price.model_dump()} if price else {}),
        )
    except ValidationError as error:
        raise ImportRefused(f"{explain_invalid(error)}.") from error
    found = _describe(path, signature, output, classes)
    said = f"{found}; {_compare(output, floats, difference)}"
    return Prepared(manifest, files, f"{said}\nexact: proven; it costs {price}" if price else said)


def _describe_origin(file: ForeignFile, output: Output) -> dict[str, Any]:
    model = file.model
    return {
        "imported_from": file.path.name,
        "sha256": hashlib.sha256(file.path.read_bytes()).hexdigest(),
        "producer": f"{model.producer_name} {model.producer_version}".strip()[:200],
        "layout": output.layout,
        "range": output.range,
    }


def _describe(path: Path, signature: Signature, output: Output, classes: tuple[str, ...] | None) -> str:
    size = output.size
    label = f", class {signature.label} ({len(classes)})" if classes else ""
    return (
        f"{path.name}: latent {signature.latent} ({signature.latent_size}){label}, image {signature.image} "
        f"{output.layout} in [{output.range}], {size.height}×{size.width}×{size.channels}"
    )


def _compare(output: Output, floats: Floats, difference: Difference) -> str:
    cut = output.share_cut_off(floats)
    warning = f" {cut:.2%} of its values lie beyond [{output.range}] and are cut off." if cut else ""
    apart = (
        f"at most {difference.max_levels} level of 255 apart, in {difference.pixels_differing:.3%} of them"
    )
    return (
        "wrapped, it draws the file's own pictures: "
        f"{apart if difference.max_levels else 'every pixel the same'}.{warning}"
    )
