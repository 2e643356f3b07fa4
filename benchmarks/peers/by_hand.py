"""The reference: what a good engineer writes in an afternoon with FastAPI and ONNX Runtime.

One session with all cores, a worker thread for each request, PNG by Pillow; no batching, no queue.
Run as `python -m benchmarks.peers.by_hand GRAPH PORT`.
"""

import io
import math
import sys
from typing import Annotated

import numpy as np
import uvicorn
from fastapi import FastAPI, Response
from PIL import Image
from pydantic import BaseModel, Field

from service.onnx_runtime import onnxruntime


class Order(BaseModel):
    """What the load generator sends."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    count: Annotated[int, Field(ge=1, le=1024)] = 16


def create_app(graph: str) -> FastAPI:
    """The whole service."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    latent = next(tensor for tensor in session.get_inputs() if tensor.name == "latent")
    label = next((tensor for tensor in session.get_inputs() if tensor.name == "label"), None)
    app = FastAPI()

    @app.post("/generate")
    def generate(order: Order) -> Response:
        random = np.random.default_rng(order.seed)
        feeds = {"latent": random.standard_normal((order.count, latent.shape[1]), np.float32)}
        if label is not None:
            classes = label.shape[1]
            feeds["label"] = np.eye(classes, dtype=np.float32)[random.integers(classes, size=order.count)]
        images = session.run(["image"], feeds)[0]
        side = math.ceil(math.sqrt(order.count))
        rows = math.ceil(order.count / side)
        count, height, width, channels = images.shape
        cells = np.zeros((rows * side, height, width, channels), np.uint8)
        cells[:count] = images
        grid = cells.reshape(rows, side, height, width, channels).swapaxes(1, 2)
        grid = grid.reshape(rows * height, side * width, channels)
        file = io.BytesIO()
        Image.fromarray(grid[:, :, 0] if channels == 1 else grid).save(file, "PNG")
        return Response(file.getvalue(), media_type="image/png")

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(sys.argv[1]), port=int(sys.argv[2]), log_level="warning")
