"""What a grid costs: how far the exact graph's pictures are from the float one's, in levels."""

import numpy as np
import onnx
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from foundation.grid.calibration import Feeds, count_samples, draw_feeds
from foundation.grid.demands import NotPlaceable
from foundation.grid.placing import Placed, place
from foundation.images import Images
from foundation.manifest import LabelInput, LatentInput
from foundation.onnx_runtime import onnxruntime

CALIBRATED_IMAGES = 1024
COMPARED_IMAGES = 256
MOST_MEAN_LEVELS = 8.0
"""Beyond it the pictures are others; what can be placed costs about one."""
_BATCH_IMAGES = 64


class Price(BaseModel):
    """Over pictures of seeds that the grid was not laid by: some of blended classes, some truncated.

    Of pictures with alpha the colours count as far as they are seen.
    """

    model_config = ConfigDict(frozen=True)

    images: int
    mean_levels: float
    max_levels: int
    pixels_differing: float
    """Share of the pixels that differ at all."""

    def __str__(self) -> str:
        """For a person."""
        return (
            f"{self.mean_levels:.2f} levels of 255 on average, at most {self.max_levels}, in "
            f"{100 * self.pixels_differing:.1f} % of the pixels of {self.images} pictures"
        )


def place_priced(
    model: onnx.ModelProto, latent: LatentInput, label: LabelInput | None
) -> tuple[Placed, Price]:
    """Place a float graph on grids, prove that it is exact, and measure what that costs.

    Raises:
        NotPlaceable: an operator has no place on a grid, or the pictures would be others.
        NotExact: what came out is not proven.
    """
    normal = latent.distribution == "normal"
    placed = place(model, draw_feeds(latent, label, CALIBRATED_IMAGES), normal=normal)
    price = measure_price(model, placed.model, latent, label)
    if price.mean_levels > MOST_MEAN_LEVELS:
        raise NotPlaceable(
            f"On grids its pictures would be {price.mean_levels:.1f} levels of 255 from the float graph's on "
            f"average; more than {MOST_MEAN_LEVELS:g} is no rounding any more. It stays a float graph."
        )
    return placed, price


def measure_price(
    floats: onnx.ModelProto, exact: onnx.ModelProto, latent: LatentInput, label: LabelInput | None
) -> Price:
    """How far the exact graph is from the float one, over seeds that the grid was not laid by."""
    return compare(floats, exact, draw_feeds(latent, label, COMPARED_IMAGES, first=CALIBRATED_IMAGES))


def compare(floats: onnx.ModelProto, exact: onnx.ModelProto, feeds: Feeds) -> Price:
    """Draw `feeds` with both graphs."""
    apart = np.abs(_see(draw(exact, feeds)) - _see(draw(floats, feeds)))
    return Price(
        images=len(apart),
        mean_levels=round(float(apart.mean()), 4),
        max_levels=int(apart.max()),
        pixels_differing=round(float((apart > 0).mean()), 6),
    )


def _see(images: Images) -> NDArray[np.int16]:
    """Levels (n, h, w, c), of colours with alpha those on black: nobody sees what has no alpha."""
    if images.shape[-1] != 4:
        return images.astype(np.int16)
    alpha = images[..., 3:].astype(np.float32)
    return np.concatenate([np.rint(images[..., :3] * (alpha / 255)), alpha], -1).astype(np.int16)


def draw(model: onnx.ModelProto, feeds: Feeds) -> Images:
    """The pictures of what goes in (n, …), of latents and labels as a rule: uint8 (n, h, w, c)."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    parts = [
        session.run(
            ["image"], {name: values[start : start + _BATCH_IMAGES] for name, values in feeds.items()}
        )[0]
        for start in range(0, count_samples(feeds), _BATCH_IMAGES)
    ]
    images: Images = np.concatenate(parts)
    return images
