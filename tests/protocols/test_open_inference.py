"""The Open Inference Protocol by Triton's own client, and by hand where that client is too well-behaved."""

import asyncio
import io
import json
import time

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from service.application import create_app
from service.settings import Settings
from tests.conftest import run_server

LATENTS = np.random.default_rng(5).standard_normal((3, 6)).astype(np.float32)
LABELS = np.array([[1, 0, 0], [0, 0, 1], [0.25, 0.75, 0]], np.float32)
INFER = "/v2/models/grey/infer"


@pytest.fixture
def kserve(server):
    with triton.InferenceServerClient(server.url.removeprefix("http://"), concurrency=8) as connected:
        yield connected


def tensor(name, array, *, binary=True, datatype="FP32"):
    built = triton.InferInput(name, list(array.shape), datatype)
    return built.set_data_from_numpy(array, binary_data=binary)


def generated(client, **fields):
    """What `POST /generate` answers, uint8 (n, h, w, c)."""
    plain = {
        name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in fields.items()
    }
    response = client.post("/generate", json={"model": "grey", **plain, "format": "npy"})
    assert response.status_code == 200, response.text
    return np.load(io.BytesIO(response.content))


def part(**changes):
    """An input `latent` of one image as JSON, with changes; None takes a member away."""
    described = {"name": "latent", "shape": [1, 6], "datatype": "FP32", "data": [0.5] * 6, **changes}
    return {name: value for name, value in described.items() if value is not None}


def refused(response, status, code, sentence):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"  # KServe's client shows no other's `error`
    body = response.json()
    assert body["code"] == code
    assert sentence in body["detail"]
    assert body["error"] == body["detail"]


def test_health_is_true_for_what_can_generate_and_false_for_what_is_not_there(kserve):
    assert kserve.is_server_live()
    assert kserve.is_server_ready()
    assert kserve.is_model_ready("grey")
    assert kserve.is_model_ready("grey", "v1")
    assert kserve.is_model_ready("colour", "production")
    assert not kserve.is_model_ready("grey", "v9")
    assert not kserve.is_model_ready("none")


def test_a_server_without_a_model_is_live_but_not_ready_and_says_why(tmp_path):
    with run_server(tmp_path / "nothing", tmp_path) as server:
        with triton.InferenceServerClient(server.url.removeprefix("http://")) as kserve:
            assert kserve.is_server_live()
            assert not kserve.is_server_ready()
        response = httpx.post(f"{server.url}{INFER}", json={"inputs": [part()]})
        refused(response, 404, "model-not-found", "There is no model 'grey'")
        ready = httpx.get(f"{server.url}/v2/health/ready")
        assert ready.status_code == 503
        assert ready.json()["error"] == ready.json()["detail"]


def test_a_method_that_is_not_allowed_is_told_as_this_protocol_tells_errors(client):
    response = client.delete(INFER)
    assert response.status_code == 405
    assert response.json()["error"] == f"DELETE {INFER}: Method Not Allowed."


def test_keys_and_rates_hold_for_this_protocol_too_and_are_told_in_words(tmp_path, tiny_store, sha256):
    limits = {"GANYMEDE_RATE_IMAGES_PER_S": "0.001", "GANYMEDE_MAX_IMAGES_PER_REQUEST": "4"}
    keys = f"triton:{sha256(b'open sesame')}"
    with (
        run_server(
            tiny_store, tmp_path, "--default-model", "grey", GANYMEDE_API_KEYS=keys, **limits
        ) as server,
        triton.InferenceServerClient(server.url.removeprefix("http://")) as kserve,
    ):
        assert kserve.is_server_ready()
        with pytest.raises(InferenceServerException, match=r"^.401. Send your API key as"):
            kserve.infer("grey", [tensor("latent", LATENTS)])
        headers = {"X-Api-Key": "open sesame"}
        kserve.infer("grey", [tensor("latent", LATENTS)], headers=headers)
        with pytest.raises(InferenceServerException, match=r"^.429. The key 'triton' has 1 images left"):
            kserve.infer("grey", [tensor("latent", LATENTS)], headers=headers)


def test_metadata_names_the_server_and_its_extension(kserve):
    metadata = kserve.get_server_metadata()
    assert metadata["name"] == "ganymede"
    assert metadata["extensions"] == ["binary_tensor_data"]


