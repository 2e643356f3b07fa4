"""The same by Triton through PyTriton, its batches and its JSON.

Run as `python -m benchmarks.peers.by_triton GRAPH PORT`.
Its `generate` endpoint takes the load as it is; JSON holds no bytes, so that a picture comes as base64.
"""

import base64
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig
from tritonclient.utils import InferenceServerException

from benchmarks.peers.pictures import Pictures, count_cores, find_encoder

_ATTEMPTS = 5
"""Its two Python processes look for each other for one second, which is no option of its: on a busy machine
that can be too short."""


class Drawing:
    """What Triton calls for each batch; each is called by a thread of its own."""

    def __init__(self, graph: str) -> None:
        self._graph = graph
        self._pictures: Pictures | None = None
        self._encode = find_encoder("opencv")

    @batch
    def __call__(self, seed: Any, count: Any) -> dict[str, Any]:
        """The pictures of seeds and counts, (n, 1) each."""
        if self._pictures is None:
            self._pictures = Pictures(self._graph, 1)
        orders = [(int(first), int(images)) for first, images in zip(seed[:, 0], count[:, 0], strict=True)]
        pictures = [base64.b64encode(self._encode(images)) for images in self._pictures.draw(orders)]
        return {"png": np.array(pictures, np.bytes_).reshape(-1, 1)}


def main(graph: str, port: int) -> None:
    """Serve until it is told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that Triton ends, too, and its files go
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            serve(graph, port)
        except (InferenceServerException, OSError) as error:
            first = str(error).splitlines()[0]
            print(f"its model did not load in {attempt} of {_ATTEMPTS} attempts: {first}", file=sys.stderr)
        else:
            return


def serve(graph: str, port: int) -> None:
    """Serve on this port, with files in a folder of its own."""
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=port,
        http_thread_count=count_cores(),
        allow_grpc=False,
        allow_metrics=False,
        log_verbose=0,
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        Triton(config=config, workspace=Path(folder) / "workspace") as triton,
    ):
        triton.bind(
            model_name="pictures",
            infer_func=[Drawing(graph) for _ in range(count_cores())],
            inputs=[Tensor(name=name, dtype=np.int64, shape=(1,)) for name in ("seed", "count")],
            outputs=[Tensor(name="png", dtype=bytes, shape=(1,))],
            config=ModelConfig(max_batch_size=8, batcher=DynamicBatcher(max_queue_delay_microseconds=0)),
        )
        triton.serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
