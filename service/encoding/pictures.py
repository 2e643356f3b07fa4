"""From generated pixels to files: single images, grids, archives and arrays."""

import base64
import io
import math
import zipfile
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import orjson
from PIL import Image

from foundation.images import Images, blend_on_white
from service.encoding.png import write_png
from service.encoding.provenance import Provenance, add_to_png

MEDIA_TYPES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "zip": "application/zip",
    "npy": "application/x-npy",
    "json": "application/json",
}
"""The media type of each format of `POST /generate`, the default first."""

_SAVE_OPTIONS: dict[str, dict[str, object]] = {
    "jpeg": {"quality": 92},
    "webp": {"lossless": True},
}
_LARGEST_SIDE = {"png": 2**31 - 1, "jpeg": 65_535, "webp": 16_383, "gif": 65_535, "mp4": 16_384}
_BACKGROUND = {1: 255, 3: 255, 4: 0}
"""By channels: white, or nothing."""
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever it is made


def enlarge(images: Images, scale: int) -> Images:
    """Repeat each pixel `scale` times both ways: uint8 (n, h, w, c) to (n, h·scale, w·scale, c)."""
    if scale == 1:
        return images
    count, height, width, channels = images.shape
    rows = images.repeat(scale, axis=2).reshape(count, height, 1, width * scale * channels)
    enlarged = np.empty((count, height, scale, width * scale * channels), np.uint8)
    np.copyto(enlarged, rows)  # whole rows, and without the interpreter's lock, which `repeat` keeps
    return enlarged.reshape(count, height * scale, width * scale, channels)


def grid_shape(count: int, columns: int | None) -> tuple[int, int]:
    """Rows and columns of a grid of `count` images; ⌈√count⌉ columns unless given."""
    across = min(columns, count) if columns else math.ceil(math.sqrt(count))
    return math.ceil(count / across), across


def grid_size(
    count: int, height: int, width: int, *, columns: int | None, padding: int, scale: int
) -> tuple[int, int]:
    """Height and width in pixels of the grid that `lay_grid` makes of images enlarged by `scale`."""
    rows, across = grid_shape(count, columns)
    return (
        rows * height * scale + (rows - 1) * padding,
        across * width * scale + (across - 1) * padding,
    )


def fits_format(format: str, height: int, width: int) -> bool:
    """Whether an image of that size can be written in the format."""
    return max(height, width) <= _LARGEST_SIDE.get(format, 2**31 - 1)


def lay_grid(images: Images, *, columns: int | None = None, padding: int = 0) -> Images:
    """Images uint8 (n, h, w, c) row by row in one, (1, height, width, c), with white where there is none.

    Between pictures with transparency there is nothing.
    """
    count, height, width, channels = images.shape
    if count == 1:
        return np.ascontiguousarray(images)
    rows, across = grid_shape(count, columns)
    cells = np.full(
        (rows * across, height + padding, width + padding, channels), _BACKGROUND[channels], np.uint8
    )  # each image with its padding below and to the right
    cells[:count, :height, :width] = images
    grid = cells.reshape(rows, across, height + padding, width + padding, channels)
    grid = grid.swapaxes(1, 2).reshape(1, rows * (height + padding), across * (width + padding), channels)
    return np.ascontiguousarray(grid[:, : grid.shape[1] - padding, : grid.shape[2] - padding])


def encode_image(
    image: Images,
    format: str,
    provenance: Provenance | None = None,
) -> bytes:
    """One picture uint8 (h, w, c) as a `png`, `jpeg` or lossless `webp` file that says how it was made.

    JPEG knows no transparency: it is laid on white.
    """
    if format == "png":
        png = write_png(image)
        return add_to_png(png, provenance) if provenance else png
    if format == "jpeg":
        image = blend_on_white(image)
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    file = io.BytesIO()
    options = dict(_SAVE_OPTIONS[format])
    if provenance:
        options["xmp"] = provenance.xmp()
    if format == "webp" and image.shape[2] == 4:
        options["exact"] = True  # of what is transparent, too
    picture.save(file, format=format.upper(), **options)
    return file.getvalue()


def encode_array(images: Images) -> bytes:
    """The pixels themselves, uint8 (n, h, w, c), as NumPy's `.npy` file."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(images), allow_pickle=False)
    return file.getvalue()


def name_images(count: int, seeds: Sequence[int] | None) -> list[str]:
    """File names without ending: by place in the request, and by seed where there is one."""
    digits = max(4, len(str(count - 1)))
    if seeds is None:
        return [f"{index:0{digits}}" for index in range(count)]
    return [f"{index:0{digits}}-seed-{seed}" for index, seed in enumerate(seeds)]


def encode_archive(images: Images, names: Sequence[str], provenance: Provenance | None = None) -> bytes:
    """A ZIP of images uint8 (n, h, w, c) as PNGs, stored as they are: PNG is compressed already."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for index, (name, image) in enumerate(zip(names, images, strict=True)):
            png = encode_image(image, "png", provenance.of_image(index) if provenance else None)
            archive.writestr(zipfile.ZipInfo(f"{name}.png", _ZIP_TIME), png)
    return file.getvalue()


def encode_json(images: Images, provenance: Provenance) -> bytes:
    """JSON `{"model": …, "images": [{"seed": …, "label": …, "png": base64}, …]}` of uint8 (n, h, w, c).

    Seeds and labels are there where there are any.
    """
    return orjson.dumps({"model": provenance.model, "images": list_entries(images, provenance)})


def list_entries(images: Images, provenance: Provenance) -> list[dict[str, object]]:
    """What JSON has of each image uint8 (h, w, c): its seed and label, if any, and its PNG in base64."""
    entries: list[dict[str, object]] = []
    for index, image in enumerate(images):
        origin = provenance.of_image(index)
        entry: dict[str, object] = {}
        if origin.seeds is not None:
            entry["seed"] = origin.seeds[0]
        if origin.labels is not None:
            entry["label"] = origin.labels[0]
        entry["png"] = base64.b64encode(encode_image(image, "png", origin)).decode()
        entries.append(entry)
    return entries


class Layout(NamedTuple):
    """How pictures lie in a file: the grid's columns (all in about a square where None), and pixels."""

    columns: int | None = None
    padding: int = 0
    """Pixels between the pictures of a grid."""
    scale: int = 1
    """Pixels a side for each of theirs."""


_PLAIN = Layout()


def encode_images(images: Images, format: str, provenance: Provenance, layout: Layout = _PLAIN) -> bytes:
    """Images uint8 (n, h, w, c) in any format of `MEDIA_TYPES`; the three picture formats hold one grid."""
    columns, padding, scale = layout
    if format == "zip":
        return encode_archive(enlarge(images, scale), name_images(len(images), provenance.seeds), provenance)
    if format == "npy":
        return encode_array(enlarge(images, scale))
    if format == "json":
        return encode_json(enlarge(images, scale), provenance)
    # What `service.engine.costs` counts: nothing holds the enlarged images any more when the grid is encoded.
    grid = lay_grid(enlarge(images, scale), columns=columns, padding=padding)[0]
    return encode_image(grid, format, provenance)
