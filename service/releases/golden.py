"""The golden check: a graph must still answer what it answered where it was made."""

from foundation.arrays import WrongArrays, read_array
from foundation.errors import ReleaseRefused
from foundation.images import Images, hash_images, measure_difference
from foundation.manifest import Difference, Manifest
from service.engine.devices import Precision
from service.engine.generator import Generator
from service.engine.run_limit import RunLimit
from service.requests.inputs import draw_seeds

TIMEOUT_S = 600.0
"""Of the golden check where nobody waits: in a service GANYMEDE_LOAD_TIMEOUT_S is shorter."""
MAX_LEVELS = {"exact": 1, "fast": 8}
MAX_PIXELS_DIFFERING = {"exact": 1e-3, "fast": 0.5}
"""What the reference graph may differ by, in levels of 256 and as a share of the pixels.

Exact: on another processor, whose float sums round in another order. Fast: where TF32 or float16 rounds.
"""


def is_rounding(difference: Difference, precision: Precision = "exact") -> bool:
    """Whether another processor, or a `fast` one, may differ by so much."""
    return (
        difference.max_levels <= MAX_LEVELS[precision]
        and difference.pixels_differing <= MAX_PIXELS_DIFFERING[precision]
    )


def check_golden(
    manifest: Manifest, generator: Generator, golden_images: bytes | None, *, timeout_s: float = TIMEOUT_S
) -> Difference:
    """Run the golden seeds of `manifest`, and return how far the answer is from the one on record.

    `golden_images` is the content of the release's `.npy` of golden images, if it has one.

    Raises:
        ReleaseRefused: the answer differs by more than another processor's rounding explains, or takes longer
            than `timeout_s`.
    """
    inputs = draw_seeds(manifest, manifest.golden.seeds)
    limit = RunLimit(timeout_s)
    try:
        with limit:
            images = generator.generate(inputs.latents, inputs.labels, limit=limit)
    except Exception:  # ONNX Runtime's exceptions share no public base
        if not limit.passed:
            raise
        raise ReleaseRefused(
            f"{manifest.reference}: the golden check did not end within {timeout_s:g} s."
        ) from None
    expected = (len(inputs.latents), manifest.image.height, manifest.image.width, manifest.image.channels)
    if images.shape != expected:
        raise ReleaseRefused(f"{manifest.reference}: the images are {images.shape}, not {expected}.")
    if hash_images(images) == manifest.golden.sha256:
        return Difference(max_levels=0, pixels_differing=0.0)
    if golden_images is not None:
        exact = _read_images(golden_images, manifest)
        if exact.shape == images.shape and hash_images(exact) == manifest.golden.sha256:
            difference = measure_difference(images, exact)
            if is_rounding(difference, generator.precision):
                return difference
            raise ReleaseRefused(
                f"{manifest.reference}: golden check failed: {difference.pixels_differing:.2%} of the pixels "
                f"differ, by up to {difference.max_levels} levels, from what the release recorded."
            )
    raise ReleaseRefused(
        f"{manifest.reference}: golden check failed: the images of seeds "
        f"{manifest.golden.seeds[0]}–{manifest.golden.seeds[-1]} are not those that the release recorded."
    )


def _read_images(content: bytes, manifest: Manifest) -> Images:
    try:
        images: Images = read_array(content, kinds="u")
    except WrongArrays as error:
        raise ReleaseRefused(
            f"{manifest.reference}: {manifest.golden.images} cannot be used: {error}."
        ) from error
    return images
