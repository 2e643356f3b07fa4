"""The reference: what a good engineer writes in an afternoon with FastAPI and ONNX Runtime.

One session with all cores, a worker thread for each request; no batching, no queue.
Run as `python -m benchmarks.peers.by_hand GRAPH PORT [pillow|opencv]`.
"""

import sys
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel, Field

from benchmarks.peers.pictures import Pictures, count_cores, find_encoder


class Order(BaseModel):
    """What the load generator sends."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    count: Annotated[int, Field(ge=1, le=1024)] = 16


def create_app(graph: str, encoder: str) -> FastAPI:
    """The whole service."""
    pictures, encode = Pictures(graph, count_cores()), find_encoder(encoder)
    app = FastAPI()

    @app.post("/generate")
    def generate(order: Order) -> Response:
        [images] = pictures.draw([(order.seed, order.count)])
        return Response(encode(images), media_type="image/png")

    return app


if __name__ == "__main__":
    chosen = sys.argv[3] if len(sys.argv) > 3 else "pillow"
    uvicorn.run(create_app(sys.argv[1], chosen), port=int(sys.argv[2]), log_level="warning")
