"""The stacks that are held against ours: how each is started, and how its answer is read."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from benchmarks.peers.environments import find_python, find_variables
from benchmarks.peers.pictures import Pixels
from benchmarks.servers import Running, free_port, start_server

OURS = "Ganymede"


@dataclass(frozen=True, slots=True)
class Stack:
    """One way to serve a graph; `{graph}` and `{port}` in its command are filled in."""

    name: str
    environment: str
    """Of `requirements/peers`."""
    command: tuple[str, ...]
    ready_path: str
    prefix: str = ""
    """What comes before `/generate`."""


STACKS = (
    Stack("by hand, Pillow", "by_hand", ("hand", "{graph}", "{port}", "pillow"), "/docs"),
    Stack("by hand, OpenCV", "by_hand", ("hand", "{graph}", "{port}", "opencv"), "/docs"),
    Stack("LitServe", "litserve", ("litserve", "{graph}", "{port}"), "/health"),
    Stack("BentoML", "bentoml", ("bentoml", "{graph}", "{port}"), "/readyz"),
    Stack(
        "PyTriton",
        "triton",
        ("triton", "{graph}", "{port}"),
        "/v2/models/pictures/ready",
        "/v2/models/pictures",
    ),
)


@contextmanager
def start_stack(stack: Stack, graph: Path) -> Iterator[Running]:
    """The server of `stack` on `graph`, in an environment of its own.

    Raises:
        RuntimeError: it does not start.
    """
    port = free_port()
    module, *rest = stack.command
    words = [word.format(graph=graph.absolute(), port=port) for word in rest]
    command = [str(find_python(stack.environment)), "-m", f"benchmarks.peers.by_{module}", *words]
    with start_server(stack.name, command, port, stack.ready_path, find_variables()) as running:
        yield replace(running, url=running.url + stack.prefix)


def ask_pixels(server: Running, body: dict[str, object]) -> Pixels:
    """The pixels (h, w) or (h, w, 3) of the picture that a server answers."""
    answer = httpx.post(f"{server.url}/generate", json=body, timeout=60).raise_for_status()
    content = answer.content
    if answer.headers["content-type"].startswith("application/json"):
        content = base64.b64decode(answer.json()["png"])
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    grey = pixels.ndim == 3 and np.array_equal(pixels[..., :1].repeat(3, axis=2), pixels)
    return pixels[..., 0] if grey else pixels