def test_metadata_of_a_model_tells_its_tensors_with_a_free_batch(kserve):
    metadata = kserve.get_model_metadata("colour")
    parameters = metadata.pop("parameters")
    assert parameters.pop("arithmetic") == "float"
    assert parameters in ({}, {"same_bytes_here": True}), "where another test had it loaded"
    assert metadata == {
        "name": "colour",
        "versions": ["v1"],
        "platform": "onnxruntime_onnx",
        "inputs": [
            {"name": "latent", "datatype": "FP32", "shape": [-1, 6]},
            {"name": "label", "datatype": "FP32", "shape": [-1, 3]},
        ],
        "outputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, 8, 8, 3]}],
    }
    grey = kserve.get_model_metadata("grey", "v1")
    assert grey["versions"] == ["v1", "v2"]
    assert [tensor["name"] for tensor in grey["inputs"]] == ["latent"]


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False, None])
def test_infer_gives_exactly_the_images_of_generate(kserve, client, binary_in, binary_out):
    outputs = None if binary_out is None else [triton.InferRequestedOutput("image", binary_data=binary_out)]
    answer = kserve.infer("grey", [tensor("latent", LATENTS, binary=binary_in)], outputs=outputs)
    images = answer.as_numpy("image")
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, generated(client, latents=LATENTS))
    described = answer.get_response()
    assert (described["model_name"], described["model_version"]) == ("grey", "v2")
    assert ("data" in described["outputs"][0]) is (binary_out is False)


@pytest.mark.parametrize("binary", [True, False])
def test_labels_are_weighed_as_generate_weighs_them(kserve, client, binary):
    weights = LABELS * np.float32(3)
    inputs = [tensor("label", weights, binary=binary), tensor("latent", LATENTS, binary=not binary)]
    images = kserve.infer("colour", inputs).as_numpy("image")
    wanted = generated(client, model="colour", latents=LATENTS, labels=weights)
    np.testing.assert_array_equal(images, wanted)
    assert images.shape == (3, 8, 8, 3)


@pytest.mark.parametrize("datatype", ["INT64", "UINT64"])
@pytest.mark.parametrize("binary", [True, False])
def test_seeds_may_stand_for_latents_and_classes(kserve, client, datatype, binary):
    seeds = np.array([0, 2**32 - 1, 7], np.dtype(datatype.lower()))
    images = kserve.infer("colour", [tensor("seed", seeds, binary=binary, datatype=datatype)]).as_numpy(
        "image"
    )
    np.testing.assert_array_equal(images, generated(client, model="colour", seeds=seeds))
    inputs = [tensor("seed", seeds, binary=binary, datatype=datatype), tensor("label", LABELS)]
    images = kserve.infer("colour", inputs).as_numpy("image")
    np.testing.assert_array_equal(images, generated(client, model="colour", seeds=seeds, labels=LABELS))


@pytest.mark.parametrize("selector", ["v1", "v2", "production"])
def test_a_version_or_an_alias_in_the_address_is_the_one_that_answers(kserve, client, selector):
    answer = kserve.infer("grey", [tensor("latent", LATENTS)], model_version=selector)
    wanted = generated(client, model=f"grey@{selector}", latents=LATENTS)
    np.testing.assert_array_equal(answer.as_numpy("image"), wanted)
    assert answer.get_response()["model_version"] == ("v1" if selector == "v1" else "v2")


def test_the_id_comes_back_and_only_if_there_was_one(kserve):
    with_id = kserve.infer("grey", [tensor("latent", LATENTS)], request_id="forty-two")
    assert with_id.get_response()["id"] == "forty-two"
    assert "id" not in kserve.infer("grey", [tensor("latent", LATENTS)]).get_response()


def test_many_requests_at_once_each_get_their_own_images(kserve, client):
    latents = np.random.default_rng(6).standard_normal((24, 2, 6)).astype(np.float32)
    waiting = [
        kserve.async_infer("grey", [tensor("latent", pair)], request_id=str(index))
        for index, pair in enumerate(latents)
    ]
    wanted = generated(client, latents=latents.reshape(-1, 6)).reshape(24, 2, 8, 8, 1)
    for index, request in enumerate(waiting):
        answer = request.get_result()
        assert answer.get_response()["id"] == str(index)
        np.testing.assert_array_equal(answer.as_numpy("image"), wanted[index])


