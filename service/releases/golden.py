"""The golden check: a graph must still answer what it answered where it was made."""

import logging

import numpy as np

from foundation.arrays import WrongArrays, read_array
from foundation.errors import ReleaseRefused
from foundation.images import Images, hash_images, measure_difference
from foundation.manifest import Difference, Manifest, Sha256
from service.engine.devices import Precision
from service.engine.generator import Generator
from service.engine.run_limit import RunLimit
from service.requests.inputs import Inputs, draw_seeds

log = logging.getLogger(__name__)

TIMEOUT_S = 600.0
"""Of the golden check where nobody waits: in a service GANYMEDE_LOAD_TIMEOUT_S is shorter."""
MAX_LEVELS = {"exact": 1, "fast": 8}
MAX_PIXELS_DIFFERING = {"exact": 1e-3, "fast": 0.5}
"""What the reference graph may differ by, in levels of 256 and as a share of the pixels, where its arithmetic
is `float`; one that is `exact` may not differ at all.

Exact: on another processor, whose float sums round in another order. Fast: where TF32 or float16 rounds.
"""
_ALONE = 4
"""Golden pictures that are drawn alone as well."""


class GoldenAnswer(Difference):
    """How far what this machine draws for the golden seeds is from the record, and what it is."""

    sha256: Sha256
    """Of the images drawn here."""
    steady: bool = True
    """Whether a picture drawn alone, on one core or on all, has the pixels that it has in a batch."""

    @property
    def same_bytes(self) -> bool:
        """Whether they are the recorded ones, to the byte."""
        return self.max_levels == 0


def describe_golden(golden: GoldenAnswer) -> str:
    """How this machine's golden pictures are to those on record, in words."""
    if golden.same_bytes:
        return "every byte as recorded"
    levels = f"{golden.max_levels} level{'' if golden.max_levels == 1 else 's'}"
    return (
        f"differs from the recorded pictures by at most {levels} in {100 * golden.pixels_differing:.2g} % of "
        "the pixels: another processor rounds otherwise"
    )


def is_rounding(difference: Difference, precision: Precision = "exact") -> bool:
    """Whether another processor, or a `fast` one, may differ by so much."""
    return (
        difference.max_levels <= MAX_LEVELS[precision]
        and difference.pixels_differing <= MAX_PIXELS_DIFFERING[precision]
    )


def check_golden(
    manifest: Manifest, generator: Generator, golden_images: bytes | None, *, timeout_s: float = TIMEOUT_S
) -> GoldenAnswer:
    """Run the golden seeds of `manifest`, and return the answer and how far it is from the one on record.

    `golden_images` is the content of the release's `.npy` of golden images, if it has one.

    Raises:
        ReleaseRefused: the answer differs by more than another processor's rounding explains, or at all where
            the release is `exact`, or takes longer than `timeout_s`.
    """
    inputs = draw_seeds(manifest, manifest.golden.seeds)
    limit = RunLimit(timeout_s)
    try:
        with limit:
            images = generator.generate(inputs.latents, inputs.labels, limit=limit)
            difference = _compare(manifest, generator, images, golden_images)
            steady = _is_steady(generator, inputs, images, limit)
    except ReleaseRefused:
        raise
    except Exception:  # ONNX Runtime's exceptions share no public base
        if not limit.passed:
            raise
        raise ReleaseRefused(
            f"{manifest.reference}: the golden check did not end within {timeout_s:g} s."
        ) from None
    return GoldenAnswer(**dict(difference), sha256=hash_images(images), steady=steady)


def _compare(
    manifest: Manifest, generator: Generator, images: Images, golden_images: bytes | None
) -> Difference:
    """How far `images` are from those on record; refuses what neither is them nor rounds to them."""
    seeds, image = manifest.golden.seeds, manifest.image
    expected = (len(seeds), image.height, image.width, image.channels)
    if images.shape != expected:
        raise ReleaseRefused(f"{manifest.reference}: the images are {images.shape}, not {expected}.")
    if hash_images(images) == manifest.golden.sha256:
        return Difference(max_levels=0, pixels_differing=0.0)
    failed = f"{manifest.reference}: golden check failed: "
    if manifest.arithmetic == "exact":
        failed = (
            f"{manifest.reference} is broken here, though its arithmetic is exact and must give the recorded "
            "bytes on every machine: golden check failed: "
        )
    if golden_images is not None:
        exact = _read_images(golden_images, manifest)
        if exact.shape == images.shape and hash_images(exact) == manifest.golden.sha256:
            difference = measure_difference(images, exact)
            if manifest.arithmetic == "float" and is_rounding(difference, generator.precision):
                return difference
            raise ReleaseRefused(
                f"{failed}{difference.pixels_differing:.2%} of the pixels "
                f"differ, by up to {difference.max_levels} levels, from what the release recorded."
            )
    raise ReleaseRefused(
        f"{failed}the images of seeds {seeds[0]}–{seeds[-1]} are not those that the release recorded."
    )


def _is_steady(generator: Generator, inputs: Inputs, images: Images, limit: RunLimit) -> bool:
    """Whether these golden images come out alike however they are drawn; `images` are those of one batch.

    Where one core alone gives other pictures than all of them, all of them is what is used from now on.
    """

    def draw(rows: slice, *, alone: bool) -> Images:
        labels = None if inputs.labels is None else inputs.labels[rows]
        return generator.generate(inputs.latents[rows], labels, alone=alone, limit=limit)

    reference = generator.manifest.reference
    if generator.has_narrow and not np.array_equal(draw(slice(None), alone=False), images):
        log.warning("%s: one core draws other pictures than all of them; it is not used by itself", reference)
        generator.drop_narrow()
    ways = (True, False) if generator.has_narrow else (True,)
    rows = [slice(row, row + 1) for row in range(min(_ALONE, len(images)))]
    if all(np.array_equal(draw(row, alone=alone), images[row]) for row in rows for alone in ways):
        return True
    log.warning(
        "%s: a picture drawn alone differs from the same one in a batch; its entity tags are weak", reference
    )
    return False


def _read_images(content: bytes, manifest: Manifest) -> Images:
    try:
        images: Images = read_array(content, kinds="u")
    except WrongArrays as error:
        raise ReleaseRefused(
            f"{manifest.reference}: {manifest.golden.images} cannot be used: {error}."
        ) from error
    return images
