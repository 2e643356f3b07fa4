"""`ganymede.connect` and `ganymede.open`: the same pictures from a service and from a store."""

import asyncio
import hashlib
import io
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from PIL import Image

import ganymede
from ganymede.errors import (
    InvalidField,
    KeyRefused,
    ModelNotFound,
    ServiceFailed,
    TooManyRequests,
    Unavailable,
    Unreachable,
    WrongUse,
)
from tests.conftest import run_server

SEEDS = range(5)


@pytest.fixture(scope="module")
def guarded(tiny_store, tmp_path_factory):
    """A server with a key that takes four images, or 1,024 pixels, a request."""
    variables = {
        "GANYMEDE_API_KEYS": f"me:{hashlib.sha256(b'the-key').hexdigest()}",
        "GANYMEDE_MAX_IMAGES_PER_REQUEST": "4",
        "GANYMEDE_MAX_PIXELS_PER_RESPONSE": "1024",
    }
    folder = tmp_path_factory.mktemp("guarded")
    with run_server(tiny_store, folder, "--default-model", "grey", "--ui", "off", **variables) as running:
        yield running


@pytest.fixture
def remote(server):
    with ganymede.connect(server.url) as connected:
        yield connected


@pytest.fixture
def local(tiny_store):
    with ganymede.open(tiny_store) as opened:
        yield opened


def asked(client, **fields):
    content = client.post("/generate", json={**fields, "format": "npy"}).content
    return np.load(io.BytesIO(content))


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "grey@v1"},
        {"model": "colour", "label": "star"},
        {
            "model": "colour",
            "labels": ["star", 0, "circle", [0, 1, 0], "star"],
            "truncation": 0.5,
            "scale": 2,
        },
    ],
)
def test_a_service_and_a_store_give_the_pixels_of_the_api(client, remote, local, fields):
    wanted = asked(client, seeds=list(SEEDS), **fields)
    for source in (remote, local):
        pictures = source.generate(seeds=SEEDS, **fields)
        assert np.array_equal(pictures.array, wanted)
        assert (list(pictures.seeds), len(pictures), pictures.array.dtype) == ([*SEEDS], 5, np.uint8)
        assert pictures.model == client.get(f"/images/{fields['model']}/1.png").headers["x-model"]


def test_latents_and_mixes_are_taken_too(client, remote, local):
    latents = [[0.5] * 6, [-1.0] * 6]
    mix = [{"seed": 1}, {"seed": 2, "weight": -0.5}]
    arrays = np.array(latents, np.float32).T.copy().T  # in no order of memory that C has
    for given, fields in (
        ({"latents": latents},) * 2,
        ({"mix": mix},) * 2,
        ({"latents": arrays}, {"latents": latents}),
    ):
        wanted = asked(client, model="grey", **fields)
        for source in (remote, local):
            pictures = source.generate("grey", **given)
            assert np.array_equal(pictures.array, wanted)
            assert pictures.seeds is None


def test_directions_that_a_model_has_not_are_refused_alike(remote, local):
    said = []
    for source in (remote, local):
        with pytest.raises(InvalidField) as wrong:
            source.generate("grey", seeds=[1, 2], directions={"0": 2.0})
        said.append(str(wrong.value))
    assert said[0] == said[1]


def test_pictures_at_random_say_their_seeds(remote, local):
    for source in (remote, local):
        pictures = source.generate("grey", count=3)
        assert np.array_equal(source.generate("grey", seeds=pictures.seeds).array, pictures.array)
        assert len(source.generate("grey")) == 16


@pytest.mark.parametrize("format", ["npy", "gif", "mp4", "zip"])
def test_walks_are_the_same_files(client, remote, local, format):
    fields = {"seeds": [1, 5], "frames": 6, "loop": True}
    wanted = client.post("/latent-walk", json={**fields, "model": "grey", "format": format}).content
    for source in (remote, local):
        walk = source.walk("grey", format=format, **fields)
        assert walk.content == wanted
        assert (walk.model, walk.seeds) == ("grey@v2", [1, 5])
        if format != "mp4":
            assert (walk.array.shape[0], len(walk.images)) == (6, 6)
    with pytest.raises(WrongUse, match="ask for format='npy'"):
        _ = local.walk("grey", seeds=[1, 2], frames=2, format="mp4").array