@pytest.mark.parametrize(
    ("model", "inputs", "sentence"),
    [
        ("none", [tensor("latent", LATENTS)], "There is no model 'none'"),
        ("Grey!", [tensor("latent", LATENTS)], "does not name a model"),
        ("grey", [tensor("label", LABELS)], "grey@v2 has no input 'label'; it reads latent FP32 [n, 6]"),
        ("grey", [tensor("latent", LATENTS[:, :5].copy())], "latent has the shape [n, 6], not [3, 5]"),
        (
            "grey",
            [tensor("latent", LATENTS.astype(np.float64), datatype="FP64")],
            "latent is FP32, not 'FP64'",
        ),
        ("grey", [tensor("latent", np.zeros((1025, 6), np.float32))], "asks for 1,025 images"),
        ("grey", [tensor("latent", np.zeros((0, 6), np.float32))], "asks for 0 images"),
        ("grey", [tensor("latent", LATENTS)] * 2, "'latent' comes twice"),
        ("grey", [tensor("seed", np.array([-1]), datatype="INT64")], "seeds are whole numbers from 0 to"),
        ("colour", [tensor("latent", LATENTS)], "colour@v1 has classes: with latent, give label"),
        ("colour", [tensor("label", LABELS)], "give latent FP32 [n, 6] and label FP32 [n, 3]; or"),
        (
            "colour",
            [tensor("latent", LATENTS), tensor("label", LABELS[:2])],
            "begins with 2, another's with 3",
        ),
        ("colour", [tensor("latent", LATENTS), tensor("label", 0 * LABELS)], "weights must be 0 or more"),
    ],
)
def test_triton_shows_what_is_wrong_in_words(kserve, model, inputs, sentence):
    with pytest.raises(InferenceServerException) as raised:
        kserve.infer(model, inputs)
    assert sentence in raised.value.message()
    assert raised.value.status()[0] == "4"


def test_an_output_that_does_not_exist_is_named(kserve):
    outputs = [triton.InferRequestedOutput("logits")]
    with pytest.raises(InferenceServerException, match="one output, 'image'"):
        kserve.infer("grey", [tensor("latent", LATENTS)], outputs=outputs)


def test_an_extension_that_is_not_offered_is_refused_in_words(kserve):
    with pytest.raises(InferenceServerException, match="There is no POST /v2/repository/index"):
        kserve.get_model_repository_index()
    outputs = [triton.InferRequestedOutput("image", class_count=2)]
    with pytest.raises(InferenceServerException, match=r"outputs\.0\.parameters\.classification"):
        kserve.infer("grey", [tensor("latent", LATENTS)], outputs=outputs)
    with pytest.raises(InferenceServerException, match="uncompressed"):
        kserve.infer("grey", [tensor("latent", LATENTS)], request_compression_algorithm="gzip")


def test_nested_and_flat_data_mean_the_same(client):
    request = part(shape=[3, 6], data=LATENTS.tolist())
    nested = client.post(INFER, json={"inputs": [request]}).json()
    flat = client.post(INFER, json={"inputs": [request | {"data": LATENTS.ravel().tolist()}]}).json()
    assert nested == flat
    images = np.array(nested["outputs"][0]["data"], np.uint8).reshape(nested["outputs"][0]["shape"])
    np.testing.assert_array_equal(images, generated(client, latents=LATENTS))


def test_what_one_output_says_goes_before_the_requests_binary_data_output(client):
    everything = {"inputs": [part()], "parameters": {"binary_data_output": True, "priority": 3}}
    binary = client.post(INFER, json=everything)
    length = int(binary.headers["inference-header-content-length"])
    head = json.loads(binary.content[:length])
    assert head["outputs"][0]["parameters"] == {"binary_data_size": 64}
    assert binary.headers["content-type"] == "application/octet-stream"
    wanted = [{"name": "image", "parameters": {"binary_data": False}}]
    plain = client.post(INFER, json={**everything, "outputs": wanted})
    assert "inference-header-content-length" not in plain.headers
    assert plain.json()["outputs"][0]["data"] == list(binary.content[length:])


