"""The reference: what a good engineer writes in an afternoon with FastAPI and ONNX Runtime.

As many requests at once as there are cores, each in a thread that draws and encodes; no batching. One session
of one thread: runs that share threads wait for each other, and took half as much CPU again for 16 images.
Run as `python -m benchmarks.peers.by_hand GRAPH PORT [pillow|opencv]`.
"""

import sys
from typing import Annotated

import uvicorn
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import FastAPI, Response
from pydantic import BaseModel, Field

from benchmarks.peers.pictures import Pictures, count_cores, find_encoder


class Order(BaseModel):
    """What the load generator sends."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    count: Annotated[int, Field(ge=1, le=1024)] = 16


def create_app(graph: str, encoder: str) -> FastAPI:
    """The whole service."""
    pictures, encode = Pictures(graph, 1), find_encoder(encoder)
    cores = CapacityLimiter(count_cores())
    app = FastAPI()

    def draw(order: Order) -> bytes:
        [images] = pictures.draw([(order.seed, order.count)])
        return encode(images)

    @app.post("/generate")
    async def generate(order: Order) -> Response:
        return Response(await run_sync(draw, order, limiter=cores), media_type="image/png")

    return app


if __name__ == "__main__":
    chosen = sys.argv[3] if len(sys.argv) > 3 else "pillow"
    uvicorn.run(create_app(sys.argv[1], chosen), port=int(sys.argv[2]), log_level="warning")
