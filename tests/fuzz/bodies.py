"""What reads requests: JSON bodies, tensors, headers, references, labels."""

import json
from functools import cache, partial

import numpy as np
from pydantic import BaseModel, SecretStr
from starlette.datastructures import Headers

from foundation.errors import GanymedeError, ModelNotFound, NotAcceptable
from foundation.labels import weigh_label
from foundation.manifest import LabelInput
from foundation.store import parse_reference
from service.access import keys
from service.access.authentication import read_key
from service.encoding.animation import MEDIA_TYPES as WALK_MEDIA_TYPES
from service.encoding.pictures import MEDIA_TYPES
from service.http.bodies import parse_body
from service.http.entity_tags import matches
from service.http.negotiation import choose_format
from service.protocols.inference_inputs import check_inputs, read_inputs
from service.protocols.open_inference import check_outputs, parse_inference
from service.protocols.sagemaker import Invocation
from service.requests.limits import check_generate, check_walk
from service.requests.request_inputs import draw_inputs, request_seeds, walk_inputs
from service.requests.schemas import GenerateRequest, WalkRequest
from service.settings import Settings, WrongSetting
from tests.fuzz.releases import CLASSES, describe_release
from tests.fuzz.target import Target

REFUSED = (GanymedeError,)


@cache
def default_settings() -> Settings:
    """The limits as they are unless set."""
    return Settings()


def read_generate(content: bytes) -> None:
    """As `POST /generate` does, up to what the generator would be given."""
    manifest, settings = describe_release(), default_settings()
    order = parse_body(content, GenerateRequest)
    check_generate(order, manifest.image, "png", settings)
    inputs = draw_inputs(manifest, order, request_seeds(order))
    check_finite(inputs.latents)


def read_walk(content: bytes) -> None:
    """As `POST /latent-walk` does, up to the first eight frames."""
    manifest, settings = describe_release(), default_settings()
    order = parse_body(content, WalkRequest)
    check_walk(order, manifest.image, "png", settings)
    frames = walk_inputs(draw_inputs(manifest, order, order.seeds), order, slice(0, 8))
    check_finite(frames.latents)


def check_finite(latents) -> None:
    """What a generator is given holds numbers; NaN among them would be drawn as if it were one."""
    assert latents.dtype == np.float32
    assert np.isfinite(latents).all(), "the generator would be given what is no number"


def read_inference(content: bytes) -> None:
    """As `POST /v2/models/…/infer` does; the first line is the header with the JSON's length."""
    header, _, body = content.partition(b"\n")
    manifest, settings = describe_release(), default_settings()
    inference = parse_inference(body, header.decode("latin-1") or None)
    check_outputs(inference.request, manifest)
    count = check_inputs(inference, manifest, settings)
    inputs = read_inputs(inference, manifest)
    assert len(inputs) == count
    check_finite(inputs.latents)