def test_the_models_are_listed(remote, local):
    for source in (remote, local):
        listed = {model.name: model for model in source.models()}
        assert set(listed) == {"colour", "grey"}
        assert (listed["grey"].versions, listed["grey"].aliases) == (["v1", "v2"], {"production": "v2"})
    assert [model.name for model in remote.models() if model.is_default] == ["grey"]


def test_pictures_are_saved_as_their_ending_says(local, tmp_path):
    pictures = local.generate("colour", seeds=SEEDS)
    with Image.open(pictures.save(tmp_path / "grid.png")) as grid:
        assert (grid.size, grid.mode) == ((24, 16), "RGB")
        assert "colour@v1, seeds 0,1,2,3,4" in grid.info["Source"]
    assert np.array_equal(np.load(pictures.save(tmp_path / "pixels.npy")), pictures.array)
    folder = pictures.save(tmp_path / "single")
    assert sorted(path.name for path in folder.iterdir())[1] == "0001-seed-1.png"
    with Image.open(folder / "0001-seed-1.png") as single:
        assert np.array_equal(np.asarray(single), pictures.array[1])
    for name in ("grid.jpg", "grid.webp", "single.zip"):
        assert pictures.save(tmp_path / name).stat().st_size > 100
    with pytest.raises(WrongUse, match=r"grid\.tiff: pictures go into"):
        pictures.save(tmp_path / "grid.tiff")
    walk = local.walk("grey", seeds=[1, 2], frames=3, format="gif")
    assert walk.save(tmp_path / "new" / "walk.gif").read_bytes() == walk.content
    with pytest.raises(WrongUse, match=r"this walk is gif; ask for it with format='mp4'\.$"):
        walk.save(tmp_path / "walk.mp4")
    with pytest.raises(WrongUse, match="this walk is gif"):
        walk.save(tmp_path / "walk.avi")
    assert len(repr(pictures)) < 200


def test_more_than_a_request_may_have_is_asked_for_in_several(guarded, local):
    with ganymede.connect(guarded.url, "the-key") as remote:
        many = remote.generate("grey", seeds=range(100, 113))
        assert np.array_equal(many.array, local.generate("grey", seeds=range(100, 113)).array)
        large = remote.generate("grey", seeds=range(5), scale=2)  # three would be more than 1,024 pixels
        assert large.array.shape == (5, 16, 16, 1)
        with pytest.raises(InvalidField, match="scale"):
            remote.generate("grey", seeds=[1], scale=5)


@pytest.mark.parametrize("key", [None, "wrong"])
def test_a_key_that_is_missing_or_wrong_is_said(guarded, key):
    with ganymede.connect(guarded.url, key) as remote, pytest.raises(KeyRefused):
        remote.models()


def test_what_is_wrong_is_said_the_same_way_by_both(remote, local):
    for source in (remote, local):
        with pytest.raises(InvalidField) as wrong:
            source.generate("grey", seeds=[1, -2])
        assert (wrong.value.field, wrong.value.code) == ("seeds.1", "invalid-field")
        with pytest.raises(ModelNotFound):
            source.generate("nothing", seeds=[1])
        with pytest.raises(InvalidField, match="format"):
            source.walk("grey", seeds=[1, 2], format="tiff")
        with pytest.raises(WrongUse, match="nothing that can be sent"):
            source.walk("grey", seeds=[1, 2], label=object())
        with pytest.raises(InvalidField, match="truncation: must be a number"):
            source.generate("grey", seeds=[1], truncation="x")
        with pytest.raises(WrongUse, match="seeds or count, not both"):
            source.generate("grey", seeds=[1], count=3)
        for count in (True, 2.5, "3", 0):
            with pytest.raises(WrongUse, match="ask for one picture or more"):
                source.generate("grey", count=count)
        with pytest.raises(WrongUse, match="seeds is empty"):
            source.generate("grey", seeds=[])
        for seeds in (7, "0-15", [1.9], np.array([1.0]), [True], ["7"], [np.arange(2)]):
            with pytest.raises(WrongUse, match="whole numbers"):
                source.generate("grey", seeds=seeds)
            with pytest.raises(WrongUse, match="whole numbers"):
                source.walk("grey", seeds=seeds)