def test_an_answer_carries_the_headers_of_every_picture(client):
    response = client.post(INFER, json={"inputs": [part()]})
    assert response.headers["x-model"] == "grey@v2"
    assert "infer;dur=" in response.headers["server-timing"]
    assert response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"data": [0.5] * 5}, "inputs.0.data"),
        ({"data": [[0.5] * 6] * 2}, "inputs.0.data"),
        ({"data": [[0.5] * 3] * 2}, "inputs.0.data"),
        ({"data": [[[0.5]] * 6]}, "inputs.0.data"),
        ({"data": ["0.5"] * 6}, "inputs.0.data"),
        ({"data": [None] * 6}, "inputs.0.data"),
        ({"data": [True] * 6}, "inputs.0.data"),
        ({"data": [1e39] * 6}, "inputs.0.data"),
        ({"data": [10**400] * 6}, "inputs.0.data"),
        ({"data": []}, "inputs.0.data"),
        ({"data": None}, "inputs.0.data"),
        ({"shape": [2, 6]}, "inputs.0.data"),
        ({"shape": [6]}, "inputs.0.shape"),
        ({"shape": []}, "inputs.0.shape"),
        ({"shape": [1] * 9}, "inputs.0.shape"),
        ({"shape": [-1, 6]}, "inputs.0.shape.0"),
        ({"shape": [1.0, 6]}, "inputs.0.shape.0"),
        ({"shape": [2**62, 6]}, "inputs.0.shape"),
        ({"shape": [2**64, 6]}, "inputs.0.shape.0"),
        ({"name": None}, "inputs.0.name"),
        ({"surprise": 1}, "inputs.0.surprise"),
        ({"parameters": {"shared_memory_region": "x"}}, "inputs.0.parameters.shared_memory_region"),
    ],
)
def test_a_wrong_input_is_named_by_its_field(client, changes, field):
    response = client.post(INFER, content=json.dumps({"inputs": [part(**changes)]}))
    refused(response, 422, "invalid-field", field)
    assert response.json()["field"] == field


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1e999"])
def test_a_number_that_is_none_is_refused_in_json(client, value):
    body = json.dumps({"inputs": [part()]}).replace("0.5", value)
    refused(client.post(INFER, content=body), 422, "invalid-field", "must be finite and fit float32")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_refused_in_binary(kserve, value):
    latents = LATENTS.copy()
    latents[1, 2] = value
    with pytest.raises(InferenceServerException, match="must be finite and fit float32"):
        kserve.infer("grey", [tensor("latent", latents)])


def binary_body(size=24, announced=24, **changes):
    head = json.dumps({"inputs": [part(data=None, parameters={"binary_data_size": announced}, **changes)]})
    return head.encode(), bytes(size)


@pytest.mark.parametrize(
    ("size", "announced", "says"),
    [
        (23, 24, "announce 24 bytes"),
        (25, 24, "there are 25"),
        (0, 24, "there are 0"),
        (24, 2**40, "announce 1,0"),
    ],
)
def test_bytes_that_are_cut_off_or_left_over_are_malformed(client, size, announced, says):
    head, data = binary_body(size, announced)
    headers = {"Inference-Header-Content-Length": str(len(head))}
    refused(client.post(INFER, content=head + data, headers=headers), 400, "malformed", says)


def test_bytes_that_do_not_make_the_shape_are_refused(client):
    head, data = binary_body(20, 20)
    headers = {"Inference-Header-Content-Length": str(len(head))}
    response = client.post(INFER, content=head + data, headers=headers)
    refused(response, 422, "invalid-field", "FP32 of the shape [1, 6] takes 24 bytes")


def test_a_claimed_shape_of_a_terabyte_is_refused_by_its_count(client):
    head, data = binary_body(24, 24, shape=[2**40, 6])
    headers = {"Inference-Header-Content-Length": str(len(head))}
    response = client.post(INFER, content=head + data, headers=headers)
    refused(response, 422, "invalid-field", "asks for 1,099,511,627,776 images")


