"""The same by LitServe: a process a core, batches of what waits.

Run as `python -m benchmarks.peers.by_litserve GRAPH PORT`.
"""

import sys
from typing import Any

import litserve
from fastapi import Response

from benchmarks.peers.pictures import Pictures, Pixels, count_cores, find_encoder


class PicturesApi(litserve.LitAPI):
    """What LitServe asks of a model; each of its processes has one."""

    def setup(self, device: str) -> None:  # noqa: ARG002 # LitServe's name
        """Open the graph."""
        self.pictures, self.encode = Pictures(sys.argv[1], 1), find_encoder("opencv")

    def decode_request(self, request: dict[str, Any]) -> tuple[int, int]:
        """A seed and how many images."""
        return int(request["seed"]), int(request.get("count", 16))

    def batch(self, inputs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Requests of different sizes: they are joined where they are drawn."""
        return list(inputs)

    def predict(self, orders: list[tuple[int, int]]) -> list[Pixels]:
        """Their images."""
        return self.pictures.draw(orders)

    def unbatch(self, output: list[Pixels]) -> list[Pixels]:
        """One after the other."""
        return output

    def encode_response(self, images: Pixels) -> Response:
        """The picture."""
        return Response(self.encode(images), media_type="image/png")


if __name__ == "__main__":
    api = PicturesApi(max_batch_size=8, batch_timeout=0.001, api_path="/generate")
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=count_cores(), timeout=60, fast_queue=True
    )
    port = int(sys.argv[2])
    server.run(host="127.0.0.1", port=port, generate_client_file=False, log_level="warning")
