"""The image's own models, where there is no network at all: every version and format, the promised bytes."""

import io
import json
import subprocess
import time
import uuid
from typing import get_args

import numpy as np
import pytest

import ganymede
from service.requests.schemas import Format, WalkFormat
from tests.conftest import REPOSITORY
from tests.image.conftest import IMAGE, docker

ALONE = ("--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
ASK = """
import sys, urllib.request
path, order = sys.argv[1], sys.argv[2]
body = sys.stdin.buffer.read() if order == "-" else order.encode() or None
try:
    answer = urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8080" + path, body), timeout=300)
except urllib.error.HTTPError as error:
    answer = error
sys.stdout.buffer.write(f"{answer.status} {answer.headers['content-type']}\\n".encode() + answer.read())
"""
MODELS = ("fashion", "emoji")
STREAMED = ("mp4", "png", "jpeg")
MADE_IN_WHOLE = sorted({*get_args(WalkFormat)} - {"jpeg"})


@pytest.fixture(scope="module")
def alone():
    """The name of a container without a network; nothing reaches it but `docker exec`."""
    name = f"ganymede-check-{uuid.uuid4().hex[:8]}"
    docker("run", "--detach", "--name", name, *ALONE, IMAGE)
    try:
        deadline = time.monotonic() + 120
        while docker("inspect", "--format", "{{.State.Health.Status}}", name) != "healthy":
            assert time.monotonic() < deadline, docker("logs", name)
            time.sleep(0.5)
        yield name
    finally:
        docker("rm", "--force", "--volumes", name, check=False)


def ask(container, path, order="", content=b""):
    """Status, media type and body of the answer to a request from inside: POST with an order or a content."""
    command = [
        "docker",
        "exec",
        "--interactive",
        container,
        "python",
        "-c",
        ASK,
        path,
        "-" if content else order,
    ]
    done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr.decode()
    head, _, body = done.stdout.partition(b"\n")
    status, _, kind = head.decode().partition(" ")
    return int(status), kind, body


def test_it_holds_what_is_in_production_and_no_other_version(alone):
    listed = json.loads(ask(alone, "/models")[2])["models"]
    held = {each["name"]: each["versions"] for each in listed}
    aliases = {name: json.loads((REPOSITORY / f"models/{name}/aliases.json").read_text()) for name in MODELS}
    assert held == {name: [each["production"]["version"]] for name, each in aliases.items()}


@pytest.mark.parametrize("model", MODELS)
def test_each_model_is_good_and_draws_what_a_clone_draws(alone, model):
    assert f"{model}@" in docker("exec", alone, "python", "-m", "ganymede", "verify", model)
    status, _, body = ask(
        alone, "/generate", json.dumps({"model": model, "seeds": [1, 2, 3, 4], "format": "npy"})
    )
    assert status == 200, body
    with ganymede.open(REPOSITORY / "models") as store:
        drawn = store.generate(model, seeds=[1, 2, 3, 4]).array
    assert np.array_equal(np.load(io.BytesIO(body)), drawn)


@pytest.mark.parametrize("model", MODELS)
def test_each_format_of_pictures_and_of_walks_is_made(alone, model):
    def asked(path, **fields):
        return path, json.dumps({"model": model, "seeds": [1, 5, 9], **fields})

    orders = [asked("/generate", format=format) for format in get_args(Format)]
    orders += [asked("/latent-walk", frames=8, format=format) for format in MADE_IN_WHOLE]
    orders += [asked("/latent-walk", frames=8, format=format, stream=True) for format in STREAMED]
    answers = {order: ask(alone, path, order) for path, order in orders}
    assert {status for status, _, _ in answers.values()} == {200}, answers
    assert all(body for _, _, body in answers.values())


@pytest.mark.parametrize("model", MODELS)
def test_each_model_finds_a_picture_of_its_own(alone, model):
    _, _, picture = ask(alone, "/generate", json.dumps({"model": model, "seeds": [7]}))
    deadline = time.monotonic() + 400
    while (found := ask(alone, f"/project?model={model}&steps=2", content=picture))[0] == 503:
        assert time.monotonic() < deadline, found  # its encoder is still being opened, on a busy machine
    status, _, body = found
    assert status == 200, body
    assert json.loads(body)["images"][0]["distance"] < 1, "black against white is 4"
