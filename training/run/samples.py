"""Sample pictures of a generator in training: a grid of fixed seeds, and the animation of the grids."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from foundation.images import blend_on_white
from foundation.labels import weigh_classes
from foundation.latents import draw_classes, draw_latents
from training.shape import CHUNK_PIXELS, MAX_CLASS_ROWS

SAMPLE_SEEDS = tuple(range(16))
SAMPLE_COLUMNS = 4
SAMPLE_SCALE = 2
CLASS_COLUMNS = 10
FRAME_MS = 150
LAST_FRAME_MS = 2000
MAX_FRAMES = 200

LEAST_ALPHA = 8.0
"""Of 255: colours that are seen less are divided by this, or rounding would be enlarged beyond a level."""

Floats = NDArray[np.float32]


def draw_inputs(seeds: Sequence[int], latent_size: int, classes: int) -> tuple[Floats, Floats | None]:
    """Return what the seeds stand for by the scheme `philox-1`: latents float32 (n, Z), and labels.

    The labels are one-hot float32 (n, classes), each of the class that its seed stands for; None where
    `classes` is 0, for a generator without a label.
    """
    latents = draw_latents(seeds, latent_size)
    if not classes:
        return latents, None
    return latents, weigh_classes(draw_classes(seeds, classes), classes)


def generate_pixels(
    generator: keras.Model, latents: Floats, labels: Floats | None = None
) -> NDArray[np.uint8]:
    """Run latents (n, Z), and labels (n, classes) if it takes them, through it: uint8 (n, H, W, C)."""
    return quantize(draw_images(generator, latents, labels))


def draw_images(generator: keras.Model, latents: Floats, labels: Floats | None = None) -> Floats:
    """Run latents (n, Z), and labels (n, classes) if it takes them, through it: float32 (n, H, W, C).

    Of large pictures a few at a time: Keras holds what every layer makes of them until the last.
    """
    height, width = generator.output_shape[1:3]
    chunk = max(1, CHUNK_PIXELS // (height * width))
    parts = [slice(first, first + chunk) for first in range(0, len(latents), chunk)]
    return np.concatenate(
        [
            np.asarray(
                generator(latents[part] if labels is None else [latents[part], labels[part]], training=False)
            )
            for part in parts
        ]
    )


def quantize(images: Floats) -> NDArray[np.uint8]:
    """Turn float32 in [-1, 1] into uint8 in 0 to 255, rounding half to even, as the exported graph does.

    Of four channels the last is alpha: the colours are divided by it, and black where nothing is seen.
    """
    levels = (images + np.float32(1.0)) * np.float32(127.5)
    if images.shape[-1] == 4:
        alpha = levels[..., 3:]
        colours = levels[..., :3] * (np.float32(255.0) / np.maximum(alpha, np.float32(LEAST_ALPHA)))
        colours *= np.rint(alpha) > 0
        levels = np.concatenate([colours, alpha], -1)
    pixels: NDArray[np.uint8] = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return pixels


def tile(images: NDArray[np.uint8], columns: int, scale: int = 1, padding: int = 1) -> Image.Image:
    """Lay uint8 (n, H, W, C) out in rows of `columns`, with `padding` pixels of zeros between.

    These are black, or nothing where there are four channels, the last of them alpha.
    """
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    cell_height, cell_width = height + padding, width + padding
    canvas = np.zeros((rows * cell_height + padding, columns * cell_width + padding, channels), np.uint8)
    for index, image in enumerate(images):
        top = index // columns * cell_height + padding
        left = index % columns * cell_width + padding
        canvas[top : top + height, left : left + width] = image
    canvas = canvas.repeat(scale, axis=0).repeat(scale, axis=1)
    return Image.fromarray(canvas[..., 0] if channels == 1 else canvas)


def write_sample(path: Path, generator: keras.Model, latent_size: int, classes: int) -> None:
    """Write a grid of fixed seeds as a PNG file: seeds 0 to 15, or a row of ten for each of `classes`."""
    if not classes:
        images = generate_pixels(generator, draw_latents(SAMPLE_SEEDS, latent_size))
        tile(images, SAMPLE_COLUMNS, SAMPLE_SCALE).save(path)
        return
    seeds, labels = class_rows(classes)
    images = generate_pixels(generator, draw_latents(seeds, latent_size), labels)
    tile(images, CLASS_COLUMNS, SAMPLE_SCALE).save(path)


def class_rows(classes: int) -> tuple[range, Floats]:
    """Return what a grid shows that has a row of ten pictures, of other seeds each, for every class.

    Seeds are 10 for each class, labels one-hot float32 (10 classes, classes). Of more than twelve classes the
    first twelve are shown.
    """
    shown = min(classes, MAX_CLASS_ROWS)
    labels = np.eye(classes, dtype=np.float32)[np.repeat(np.arange(shown), CLASS_COLUMNS)]
    return range(shown * CLASS_COLUMNS), labels


def write_animation(path: Path, frame_paths: Sequence[Path]) -> None:
    """Write the grids as a GIF that loops, at most 200 of them, evenly chosen, the last shown longest."""
    if not frame_paths:
        return
    count = min(MAX_FRAMES, len(frame_paths))
    chosen = np.linspace(0, len(frame_paths) - 1, count).round().astype(int)
    frames = [open_opaque(frame_paths[index]).convert("P") for index in chosen]
    durations_ms = [FRAME_MS] * (len(frames) - 1) + [LAST_FRAME_MS]
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=durations_ms, loop=0, optimize=False
    )


def open_opaque(path: Path) -> Image.Image:
    """Open a picture, laid on white where it is transparent: a GIF has no alpha."""
    with Image.open(path) as picture:
        if picture.mode != "RGBA":
            return picture.copy()
        return Image.fromarray(blend_on_white(np.asarray(picture)))