def test_it_can_be_awaited(server, local):
    async def ask():
        async with ganymede.connect_async(server.url) as remote:
            return await asyncio.gather(
                remote.generate("grey", seeds=range(3)),
                remote.generate("grey", seeds=range(3, 6)),
                remote.walk("grey", seeds=[1, 2], frames=3, format="npy"),
                remote.models(),
            )

    first, second, walk, models = asyncio.run(ask())
    joined = np.concatenate([first.array, second.array])
    assert np.array_equal(joined, local.generate("grey", seeds=range(6)).array)
    assert walk.array.shape == (3, 8, 8, 1)
    assert len(models) == 2


class ScriptedServer(HTTPServer):
    """What a script answers, and how often it was asked."""

    asked = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Script)
        self.answers: list = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Script(BaseHTTPRequestHandler):
    """Answers by a list, one after the other, and notes when it was asked."""

    server: ScriptedServer

    def do_GET(self):
        self.server.asked += 1
        status, fields, document = self.server.answers.pop(0)
        content = json.dumps(document).encode() if isinstance(document, dict) else document
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def scripted():
    """A service that answers `answers`."""
    with ScriptedServer() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


LIST = (200, {}, {"default": None, "models": []})


def refusal(status, code, **fields):
    return (status, fields, {"detail": "No.", "code": code})


def test_what_is_full_is_asked_again_after_as_long_as_it_said(scripted, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    scripted.answers = [
        refusal(503, "queue-full", **{"Retry-After": "7"}),
        refusal(429, "rate-exceeded", **{"Retry-After": "3"}),
        refusal(503, "unavailable"),
        LIST,
    ]
    with ganymede.connect(scripted.url) as remote:
        assert remote.models() == []
    assert [7 <= waits[0] < 9, 3 <= waits[1] < 4, waits[2] < 5] == [True] * 3


@pytest.mark.parametrize(
    ("answers", "kind", "asked"),
    [
        ([refusal(503, "queue-full", **{"Retry-After": "1"})] * 9, Unavailable, 3),
        ([refusal(429, "quota-exceeded", **{"Retry-After": "86400"})], TooManyRequests, 1),
        ([refusal(422, "invalid-field")], ServiceFailed, 1),
        ([refusal(500, "internal")], ServiceFailed, 1),
        ([(200, {}, b"<html>")], ServiceFailed, 1),
        ([(404, {}, b"<html>")], ServiceFailed, 1),
    ],
)
def test_what_another_attempt_does_not_mend_is_raised(scripted, monkeypatch, answers, kind, asked):
    monkeypatch.setattr("time.sleep", lambda _: None)
    scripted.answers = [*answers]
    with ganymede.connect(scripted.url, tries=3) as remote, pytest.raises(kind):
        remote.models()
    assert scripted.asked == asked


def test_a_service_that_is_away_is_said(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    with (
        ganymede.connect("http://127.0.0.1:9", tries=2) as remote,
        pytest.raises(Unreachable, match="reached"),
    ):
        remote.models()
    with pytest.raises(WrongUse, match="write http://HOST:PORT"):
        ganymede.connect("models")


def test_importing_it_loads_nothing_of_it():
    loaded = (
        "import sys, ganymede; "
        "print({'numpy', 'httpx', 'PIL', 'pydantic', 'onnxruntime', 'typer'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("call", "library", "extra"),
    [("connect('http://x')", "httpx", "client"), ("open('models')", "onnxruntime", "service")],
)
def test_a_library_that_is_missing_is_named_with_its_extra(call, library, extra):
    program = f"import sys; sys.modules[{library!r}] = None; import ganymede; ganymede.{call}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f"pip install 'ganymede[{extra}]'" in done.stderr
