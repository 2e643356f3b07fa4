"""`POST /project`: where a picture is in latent space, and what is drawn there."""

import base64
import io
import json
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from openapi_spec_validator import validate
from PIL import Image

from foundation.store import FolderStore, promote
from service.engine.projections import projection_images
from tests.conftest import metric, run_server
from tests.patience import PATIENCE_S
from tests.tiny_models import TinyModel, publish_tiny_model
from tests.tiny_projections import project_tiny_model

FACE = TinyModel(name="face", channels=3, weight_seed=5)
KINDS = TinyModel(name="kinds", classes=("circle", "square", "star"), weight_seed=6)
GLASS = TinyModel(name="glass", channels=4, weight_seed=7)
STEPS = 8


@pytest.fixture(scope="module")
def projecting(tmp_path_factory):
    """A server of tiny models with encoders, of one without, and of one whose encoder is broken."""
    root, folder = tmp_path_factory.mktemp("projecting"), tmp_path_factory.mktemp("graphs")
    for model in (FACE, KINDS, GLASS):
        publish_tiny_model(root, model, more=project_tiny_model(model, folder, steps=STEPS))
    publish_tiny_model(root, TinyModel(name="face", version="v0", channels=3, weight_seed=5), alias=None)
    promote(FolderStore(root), "face", "v0", alias="plain")
    wrong = project_tiny_model(TinyModel(side=6), folder)
    publish_tiny_model(root, TinyModel(name="broken"), more=wrong)
    variables = {"GANYMEDE_MAX_PICTURE_PIXELS": "4000000"}
    with run_server(root, folder, "--default-model", "face", "--ui", "off", **variables) as running:
        yield running


@pytest.fixture
def client(projecting):
    with projecting.client(timeout=PATIENCE_S) as connected:
        yield connected


