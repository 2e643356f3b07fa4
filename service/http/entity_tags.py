"""Strong entity tags (RFC 9110, section 8.8.3) of answers that need not be made to be named."""

import hashlib

import orjson

from foundation.manifest import REFERENCE_GRAPH, Manifest
from service.requests.inputs import Inputs

_ENCODING = "2"
"""Goes up whenever the same images would be written as other bytes."""


def tag_answer(manifest: Manifest, precision: str, inputs: Inputs, **shape: object) -> str:
    """The tag of what `inputs` give with this model and precision, written as `shape` says.

    Equal tags mean equal bytes: the tag covers the graph's digest, every seed, or every latent and label, and
    what `shape` names.
    """
    graph = manifest.file(REFERENCE_GRAPH)
    parts = [_ENCODING, manifest.reference, graph.sha256 if graph else "", precision, inputs.seeds, shape]
    digest = hashlib.blake2b(orjson.dumps(parts), digest_size=16)
    if inputs.drawn:
        digest.update(inputs.latents.tobytes())
        if inputs.labels is not None:
            digest.update(inputs.labels.tobytes())
    return f'"{digest.hexdigest()}"'


def matches(tag: str, if_none_match: str | None) -> bool:
    """Whether a request's `If-None-Match` holds `tag` (weak comparison, RFC 9110, section 13.1.2)."""
    if if_none_match is None:
        return False
    listed = {entry.strip().removeprefix("W/") for entry in if_none_match.split(",")}
    return tag in listed or "*" in listed
