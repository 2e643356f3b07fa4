"""What every peer does alike: a seed's latents, the graph, one grid, PNG.

Of NumPy, ONNX Runtime and OpenCV alone, so that it runs in any peer's environment; the seeds are NumPy's, as
anybody would take them.
"""

import io
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class Pictures:
    """One graph in one session of so many threads; safe to call from many."""

    def __init__(self, graph: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._sizes = {tensor.name: tensor.shape[1] for tensor in self._session.get_inputs()}

    def draw(self, orders: Sequence[tuple[int, int]]) -> list[Pixels]:
        """The images uint8 (count, h, w, c) of each (seed, count), all in one run."""
        feeds = [draw_feeds(self._sizes, seed, count) for seed, count in orders]
        joined = {name: np.concatenate([feed[name] for feed in feeds]) for name in self._sizes}
        images: Pixels = self._session.run(["image"], joined)[0]
        ends = np.cumsum([count for _, count in orders])
        return np.split(images, ends[:-1])


def draw_feeds(sizes: dict[str, int], seed: int, count: int) -> dict[str, NDArray[np.float32]]:
    """Latents, and classes where the graph has any, of `count` images from one seed."""
    random = np.random.default_rng(seed)
    feeds = {"latent": random.standard_normal((count, sizes["latent"]), np.float32)}
    if "label" in sizes:
        classes = random.integers(sizes["label"], size=count)
        feeds["label"] = np.eye(sizes["label"], dtype=np.float32)[classes]
    return feeds


def lay_grid(images: Pixels) -> Pixels:
    """Images (n, h, w, c) as one picture, ⌈√n⌉ in a row, what is left white."""
    count, height, width, channels = images.shape
    if count == 1:
        single: Pixels = images[0]
        return single
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    cells = np.full((down * across, height, width, channels), 255, np.uint8)
    cells[:count] = images
    grid = cells.reshape(down, across, height, width, channels).swapaxes(1, 2)
    return grid.reshape(down * height, across * width, channels)


def find_encoder(name: str) -> Callable[[Pixels], bytes]:
    """The encoder of `opencv`, as it comes, or of `pillow`, at level 6: images to the PNG of their grid."""
    return _by_opencv if name == "opencv" else _by_pillow


def count_cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0))


def _by_opencv(images: Pixels) -> bytes:
    import cv2

    grid = lay_grid(images)
    done, content = cv2.imencode(
        ".png", grid if grid.shape[2] == 1 else cv2.cvtColor(grid, cv2.COLOR_RGB2BGR)
    )
    if not done:
        raise RuntimeError("OpenCV could not encode the picture.")
    return bytes(content)


def _by_pillow(images: Pixels) -> bytes:
    from PIL import Image

    grid, file = lay_grid(images), io.BytesIO()
    picture: Any = Image.fromarray(grid[:, :, 0] if grid.shape[2] == 1 else grid)
    picture.save(file, "PNG")
    return file.getvalue()