def draw(client, **fields) -> bytes:
    answer = client.post("/generate", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.content


def project(client, content, query="", **headers):
    answer = client.post(f"/project{query}", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def as_text(*files: bytes) -> list[str]:
    return [base64.b64encode(file).decode() for file in files]


def write(mode="RGB", size=(30, 20), form="PNG", seed=1, **options) -> bytes:
    """A file of noise."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], bands), np.uint8)
    file = io.BytesIO()
    Image.frombytes(mode, size, noise.tobytes()).save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize("model", ["face", "kinds"])
def test_what_the_model_drew_is_found_nearer_by_steps_than_by_the_encoder_alone(client, model):
    drawn = draw(client, model=model, seeds=[3])
    guessed, found = (
        project(client, drawn, f"?model={model}&steps={steps}").json()["images"][0] for steps in (0, 60)
    )
    assert found["distance"] < 0.5 * guessed["distance"]
    assert len(found["latent"]) == 6


@pytest.mark.parametrize("model", ["face", "kinds", "glass"])
def test_its_latents_draw_the_same_bytes_again_wherever_latents_may_be_given(client, model):
    files = [write(seed=seed) for seed in range(3)]
    asked = {"model": model, "pictures": as_text(*files)}
    answer = client.post("/project", json=asked).json()
    latents = [image["latent"] for image in answer["images"]]
    labels = {"labels": [image["label"] for image in answer["images"]]} if model == "kinds" else {}
    given = {"model": answer["model"], "latents": latents, **labels}
    for form in ("png", "webp", "npy", "zip", "jpeg"):
        again = client.post("/project", json={**asked, "format": form})
        drawn = client.post("/generate", json={**given, "format": form})
        assert again.content == drawn.content, form
        assert again.headers["etag"] == drawn.headers["etag"]
        assert again.headers["content-type"] == drawn.headers["content-type"]
    told = json.loads(draw(client, **given, format="json"))
    assert [image["png"] for image in told["images"]] == [image["png"] for image in answer["images"]]
    pictures = np.load(io.BytesIO(draw(client, **given, format="npy")))
    walk = client.post("/latent-walk", json={**given, "frames": 9, "format": "npy"})
    assert np.array_equal(np.load(io.BytesIO(walk.content))[[0, 4, 8]], pictures)
    mix = [{"latent": latents[0], "weight": 0.5}, {"latent": latents[0], "weight": 0.5}]
    label = {"labels": labels["labels"][:1]} if labels else {}
    mixed = draw(client, model=model, mix=mix, format="npy", **label)
    assert np.array_equal(np.load(io.BytesIO(mixed))[0], pictures[0])


def test_the_body_may_be_the_file_itself_whatever_it_is_called(client):
    file = write()
    wanted = client.post("/project", json={"pictures": as_text(file)}).content
    for media_type in ("image/png", "application/x-www-form-urlencoded", "image/jpeg", "application/json"):
        assert project(client, file, **{"Content-Type": media_type}).content == wanted
    address = "data:image/png;base64," + as_text(file)[0]
    assert client.post("/project", json={"pictures": [address]}).content == wanted
    query = "?model=face&version=v1&steps=8&scale=1&format=json"
    assert project(client, file, query).content == wanted


def test_a_picture_has_the_same_answer_alone_and_among_others(client):
    files = [write(seed=seed) for seed in range(12)]
    alone = [project(client, file).json()["images"][0] for file in files[:3]]
    together = client.post("/project", json={"pictures": as_text(*files)}).json()["images"]
    assert together[:3] == alone
    with ThreadPoolExecutor(12) as pool:
        side_by_side = list(pool.map(lambda file: project(client, file).json()["images"][0], files))
    assert side_by_side == together


def test_accept_asks_for_the_picture_that_is_drawn(client):
    shown = project(client, write(), Accept="image/png")
    assert shown.headers["content-type"] == "image/png"
    assert np.asarray(Image.open(io.BytesIO(shown.content))).shape == (8, 8, 3)
    assert client.post("/project", content=write(), headers={"Accept": "video/mp4"}).status_code == 406
    headers = project(client, write()).headers
    assert headers["x-model"] == "face@v1"
    assert "infer;dur=" in headers["server-timing"]
    assert "x-seed" not in headers


def test_a_class_that_is_named_is_the_only_one_that_is_looked_in(client):
    file = draw(client, model="kinds", seeds=[3], label="star")
    answer = project(client, file, "?model=kinds&label=circle&steps=2").json()
    assert answer["classes"] == ["circle", "square", "star"]
    assert answer["images"][0]["label"] == [1, 0, 0]
    given = {"model": "kinds", "pictures": as_text(file, file), "labels": ["star", [1, 1, 2]]}
    labels = [image["label"] for image in client.post("/project", json=given).json()["images"]]
    assert labels == [[0, 0, 1], [0.25, 0.25, 0.5]]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"model": "face", "label": "star"}, "label"),
        ({"model": "kinds", "label": "cube"}, "label"),
        ({"model": "kinds", "labels": ["star", "star"]}, "labels"),
        ({"model": "kinds", "label": 1, "labels": [1]}, "labels"),
        ({"version": "v1"}, "version"),
        ({"model": "face@v1", "version": "v1"}, "version"),
        ({"steps": -1}, "steps"),
        ({"steps": 1001}, "steps"),
        ({"steps": 400}, "steps"),
        ({"pictures": []}, "pictures"),
        ({"pictures": None}, "pictures"),
        ({"pictures": ["é"]}, "pictures.0"),
        ({"pictures": [""]}, "pictures.0"),
        ({"pictures": [7]}, "pictures.0"),
        ({"pictures": as_text(write()) * 60}, "pictures"),
        ({"scale": 65}, "scale"),
        ({"truncation": 0.5}, "truncation"),
    ],
)
def test_a_wrong_field_is_named(client, fields, field):
    answer = client.post("/project", json={"pictures": as_text(write()), **fields})
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


def test_a_release_without_an_encoder_says_what_to_do(client):
    answer = client.post("/project?model=face@plain", content=write())
    assert (answer.status_code, answer.json()["code"]) == (409, "no-projection")
    assert "ganymede encoder RUN" in answer.json()["detail"]


def test_a_broken_encoder_is_refused_and_its_release_draws_on(client):
    for _ in range(2):
        answer = client.post("/project?model=broken", content=write())
        assert (answer.status_code, answer.json()["code"]) == (503, "release-refused")
        assert "encoder.onnx" in answer.json()["detail"]
    assert client.post("/generate", json={"model": "broken"}).status_code == 200


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"%PDF-1.7", "PDF"),
        (b"II*\0\x08\0\0\0", "TIFF"),
        (b' <?xml version="1.0"?><svg/>', "SVG"),
        (b"--boundary\r\nContent-Disposition: form-data", "--data-binary"),
        (b"hello", "PNG, JPEG"),
    ],
)
def test_a_file_that_is_not_read_is_told_by_its_bytes(client, content, word):
    for answer in (
        client.post("/project", content=content, headers={"Content-Type": "image/png"}),
        client.post("/project", json={"pictures": as_text(write(), content)}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-picture")
        assert word in answer.json()["detail"]
    assert answer.json()["field"] == "pictures.1"


def png_head(width: int, height: int) -> bytes:
    """A PNG file that claims a size, and holds a row of nothing."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def webp_head(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + bytes(4) + sides
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def many_texts() -> bytes:
    """A PNG file with a thousand small texts, each of which is large when it is read."""
    content = write()
    packed = b"Comment\0\0" + zlib.compress(bytes(2**20 - 1))
    kind = b"zTXt" + packed
    chunk = struct.pack(">I", len(packed)) + kind + struct.pack(">I", zlib.crc32(kind))
    return content[:33] + chunk * 1000 + content[33:]


def many_scans() -> bytes:
    """A progressive JPEG file whose last scan is there a thousand times."""
    content = write(size=(64, 64), form="JPEG", progressive=True)
    start = content.rindex(b"\xff\xda")
    return content[:start] + content[start:-2] * 1000 + content[-2:]


@pytest.mark.parametrize(
    "content",
    [
        png_head(60_000, 60_000),
        png_head(2_001, 2_000),
        webp_head(16_000, 16_000),
        b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + bytes(3) + b"," + bytes(100),
        b"BM" + bytes(8) + struct.pack("<IIiiHH", 54, 40, 60_000, 60_000, 1, 24) + bytes(40),
        many_scans(),
        many_texts(),
        png_head(40, 40),
        write()[:-30],
        write(form="JPEG")[:300],
        write(form="WEBP")[:60],
        b"\xff\xd8\xff",
        b"GIF89a",
        b"BM",
    ],
    ids=["huge", "large", "webp", "gif", "bmp", "scans", "texts", "short", "cut", "jpeg", "cut webp", *"jgb"],
)
def test_bombs_and_damaged_files_are_refused_by_field(client, content):
    answer = client.post("/project", json={"pictures": as_text(write(), content)})
    assert (answer.status_code, answer.json()["field"]) == (422, "pictures.1"), answer.text
    assert client.post("/project", content=content).json()["field"] == "pictures.0"


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_file_that_curl_sent_as_text_is_told_how_it_is_sent_whole(client, form):
    content = write(size=(64, 64), form=form)
    sent = content.replace(b"\r", b"").replace(b"\n", b"")  # what -d does with a file
    answer = client.post("/project", content=sent if form == "PNG" else content[:300])
    assert "--data-binary @FILE" in answer.json()["detail"]


def test_pictures_that_are_large_together_are_refused_by_the_first_too_many(client):
    answer = client.post("/project", json={"pictures": as_text(*[png_head(2_000, 2_000)] * 6), "steps": 0})
    assert (answer.status_code, answer.json()["field"]) == (422, "pictures.4"), answer.text
    assert "together" in answer.json()["detail"]


def test_a_body_that_is_too_large_is_refused(client):
    answer = client.post("/project", content=write() + bytes(7 * 2**20))
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_fields_in_the_query_are_read_strictly(client):
    for query, field in (("?step=1", "step"), ("?steps=x", "steps"), ("?steps=1&steps=2", "steps")):
        answer = client.post(f"/project{query}", content=write())
        assert (answer.status_code, answer.json()["field"]) == (422, field)
    asked = {"pictures": as_text(write())}
    by_query = client.post("/project?steps=1&scale=2", json={**asked, "scale": 2}).content
    assert by_query == client.post("/project", json={**asked, "steps": 1, "scale": 2}).content
    answer = client.post("/project?steps=1", json={**asked, "steps": 2})
    assert (answer.status_code, answer.json()["field"]) == (422, "steps")
    assert client.post("/project?steps=1").json()["field"] == "pictures"


def test_it_is_counted_by_what_it_costs(client):
    project(client, write())
    found = 'ganymede_projections_total{model="face",version="v1"}'
    batches = 'ganymede_projection_batch_seconds_count{graph="gradient"}'
    before, batches_before = metric(client, found), metric(client, batches)
    client.post("/project", json={"pictures": as_text(write(), write(seed=2))})
    assert metric(client, found) == before + 2
    assert batches_before + STEPS + 1 <= metric(client, batches) <= batches_before + 2 * (STEPS + 1)
    assert metric(client, "ganymede_queue_images") == 0
    assert metric(client, "ganymede_flight_bytes") == 0
    assert projection_images(2, STEPS) == 2 * (1 + 3 * (STEPS + 1) + 1)


def test_it_is_described_and_models_say_which_can_be_asked(client):
    description = client.get("/openapi.json").json()
    validate(description)
    operation = description["paths"]["/project"]["post"]
    assert operation["operationId"] == "project"
    assert list(operation["requestBody"]["content"]) == ["application/json", "application/octet-stream"]
    assert next(iter(operation["responses"]["200"]["content"])) == "application/json"
    assert [each["name"] for each in operation["parameters"]][:4] == ["model", "version", "label", "steps"]
    assert {"409", "413", "415", "422"} <= set(operation["responses"])
    example = operation["requestBody"]["content"]["application/json"]["example"]
    assert client.post("/project", json=example).status_code == 200
    assert client.get("/models/face/versions/v1").json()["projection"]["steps"] == STEPS
    assert client.get("/models/face").json()["loaded"]["v1"]["projection"] is True
    assert "projection" not in client.get("/models/face/versions/v0").json()


def test_sagemaker_reaches_it_by_its_task(client):
    asked = {"pictures": as_text(write())}
    answer = client.post("/invocations", json={"task": "project", **asked})
    assert answer.content == client.post("/project", json=asked).content
