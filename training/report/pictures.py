"""The pictures of a report, as addresses that hold the picture itself: RFC 2397."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SHOWN_GRIDS = 6
MAX_FRAMES = 60
FRAME_MS = 200
LAST_FRAME_MS = 2500
ANIMATION_QUALITY = 70


@dataclass(frozen=True, slots=True)
class Grid:
    """A sample grid: the epoch (1 is the first) after which it was drawn, its address, size in pixels."""

    epoch: int
    address: str
    width: int
    height: int


def data_address(content: bytes, media_type: str) -> str:
    """Return the `data:` address of a picture."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def choose_evenly(paths: Sequence[Path], count: int) -> list[Path]:
    """Return at most `count` of the paths, the first and the last among them, the others evenly between."""
    if len(paths) <= count:
        return list(paths)
    return [paths[index] for index in np.linspace(0, len(paths) - 1, count).round().astype(int)]


def read_grids(paths: Sequence[Path]) -> list[Grid]:
    """Return the first grid, some between and the last of the files `epoch-0001.png` and so on."""
    return [read_grid(path, int(path.stem.rpartition("-")[2])) for path in choose_evenly(paths, SHOWN_GRIDS)]


def read_picture(path: Path) -> Grid | None:
    """Return a grid that belongs to no epoch; None where there is no file."""
    return read_grid(path, 0) if path.exists() else None


def read_grid(path: Path, epoch: int) -> Grid:
    """Return the grid in a PNG file, as that after `epoch` epochs."""
    with Image.open(path) as picture:
        width, height = picture.size
    return Grid(epoch, data_address(path.read_bytes(), "image/png"), width, height)


def animate_grids(paths: Sequence[Path]) -> str:
    """Return the address of the grids as a looping WebP animation of at most 60 frames; empty for one."""
    chosen = choose_evenly(paths, MAX_FRAMES)
    if len(chosen) < 2:
        return ""
    frames = [Image.open(path).convert("RGB") for path in chosen]
    content = io.BytesIO()
    durations_ms = [FRAME_MS] * (len(frames) - 1) + [LAST_FRAME_MS]
    frames[0].save(
        content,
        format="webp",
        save_all=True,
        append_images=frames[1:],
        duration=durations_ms,
        loop=0,
        quality=ANIMATION_QUALITY,
    )
    return data_address(content.getvalue(), "image/webp")
