"""Many numbers in a body become arrays in the bodies' thread, a part at a time: each keeps the GIL."""

import sys
import threading

import numpy as np
import pytest
from fastapi.testclient import TestClient

from foundation.errors import InvalidField
from service.application import create_app
from service.protocols.tensors import read_floats, read_integers
from service.settings import Settings

ROWS, SIZE = 1024, 64


@pytest.fixture(scope="module")
def app(tiny_store):
    return create_app(
        Settings(
            models=str(tiny_store),
            default_model="grey",
            ui="off",
            max_images_per_request=4096,
            max_queue_images=8192,
        )
    )


@pytest.fixture(scope="module")
def client(app):
    """A client of an application in this process, and its latents' size."""
    with TestClient(app) as client:
        while client.get("/readyz").status_code != 200:
            pass
        yield client


@pytest.fixture
def size(client):
    return client.get("/v2/models/grey").json()["inputs"][0]["shape"][1]


def infer(rows, size):
    data = [0.5] * (rows * size)
    return {"inputs": [{"name": "latent", "shape": [rows, size], "datatype": "FP32", "data": data}]}


@pytest.mark.parametrize(
    ("path", "module", "function", "body"),
    [
        ("/v2/models/grey/infer", "service.protocols.inference", "read_inputs", infer),
        (
            "/generate",
            "service.endpoints.generate",
            "read_inputs",
            lambda rows, size: {"latents": [[0.5] * size] * rows},
        ),
        (
            "/latent-walk",
            "service.endpoints.walk",
            "draw_inputs",
            lambda rows, size: {"latents": [[0.5] * size] * max(2, rows), "frames": max(2, rows)},
        ),
    ],
)
def test_arrays_of_many_numbers_are_made_off_the_event_loop(
    client, size, monkeypatch, path, module, function, body
):
    made = []
    make = getattr(sys.modules[module], function)

    def note(*arguments):
        made.append(threading.current_thread().name.partition("_")[0])
        return make(*arguments)

    monkeypatch.setattr(f"{module}.{function}", note)
    assert client.post(path, json=body(1, size)).status_code == 200
    assert made.pop() != "bodies"
    rows = 2**13 // size + 1
    assert client.post(path, json=body(rows, size)).status_code == 200
    assert made == ["bodies"]


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
def test_a_tensor_is_read_a_part_at_a_time(nested):
    """Only Python's own functions let other threads run: one for each part."""
    expected = np.arange(ROWS * SIZE, dtype=np.float32).reshape(ROWS, SIZE)
    checked = []

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_name == "_check_types":
            checked.append(len(frame.f_locals["values"]))

    values = expected.tolist() if nested else expected.reshape(-1).tolist()
    sys.setprofile(note)
    try:
        floats = read_floats("data", (ROWS, SIZE), values)
        integers = read_integers("data", "INT64", (ROWS * SIZE,), list(range(ROWS * SIZE)))
    finally:
        sys.setprofile(None)
    np.testing.assert_array_equal(floats, expected)
    assert integers == list(range(ROWS * SIZE))
    assert sum(checked) == 2 * ROWS * SIZE
    assert max(checked) <= 4096


@pytest.mark.parametrize("place", [0, 5000, ROWS * SIZE - 1])
@pytest.mark.parametrize("value", [True, "1", None, 10**400, 1e300, float("nan")], ids=str)
def test_what_is_wrong_is_found_in_every_part(place, value):
    values = [0.5] * (ROWS * SIZE)
    values[place] = value
    with pytest.raises(InvalidField, match=r"nothing but numbers|finite and fit float32"):
        read_floats("data", (ROWS, SIZE), values)
