"""Nothing that is served, imported or drawn tells anybody of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import run_server
from tests.network_watch import NetworkWatch
from tests.patience import PATIENCE_S
from tests.store.foreign import draw_graph


@pytest.fixture
def watch(tmp_path: Path) -> NetworkWatch:
    return NetworkWatch(tmp_path)


def test_the_watch_sees_what_python_and_what_libraries_ask_for(watch: NetworkWatch) -> None:
    script = """
import ctypes, socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    one.connect(("192.0.2.1", 80))  # of documentation, RFC 5737; a datagram's way is only noted
try:
    socket.getaddrinfo("nobody.invalid", 80)  # RFC 2606
except OSError:
    pass
two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
address = b"\\x02\\x00\\x00\\x50\\xc0\\x00\\x02\\x02" + bytes(8)
ctypes.CDLL(None).connect(two.fileno(), address, len(address))
two.close()
"""
    subprocess.run([sys.executable, "-c", script], env=watch.variables, check=True, timeout=PATIENCE_S)
    assert {"connect 192.0.2.1 80", "getaddrinfo nobody.invalid 0", "connect 192.0.2.2 80"} <= set(
        watch.calls_away()
    )


def test_a_service_with_its_page_asks_nobody(watch: NetworkWatch, tiny_store: Path, tmp_path: Path) -> None:
    with run_server(tiny_store, tmp_path, **watch.variables) as server, server.client() as client:
        assert client.get("/ui/").status_code == 200
        assert client.get("/ui/").status_code == 200
        assert client.get("/docs").status_code == 200
        assert client.post("/generate", json={"seed": 1}).status_code == 200
        walk = {"seeds": [1, 2], "frames": 4, "format": "mp4"}
        assert client.post("/latent-walk", json=walk).status_code == 200
    assert watch.calls_away() == []
    assert watch.reports() == []


def test_an_import_and_the_pictures_of_the_command_line_ask_nobody(
    watch: NetworkWatch, run_ganymede, tmp_path: Path
) -> None:
    graph, models = tmp_path / "graph.onnx", tmp_path / "models"
    graph.write_bytes(draw_graph().SerializeToString())
    for arguments in (
        ("import", graph, "--name", "m", "--promote", "production"),
        ("verify", "m"),
        ("generate", "m", "-o", tmp_path / "grid.png"),
    ):
        result = run_ganymede(*arguments, "--models", models, **watch.variables)
        assert result.returncode == 0, result.stderr
    assert watch.calls_away() == []
    assert watch.reports() == []


def test_training_loads_onnx_runtime_silenced(watch: NetworkWatch) -> None:
    script = """
import numpy as np
from foundation.onnx_runtime import onnxruntime
from tests.tiny_models import TinyModel, tiny_graph
session = onnxruntime.InferenceSession(tiny_graph(TinyModel()), providers=["CPUExecutionProvider"])
session.run(None, {"latent": np.zeros((1, 6), np.float32)})
"""
    subprocess.run(
        [sys.executable, "-c", script],
        env={**watch.variables, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        check=True,
        timeout=PATIENCE_S,
    )
    assert watch.calls_away() == []
    assert watch.reports() == []