@pytest.mark.parametrize("length", ["", "-1", "12a", "1e3", "99999", "9" * 50, "٣"])
def test_a_json_length_that_cannot_be_is_malformed(client, length):
    head, data = binary_body()
    headers = {"Inference-Header-Content-Length": length.encode()}
    response = client.post(INFER, content=head + data, headers=headers)
    refused(response, 400, "malformed", "is not a number of bytes up to the body's")


@pytest.mark.parametrize("wrong", [-100, -1, 1, 24])
def test_a_json_length_that_cuts_elsewhere_is_malformed(client, wrong):
    head, data = binary_body()
    headers = {"Inference-Header-Content-Length": str(len(head) + wrong)}
    refused(client.post(INFER, content=head + data, headers=headers), 400, "malformed", "is not JSON")


def test_binary_data_without_the_json_length_says_which_header_is_missing(client):
    head, _ = binary_body(0)
    refused(client.post(INFER, content=head), 400, "malformed", "Send Inference-Header-Content-Length")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 5000, b'{"inputs": '])
def test_what_is_no_json_object_is_malformed(client, content):
    response = client.post(INFER, content=content)
    assert response.status_code == 400, response.text
    assert response.json()["error"] == response.json()["detail"]


@pytest.mark.parametrize(
    "body", [{}, {"inputs": []}, {"inputs": [3]}, {"inputs": {}}, {"inputs": [part()], "x": 1}]
)
def test_a_request_without_its_parts_is_an_invalid_field(client, body):
    response = client.post(INFER, json=body)
    assert response.status_code == 422, response.text
    assert response.json()["error"]


def test_data_and_bytes_at_once_are_refused(client):
    head = json.dumps({"inputs": [part(parameters={"binary_data_size": 24})]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    response = client.post(INFER, content=head + bytes(24), headers=headers)
    refused(response, 422, "invalid-field", "one of the two")


def test_a_body_beyond_the_limit_is_not_read(client):
    response = client.post(INFER, content=bytes(7 * 2**20))
    refused(response, 413, "body-too-large", "6,291,456 bytes")


def ask_in_process(store, *bodies, change=lambda context: None, **settings):
    """Requests, all at once, to an app in this process after a `change` of its context."""

    async def ask():
        app = create_app(Settings(models=str(store), default_model="grey", **settings))
        context = app.state.context
        await context.releases.resolve("grey")
        change(context)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://ganymede") as client:
            asked = (
                client.post(INFER, content=json.dumps(body)) for body in bodies or [{"inputs": [part()]}]
            )
            responses = await asyncio.gather(*asked)
        await context.engine.close()
        return responses

    return asyncio.run(ask())


def test_equal_requests_at_once_keep_their_own_ids(tiny_store):
    bodies = [{"id": str(index), "inputs": [part()]} for index in range(8)]
    answers = [response.json() for response in ask_in_process(tiny_store, *bodies)]
    assert [answer["id"] for answer in answers] == [body["id"] for body in bodies]
    assert len({str(answer["outputs"]) for answer in answers}) == 1


def test_a_full_queue_refuses_before_it_looks_at_a_number(tiny_store):
    def fill(context):
        context.engine.room.held = 4

    body = {"inputs": [part(data=[float("nan")] * 6)]}
    [response] = ask_in_process(tiny_store, body, change=fill, max_queue_images=4)
    refused(response, 503, "queue-full", "4 images are waiting")
    assert response.headers["retry-after"] == "1"


def test_the_deadline_of_the_engine_holds_here_too(tiny_store):
    def stall(context):
        context.engine._timeout_s = 0.05
        run = context.engine._batches._run

        def run_slowly(batch):
            while context.engine.waiting_images:
                time.sleep(0.01)
            return run(batch)

        context.engine._batches._run = run_slowly

    [response] = ask_in_process(tiny_store, change=stall)
    refused(response, 504, "deadline-exceeded", "not ready within")


def test_a_response_of_too_many_pixels_is_refused(tiny_store):
    [response] = ask_in_process(tiny_store, max_pixels_per_response=63)
    refused(response, 422, "invalid-field", "the response would have 64 pixels")


def test_an_error_of_ours_is_told_without_its_inside(tiny_store):
    def spoil(context):
        context.engine.check_room = None

    [response] = ask_in_process(tiny_store, change=spoil)
    refused(response, 500, "internal", "It is logged under this request's id")
    assert "NoneType" not in response.text
