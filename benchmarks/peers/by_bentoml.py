"""The same by BentoML, a process a core.

`GRAPH=… bentoml serve benchmarks.peers.by_bentoml:Generate --port PORT`.
Without its batches: on a CPU an image takes as long in one as alone, and they want inputs of one shape.
"""

import os
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
