"""The requests whose answers may not change: every endpoint, format and field, and each kind of refusal."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Asked:
    """One request; `name` is its key among the recorded answers."""

    name: str
    method: str
    path: str
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


PICTURES = ("png", "jpeg", "webp", "zip", "npy", "json")
WALKS = ("png", "gif", "apng", "webp", "mp4", "zip", "npy")
MODELS = ("grey", "grey@v1", "colour", "wide")

GENERATE: tuple[dict[str, Any], ...] = (
    {"seed": 7},
    {"seed": 7, "count": 1},
    {"seed": 2**32 - 3, "count": 3},
    {"seeds": [5, 1, 5, 4294967295]},
    {"seed": 3, "count": 5, "columns": 2, "padding": 3, "scale": 2},
    {"seed": 3, "count": 70, "truncation": 0.7},
    {"latents": [[0, 0.5, -1, 2, 0.25, 1], [1, 1, 1, 1, 1, 1]]},
    {"mix": [{"seed": 1}, {"seed": 2, "weight": -0.5}]},
    {"seed": 9, "count": 2, "directions": {"bright": 1.5, "1": -2}},
)
LABELLED: tuple[dict[str, Any], ...] = (
    {"seed": 7, "label": "square"},
    {"seed": 7, "label": 2, "count": 3},
    {"seeds": [1, 2], "labels": ["star", [0.25, 0.5, 0.25]]},
    {"latents": [[0, 0, 0, 0, 0, 1]], "label": [1, 1, 2], "scale": 4},
)
WALK: tuple[dict[str, Any], ...] = (
    {"seeds": [1, 5, 9], "frames": 12},
    {"seeds": [1, 2], "frames": 70, "interpolation": "lerp", "loop": True},
    {"seeds": [3, 4, 5], "frames": 9, "interpolation": "spline", "easing": "smooth", "scale": 2},
    {"latents": [[0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]], "frames": 4, "fps": 12, "truncation": 0.5},
)
REFUSED: tuple[bytes, ...] = (
    b"[1]",
    b"{",
    b'{"seed": -1}',
    b'{"seed": 4294967296}',
    b'{"count": 0}',
    b'{"count": 5000}',
    b'{"seed": 1, "seeds": [1]}',
    b'{"nothing": 1}',
    b'{"model": "absent"}',
    b'{"model": "grey@v9"}',
    b'{"label": "square", "model": "grey"}',
    b'{"label": "circles", "model": "colour"}',
    b'{"latents": [[1, 2]]}',
    b'{"truncation": 0}',
    b'{"scale": 65}',
    b'{"directions": {"absent": 1}}',
    b'{"format": "bmp"}',
    b'{"seeds": [1], "frames": 1}',
)
PROJECT: tuple[bytes, ...] = (
    b'{"pictures": ["iVBORw0KGgo="], "model": "colour"}',
    b'{"pictures": ["iVBORw0KGgo="], "steps": 1001}',
    b'{"pictures": ["no base64"]}',
    b"{}",
    b"%PDF-1.7",
)
"""No release on record has an encoder: its floats would not be the same on every processor."""
IMAGES = (
    "/images/grey/7.png",
    "/images/grey@v1/7.png",
    "/images/grey@production/7.png?scale=3",
    "/images/colour/7.png?label=star&truncation=0.5",
    "/images/colour@v1/8.png?label=1",
    "/images/wide/4294967295.png",
    "/images/grey/4294967296.png",
    "/images/grey/x.png",
    "/images/grey/1.png?scale=0",
    "/images/grey/1.png?size=3",
    "/images/grey/1.png?scale=2&scale=3",
    "/images/absent/1.png",
)
DESCRIBED = (
    "/models",
    "/models/grey",
    "/models/colour/versions/v1",
    "/models/absent",
    "/models/grey/versions/v1/samples.png",
    "/livez",
    "/ping",
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/grey",
    "/v2/models/colour/versions/v1",
    "/v2/models/grey/ready",
    "/v2/models/absent",
    "/v2/elsewhere",
    "/elsewhere",
    "/generate",
)


def _posted(path: str, body: dict[str, Any], **headers: str) -> Asked:
    content = json.dumps(body).encode()
    shown = ",".join(f"{name}={value}" for name, value in headers.items())
    return Asked(f"POST {path} {content.decode()} {shown}".strip(), "POST", path, content, dict(headers))


def _tensors() -> Iterator[Asked]:
    for name, model, inputs in (
        ("seeds", "grey", [{"name": "seed", "shape": [2], "datatype": "INT64", "data": [7, 8]}]),
        ("latents", "wide", [{"name": "latent", "shape": [1, 6], "datatype": "FP32", "data": [0.5] * 6}]),
        ("wrong", "grey", [{"name": "latent", "shape": [1, 5], "datatype": "FP32", "data": [0.5] * 5}]),
    ):
        path = f"/v2/models/{model}/infer"
        for binary in (False, True):
            body = {"id": name, "inputs": inputs, "parameters": {"binary_data_output": binary}}
            yield _posted(path, body)
    latents = np.linspace(-1, 1, 12, dtype=np.float32).tobytes()
    described = {"name": "latent", "shape": [2, 6], "datatype": "FP32"}
    head = json.dumps({"inputs": [{**described, "parameters": {"binary_data_size": len(latents)}}]}).encode()
    for model in ("grey", "wide"):
        yield Asked(
            f"binary {model}",
            "POST",
            f"/v2/models/{model}/infer",
            head + latents,
            {"Inference-Header-Content-Length": str(len(head))},
        )
    yield Asked("cut off", "POST", "/v2/models/grey/infer", head + struct.pack("<f", 1.0), {})


def list_requests() -> list[Asked]:
    """All of them, about two hundred, each with a name of its own."""
    asked = [_posted("/generate", {**body, "format": format}) for body in GENERATE for format in PICTURES]
    asked += [_posted("/generate", {"model": model, "seed": 1, "count": 2}) for model in MODELS[1:3]]
    asked += [_posted("/generate", {"model": "colour", **body}) for body in LABELLED]
    asked += [_posted("/generate", {"model": "colour", **body, "format": "json"}) for body in LABELLED]
    asked += [
        _posted("/generate", {"seed": 3}, Accept=accept)
        for accept in ("image/webp", "application/zip;q=0.5, image/jpeg", "text/html", "*/*")
    ]
    for model in ("grey", "colour", "wide"):
        asked += [_posted("/latent-walk", {"model": model, **WALK[0], "format": format}) for format in WALKS]
    asked += [_posted("/latent-walk", {**body, "format": format}) for body in WALK[1:] for format in WALKS]
    asked += [
        _posted(
            "/latent-walk", {"model": "colour", "seeds": [1, 2], "labels": ["star", "circle"], "frames": 5}
        )
    ]
    for path in ("/generate", "/latent-walk"):
        asked += [Asked(f"POST {path} {body.decode()} refused", "POST", path, body) for body in REFUSED]
    asked += [
        _posted("/invocations", {"task": "generate", "seed": 5, "count": 2}),
        _posted("/invocations", {"task": "latent-walk", "seeds": [5, 6], "frames": 3, "format": "gif"}),
        _posted("/invocations", {"task": "elsewhere"}),
    ]
    asked += [Asked(f"POST /project {body!r}", "POST", "/project", body) for body in PROJECT]
    asked += [Asked(f"{method} {path}", method, path) for path in IMAGES for method in ("GET", "HEAD")]
    asked += [Asked(f"GET {path}", "GET", path) for path in DESCRIBED]
    return asked + list(_tensors())
