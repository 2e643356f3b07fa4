"""Entity tags (RFC 9110, section 8.8.3) of answers that need not be made to be named."""

import hashlib

import orjson

from service.encoding.writers import name_writer
from service.releases.opening import Release
from service.requests.inputs import Inputs

_ENCODING = "4"
"""Goes up whenever the same images would be written as other bytes."""


def tag_answer(release: Release, inputs: Inputs, *, format: str, **shape: object) -> str:
    """The tag of what `inputs` give with this release on this machine, written as `format` and `shape` say.

    Equal strong tags mean equal bytes, whichever machine answered: the tag covers the graph, what draws its
    pictures here (`service.releases.drawn_by`) and writes them (`service.encoding.writers`), every seed, or
    every latent and label, and what `shape` names. It is weak (`W/`) where pictures may differ by a rounding
    from one answer to the next.
    """
    drawn_by, writer = release.drawn_by, name_writer(format)
    parts = [_ENCODING, release.manifest.reference, drawn_by.parts, writer, format, inputs.seeds, shape]
    digest = hashlib.blake2b(orjson.dumps(parts), digest_size=16)
    if inputs.drawn:
        digest.update(inputs.latents.tobytes())
        if inputs.labels is not None:
            digest.update(inputs.labels.tobytes())
    return f'{"" if drawn_by.certain else "W/"}"{digest.hexdigest()}"'


def matches(tag: str, if_none_match: str | None) -> bool:
    """Whether a request's `If-None-Match` holds `tag` (weak comparison, RFC 9110, section 13.1.2)."""
    if if_none_match is None:
        return False
    listed = {entry.strip().removeprefix("W/") for entry in if_none_match.split(",")}
    return tag.removeprefix("W/") in listed or "*" in listed
