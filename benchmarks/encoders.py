"""Which PNG encoder the service should use: `python -m benchmarks.encoders`."""

import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from foundation.images import Images
from foundation.manifest import REFERENCE_GRAPH
from foundation.store import FolderStore, parse_reference, resolve_version
from service.encoding.pictures import lay_grid
from service.encoding.png import write_png
from service.engine.devices import cpu_device
from service.engine.generator import Generator
from service.requests.inputs import draw_seeds


def by_pillow(level: int) -> Callable[[Images], bytes]:
    """Pillow's encoder at a compression level."""

    def encode(image: Images) -> bytes:
        file = io.BytesIO()
        Image.fromarray(image[:, :, 0]).save(file, "PNG", compress_level=level)
        return file.getvalue()

    return encode


ENCODERS = {"Pillow 1": by_pillow(1), "Pillow 6": by_pillow(6), "ours": write_png}


def main() -> None:
    """Print the best time of each encoder for grids of the bundled model."""
    store = FolderStore(Path("models"))
    manifest = store.manifest("fashion", resolve_version(store, parse_reference("fashion")))
    generator = Generator(manifest, store.read(manifest, REFERENCE_GRAPH), cpu_device(1))
    inputs = draw_seeds(manifest, range(64))
    images = generator.generate(inputs.latents, inputs.labels)
    table = Table("images", *ENCODERS, box=None)
    for count in (1, 16, 64):
        [grid] = lay_grid(images[:count])
        table.add_row(str(count), *(f"{_best_us(encode, grid):.0f} µs" for encode in ENCODERS.values()))
    Console().print(table)


def _best_us(encode: Callable[[Images], bytes], grid: np.ndarray, rounds: int = 50) -> float:
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        encode(grid)
        best = min(best, time.perf_counter() - began)
    return 1e6 * best


if __name__ == "__main__":
    main()
