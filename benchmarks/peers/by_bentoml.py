"""The same by BentoML, a process a core.

Run as `python -m benchmarks.peers.by_bentoml GRAPH PORT`.
Without its batches: on a CPU an image takes as long in one as alone, and they want inputs of one shape.
"""

import os
import sys
from typing import Annotated

import bentoml

from benchmarks.peers.pictures import Pictures, count_cores, find_encoder


@bentoml.service(workers=count_cores(), traffic={"timeout": 60})
class Generate:
    """The whole service."""

    def __init__(self) -> None:
        self.pictures, self.encode = Pictures(os.environ["GRAPH"], 1), find_encoder("opencv")

    @bentoml.api(route="/generate")
    def generate(
        self, seed: int, count: int = 16
    ) -> Annotated[bytes, bentoml.validators.ContentType("image/png")]:
        """The picture."""
        [images] = self.pictures.draw([(seed, count)])
        return self.encode(images)


if __name__ == "__main__":
    graph, port = sys.argv[1:]
    bento = [sys.executable, "-m", "bentoml", "serve", "benchmarks.peers.by_bentoml:Generate"]
    bento += ["--host", "127.0.0.1", "--port", port]
    os.execve(sys.executable, bento, {**os.environ, "GRAPH": graph, "BENTOML_DO_NOT_TRACK": "1"})  # noqa: S606 - our own program
