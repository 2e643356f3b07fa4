"""How near an enlarger comes to what pictures really are at the large size, beside plain interpolation."""

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image

from foundation.images import blend_on_white
from training.data import scale_pixels
from training.enlarger.graphs import enlarge
from training.run.samples import tile

SHOWN = 12
SHEET_PIXELS = 128
"""A picture of the sheet is enlarged to about so many a side."""

Images = NDArray[np.uint8]


def measure(model: onnx.ModelProto, small: Images, large: Images) -> Mapping[str, float]:
    """Return how far `small` (n, h, w, c) enlarged is from pictures uint8 (n, 2h, 2w, C): means in [-1, 1].

    `enlarged_pixels` is by the graph, `interpolated_pixels` by Catmull and Rom's cubic curves, which is what
    one does without it. Pictures with transparency lie on white where the small ones do.
    """
    wanted = scale(see(large, small.shape[-1]))
    ways = {"enlarged": see(enlarge(model, small), small.shape[-1]), "interpolated": interpolate(small)}
    return {
        f"{way}_pixels": float(f"{np.abs(scale(images) - wanted).mean():.4g}") for way, images in ways.items()
    }


def lay_sheet(model: onnx.ModelProto, small: Images, large: Images, drawn: Images) -> Image.Image:
    """Return a picture of five rows: pictures interpolated, enlarged and real, then drawings both ways.

    `small` and `drawn` are uint8 (n, h, w, c), `large` (n, 2h, 2w, C).
    """
    channels = small.shape[-1]
    rows = [
        interpolate(small[:SHOWN]),
        see(enlarge(model, small[:SHOWN]), channels),
        see(large[:SHOWN], channels),
        interpolate(drawn[:SHOWN]),
        see(enlarge(model, drawn[:SHOWN]), channels),
    ]
    return tile(np.concatenate(rows), len(rows[0]), max(1, SHEET_PIXELS // max(large.shape[1:3])))


def see(images: Images, channels: int) -> Images:
    """Return images uint8 (n, h, w, C) with `channels`: on white where there is no alpha."""
    return images if images.shape[-1] == channels else blend_on_white(images)


def interpolate(images: Images) -> Images:
    """Return images uint8 (n, h, w, c) twice as high and wide by cubic curves."""
    height, width = images.shape[1:3]
    parts = [
        np.asarray(
            Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).resize(
                (2 * width, 2 * height), Image.Resampling.BICUBIC
            )
        )
        for image in images
    ]
    enlarged: Images = np.stack(parts).reshape(len(images), 2 * height, 2 * width, images.shape[-1])
    return enlarged


def scale(images: Images) -> NDArray[np.float32]:
    """Return uint8 (n, h, w, c) as float32 in [-1, 1], premultiplied by alpha."""
    scaled: NDArray[np.float32] = scale_pixels(images).numpy()
    return scaled
