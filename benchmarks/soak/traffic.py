"""Who asks while the server is soaked: clients of every kind at a pace, and some that misbehave."""

import itertools
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx

from benchmarks.soak.samples import Answer

TIMEOUT_S = 120.0
GENERATE_FORMATS = ("png", "jpeg", "webp", "zip", "npy", "json")
WALK_FORMATS = ("png", "gif", "apng", "webp", "mp4", "zip", "npy")
BAD_BODIES = (
    b"{",
    b"[]",
    b'{"seed": -1}',
    b'{"seeds": [' + b"1," * 5000 + b"1]}",
    b"\xff\xfe",
    b'{"x":' * 500,
)
EXPECTED = {"200", "304", "400", "404", "422", "503", "left"}
"""Outcomes that are no fault: a store that is away answers 503 to what is not loaded."""


class Traffic:
    """Clients against the server at `url`, each a thread at its own pace, until they are stopped."""

    def __init__(self, url: str, model: str) -> None:
        self.answers: list[Answer] = []
        self._url = url
        self._model = model
        self._stopped = threading.Event()
        self._began = time.monotonic()
        self._numbers = itertools.count()
        self._threads = [
            threading.Thread(target=self._repeat, args=(kind, ask, pause_s), daemon=True)
            for kind, ask, pause_s in self._kinds()
        ]

    def _kinds(self) -> Iterator[tuple[str, Callable[[httpx.Client], str], float]]:
        yield "generate", self._generate, 0.05
        yield "generate", self._generate, 0.2
        yield "walk", self._walk, 1.0
        yield "image", self._image, 0.1
        yield "inference", self._infer, 0.2
        yield "page", self._page, 5.0
        yield "description", self._describe, 2.0
        yield "bad body", self._send_bad_body, 0.5
        yield "hang-up", self._hang_up, 0.5
        yield "slow reader", self._read_slowly, 3.0

    def start(self) -> None:
        """Let everyone ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let everyone finish, and nobody ask again."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def count(self) -> Counter[tuple[str, str]]:
        """How many ended how, by kind."""
        return Counter((answer.kind, answer.outcome) for answer in self.answers)

    def faults(self) -> dict[str, int]:
        """Outcomes that are none of the expected ones, and how often they came."""
        found = Counter(f"{kind}: {outcome}" for kind, outcome in self.count().elements())
        return {name: many for name, many in found.items() if name.rsplit(": ", 1)[1] not in EXPECTED}

    def _repeat(self, kind: str, ask: Callable[[httpx.Client], str], pause_s: float) -> None:
        with httpx.Client(base_url=self._url, timeout=TIMEOUT_S) as client:
            while not self._stopped.wait(pause_s):
                began = time.monotonic()
                try:
                    outcome = ask(client)
                except (httpx.HTTPError, OSError) as error:
                    outcome = type(error).__name__
                now = time.monotonic()
                self.answers.append(Answer(now - self._began, kind, outcome, now - began))

    def _generate(self, client: httpx.Client) -> str:
        number = next(self._numbers)
        format = GENERATE_FORMATS[number % len(GENERATE_FORMATS)]
        request = {"seed": number, "count": 1 + number % 24, "format": format}
        return str(client.post("/generate", json=request).status_code)

    def _walk(self, client: httpx.Client) -> str:
        number = next(self._numbers)
        request = {
            "seeds": [number, number + 7, number + 11],
            "frames": 60,
            "format": WALK_FORMATS[number % len(WALK_FORMATS)],
        }
        return str(client.post("/latent-walk", json=request).status_code)

    def _image(self, client: httpx.Client) -> str:
        return str(client.get(f"/images/{self._model}/{next(self._numbers) % 500}.png").status_code)

    def _infer(self, client: httpx.Client) -> str:
        tensor = {"name": "seed", "shape": [4], "datatype": "INT64", "data": [1, 2, 3, next(self._numbers)]}
        return str(client.post(f"/v2/models/{self._model}/infer", json={"inputs": [tensor]}).status_code)

    def _page(self, client: httpx.Client) -> str:
        return str(client.get("/ui/").status_code)

    def _describe(self, client: httpx.Client) -> str:
        paths = ("/models", "/readyz", "/metrics", "/openapi.json", f"/models/{self._model}", "/nowhere")
        return str(client.get(paths[next(self._numbers) % len(paths)]).status_code)

    def _send_bad_body(self, client: httpx.Client) -> str:
        return str(client.post("/generate", content=random.choice(BAD_BODIES)).status_code)  # noqa: S311

    def _hang_up(self, _client: httpx.Client) -> str:
        with self._send_request({"seed": next(self._numbers), "count": 256, "format": "npy"}):
            time.sleep(0.02)
        return "left"

    def _read_slowly(self, _client: httpx.Client) -> str:
        request = {"seed": next(self._numbers), "count": 256, "format": "npy"}
        with self._send_request(request) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for _ in range(20):
                if self._stopped.wait(0.1) or not connection.recv(4096):
                    break
        return "left"

    def _send_request(self, request: dict[str, object]) -> socket.socket:
        address = urlsplit(self._url)
        body = json.dumps(request).encode()
        connection = socket.create_connection((address.hostname or "", address.port or 80), TIMEOUT_S)
        head = f"POST /generate HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        return connection
