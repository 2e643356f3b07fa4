"""What a publication and a reading have in common, whatever the store is made of."""

import codecs
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from foundation.errors import AlreadyPublished, AlreadySigned, ReleaseRefused
from foundation.manifest import REFERENCE_GRAPH, File, Manifest
from foundation.signatures import MAX_SIGNATURE_BYTES, SIGNATURE_FILE
from foundation.store.interface import Store
from foundation.wrong_values import say_wrong

MAX_DOCUMENT_BYTES = 4 * 2**20
"""Of a manifest or an alias file."""
MAX_NAMED = 20
MAX_ERRORS = 100


def describe_file(
    path: Path,
    *,
    device: Literal["any", "cpu", "cuda", "tensorrt"] | None = None,
    precision: Literal["float32", "float16", "bfloat16", "int8"] | None = None,
) -> File:
    """The manifest entry of the file at `path`, under its own name."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(
        path=path.name,
        size_bytes=path.stat().st_size,
        sha256=digest,
        device=device,
        precision=precision,
    )


def describe_files(files: Mapping[str, Path]) -> tuple[File, ...]:
    """The manifest entries of a release's files by their names: its graph runs on anything, in float32."""
    return tuple(
        describe_file(path, device="any", precision="float32")
        if name == REFERENCE_GRAPH
        else describe_file(path)
        for name, path in files.items()
    )


def entry_of(manifest: Manifest, path: str, *, max_bytes: int | None = None) -> File:
    """The manifest's entry of the file at `path`.

    Raises:
        ReleaseRefused: it has none, or the file has more than `max_bytes`.
    """
    entry = manifest.file(path)
    if entry is None:
        raise ReleaseRefused(f"{manifest.reference} has no file {path}.")
    if max_bytes is not None and entry.size_bytes > max_bytes:
        raise ReleaseRefused(
            f"{manifest.reference}: {path} has {entry.size_bytes:,} bytes; at most {max_bytes:,} are read."
        )
    return entry


def check_size(size_bytes: int, entry: File, reference: str) -> None:
    """Hold a file's size against its manifest entry, before anything of it is read.

    Raises:
        ReleaseRefused: they differ; the message names the file.
    """
    if size_bytes != entry.size_bytes:
        raise ReleaseRefused(
            f"{reference}: {entry.path} should have {entry.size_bytes:,} bytes and has {size_bytes:,}."
        )


def check_file(path: Path, entry: File, reference: str) -> None:
    """Hold the size and sha256 of the file at `path` against its manifest entry, in bounded memory.

    Raises:
        ReleaseRefused: they differ; the message names the file.
    """
    check_size(path.stat().st_size, entry, reference)
    with path.open("rb") as file:
        check_digest(hashlib.file_digest(file, "sha256").hexdigest(), entry, reference)


def check_bytes(content: bytes, entry: File, reference: str) -> None:
    """Hold a file's content against its manifest entry.

    Raises:
        ReleaseRefused: size or sha256 differ; the message names the file.
    """
    check_size(len(content), entry, reference)
    check_digest(hashlib.sha256(content).hexdigest(), entry, reference)


def check_digest(sha256: str, entry: File, reference: str) -> None:
    """Hold a file's sha256 against its manifest entry.

    Raises:
        ReleaseRefused: they differ; the message names the file.
    """
    if sha256 != entry.sha256:
        raise ReleaseRefused(f"{reference}: the content of {entry.path} does not match its sha256.")


def already_published(manifest: Manifest) -> AlreadyPublished:
    """The error of a second publication of one version."""
    return AlreadyPublished(
        f"{manifest.reference} exists and versions never change; nothing was written. Choose another version."
    )


def encode_manifest(manifest: Manifest) -> bytes:
    """The content of `manifest.json` as a publication writes it."""
    return (manifest.model_dump_json(indent=2) + "\n").encode()


def already_signed(manifest: Manifest) -> AlreadySigned:
    """The error of a second signature of one version."""
    return AlreadySigned(
        f"{manifest.reference} is signed, and a signature never changes; nothing was written."
    )


def check_signature_size(size_bytes: int, model: str, version: str) -> None:
    """Refuse a signature that is too large to be one, before it is read.

    Raises:
        ReleaseRefused: it is; the message names the file.
    """
    if size_bytes > MAX_SIGNATURE_BYTES:
        raise ReleaseRefused(
            f"{model}@{version}: {SIGNATURE_FILE} has {size_bytes:,} bytes, and {MAX_SIGNATURE_BYTES:,} are "
            "allowed."
        )


def parse_manifest(text: bytes, model: str, version: str) -> Manifest:
    """Read a manifest that was found where `model`'s `version` lies.

    Raises:
        ReleaseRefused: it breaks the schema, or is the manifest of another release.
    """
    try:
        manifest = Manifest.model_validate_json(text.removeprefix(codecs.BOM_UTF8))
    except ValidationError as error:
        raise ReleaseRefused(
            f"{model}@{version}: manifest.json is not valid ({explain_invalid(error)})."
        ) from None
    if (manifest.name, manifest.version) != (model, version):
        raise ReleaseRefused(f"{model}@{version}: manifest.json describes {manifest.reference}.")
    return manifest


def explain_invalid(error: ValidationError) -> str:
    """The first thing that is wrong, in words; of very many only how many, for a list of all takes room."""
    if error.error_count() > MAX_ERRORS:
        return f"{error.error_count():,} fields are wrong"
    first = error.errors(include_input=False, include_url=False)[0]
    field = ".".join(str(part)[:80] for part in first["loc"])
    said = say_wrong(first)[:300]
    return f"{field}: {said}" if field else said


def name_some(names: Sequence[str], *, otherwise: str) -> str:
    """The last of the names in words, however many there are."""
    if len(names) <= MAX_NAMED:
        return ", ".join(names) or otherwise
    return f"{', '.join(names[-MAX_NAMED:])} and {len(names) - MAX_NAMED:,} before"


def list_there(names: Sequence[str], *, otherwise: str) -> str:
    """`There is a`, or `There are a and b`, without a full stop; `otherwise` where there is none."""
    if not names:
        return otherwise
    if len(names) == 1:
        return f"There is {names[0]}"
    *first, last = names[-MAX_NAMED:]
    more = len(names) - MAX_NAMED
    return f"There are {', '.join(first)} and {last}{f', and {more:,} before' if more > 0 else ''}"


def version_order(version: str) -> list[tuple[int, int, str]]:
    """A sort key in which v10 comes after v9."""
    parts = re.findall(r"[0-9]+|[^0-9]+", version)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


def next_version(store: Store, model: str) -> str:
    """The version after the greatest `vN` of the model, v1 at first."""
    numbers = [int(version[1:]) for version in store.versions(model) if re.fullmatch(r"v\d+", version)]
    return f"v{max(numbers, default=0) + 1}"