def read_label(content: bytes) -> None:
    """A class by name, by index, or by weights."""
    classes = LabelInput(classes=CLASSES)
    text = content.decode("utf-8", "replace")
    weights = np.frombuffer(content[: len(content) // 8 * 8], np.float64)
    for label in (text, int.from_bytes(content[:4], "little", signed=True), tuple(weights.tolist())):
        try:
            weighed = weigh_label(label, classes, "label")
        except GanymedeError:
            continue
        assert abs(float(weighed.sum()) - 1) < 1e-5


def parse_as(schema: type[BaseModel], content: bytes) -> None:
    """A body of this schema alone."""
    parse_body(content, schema)


def read_headers(content: bytes) -> None:
    """The key that a request carries, whichever way; there may be none."""
    text = content.decode("latin-1")
    for name in ("Authorization", "X-Api-Key"):
        key = read_key(Headers({name: text}))
        assert key is None or key


def read_keys(content: bytes) -> None:
    """The keys as a setting holds them."""
    text = content.decode("utf-8", "replace").replace("\0", "")  # no variable can hold that
    keys.read_keys(Settings(api_keys=SecretStr(text)))


def json_seeds(*bodies: object) -> list[bytes]:
    """Bodies as JSON."""
    return [json.dumps(body).encode() for body in bodies]


def inference_seeds() -> list[bytes]:
    """Requests in JSON and with binary tensors."""
    seeds = {"name": "seed", "shape": [2], "datatype": "INT64"}
    latent = {"name": "latent", "shape": [1, 6], "datatype": "FP32"}
    label = {"name": "label", "shape": [1, 3], "datatype": "FP32", "data": [0, 0.5, 0.5]}
    plain = [
        {"inputs": [seeds | {"data": [1, 2]}], "outputs": [{"name": "image"}]},
        {"id": "a", "inputs": [latent | {"data": [0.5] * 6}, label]},
    ]
    binary = {"inputs": [seeds | {"parameters": {"binary_data_size": 16}}]}
    head = json.dumps(binary).encode()
    tensor = np.array([3, 4], np.int64).tobytes()
    return [*(b"\n" + body for body in json_seeds(*plain)), b"%d\n" % len(head) + head + tensor]


def generate_seeds() -> list[bytes]:
    """Orders of every kind."""
    return json_seeds(
        {"seed": 7, "count": 4, "label": "star", "truncation": 0.7, "columns": 2, "padding": 1, "scale": 2},
        {"seeds": [1, 2, 3], "labels": ["star", 1, [0.2, 0.3, 0.5]], "format": "zip"},
        {"latents": [[0.1, 0, -1, 2, 3.5, 1e3]], "label": 0},
        {"mix": [{"seed": 1, "weight": 0.5}, {"seed": 2, "weight": -0.5}], "directions": {"0": 1.5}},
    )


def walk_seeds() -> list[bytes]:
    """Walks of every kind."""
    return json_seeds(
        {"seeds": [1, 5, 9], "frames": 12, "loop": True, "interpolation": "spline", "easing": "smooth"},
        {"latents": [[1.0] * 6, [-1.0] * 6], "labels": ["star", "circle"], "frames": 9, "fps": 12},
    )


BODY_TARGETS = (
    Target("generate", read_generate, REFUSED, generate_seeds, json=True),
    Target("walk", read_walk, REFUSED, walk_seeds, json=True),
    Target(
        "invocations",
        partial(parse_as, Invocation),
        REFUSED,
        lambda: json_seeds({"task": "generate", "seed": 7}, {"task": "latent-walk", "seeds": [1, 2]}),
        json=True,
    ),
    Target("inference", read_inference, REFUSED, inference_seeds),
    Target("label", read_label, (), lambda: [b"star", b"\0\0\0\0", np.ones(3).tobytes()]),
    Target(
        "accept",
        lambda content: (
            choose_format(None, content.decode("latin-1"), MEDIA_TYPES)
            + choose_format(None, content.decode("latin-1"), WALK_MEDIA_TYPES)
        ),
        (NotAcceptable,),
        lambda: [b"image/png;q=0.5, image/webp", b"*/*;q=0", b"image/*, application/json;q=0.9"],
    ),
    Target(
        "reference",
        lambda content: parse_reference(content.decode("utf-8", "replace")),
        (ModelNotFound,),
        lambda: [b"grey", b"grey@v1", b"a.b-c_d@production"],
    ),
    Target(
        "if-none-match",
        lambda content: matches('"tag"', content.decode("latin-1")),
        (),
        lambda: [b'"tag"', b'W/"tag", "other"', b"*"],
    ),
    Target(
        "key",
        read_headers,
        REFUSED,
        lambda: [b"Bearer abc", b"Basic dXNlcjprZXk=", b"gmd_key"],
    ),
    Target("keys", read_keys, (WrongSetting,), lambda: [b"me:" + b"0f" * 32 + b"\n# comment\n", b"a:b,c:d"]),
)
