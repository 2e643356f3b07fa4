"""Pictures as FFmpeg's frames (PyAV), without the interpreter's lock where they are large.

NumPy copies into a frame's own memory without it. PyAV keeps it while it copies a picture, twice, in a thread
that yields its core to others (`service.engine.yielding`): those would wait for the lock, and for the core.
"""

from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from PIL import Image

from foundation.images import Images

_COLOURS = 256
_FORMATS = {1: "gray", 3: "rgb24", 4: "rgba"}
_NO_COLOUR = 128
_CACHED_PIXELS = 2**16
_LUMA = np.rint(16 + np.arange(256) * 219 / 255).astype(np.uint8)


def lay_frame(frame: Images) -> VideoFrame:
    """A picture uint8 (h, w, channels) as it is: grey, RGB or RGBA."""
    height, width, channels = frame.shape
    picture = VideoFrame(width, height, _FORMATS[channels])
    _rows_of(picture.planes[0])[:, : width * channels] = frame.reshape(height, width * channels)
    return picture


def brighten_frame(frame: Images) -> VideoFrame:
    """A grey frame uint8 (h, w, 1) of even sides as yuv420p: levels as luma 16 to 235, and no colour."""
    height, width = frame.shape[:2]
    picture = VideoFrame(width, height, "yuv420p")
    luma, *colours = picture.planes
    lines = _rows_of(luma)
    rows = max(1, _CACHED_PIXELS // width)  # NumPy makes eight bytes of each index first
    for row in range(0, height, rows):
        lines[row : row + rows, :width] = np.take(_LUMA, frame[row : row + rows, :, 0], mode="clip")
    for colour in colours:
        _rows_of(colour)[:] = _NO_COLOUR
    return picture


def paint_frame(frame: Images) -> VideoFrame:
    """A frame uint8 (h, w, 1) or (h, w, 3) in at most 256 colours of its own; grey levels stay exact."""
    if frame.shape[2] == 1:
        levels = np.arange(_COLOURS, dtype=np.uint8)
        indices, colours = frame[:, :, 0], np.stack([levels] * 3, axis=1)  # (256, 3)
    else:
        painted = Image.fromarray(frame).quantize(_COLOURS, Image.Quantize.MEDIANCUT)
        indices = np.asarray(painted)
        colours = np.zeros((_COLOURS, 3), np.uint8)
        used = np.asarray(painted.getpalette("RGB"), np.uint8).reshape(-1, 3)
        colours[: len(used)] = used
    # FFmpeg's palette: 256 words of alpha, red, green, blue.
    opaque = np.full((_COLOURS, 1), 255, np.uint8)
    palette = np.concatenate([opaque, colours], axis=1)  # (256, 4)
    painting: Any = (np.ascontiguousarray(indices), palette)  # PyAV's types leave this pair out
    return VideoFrame.from_ndarray(painting, format="pal8")


def _rows_of(plane: VideoPlane) -> Images:
    """The memory of a plane, uint8 (height, bytes of a row, and those that align it)."""
    memory: Any = plane  # it is a buffer, which PyAV's types leave out
    return np.frombuffer(memory, np.uint8).reshape(plane.height, plane.line_size)
