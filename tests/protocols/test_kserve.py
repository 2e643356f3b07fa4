"""The Open Inference Protocol as KServe's own REST client speaks it, and Triton's asynchronous one.

The requests are those that `InferenceRESTClient` of kserve 0.21 sends, and what is read is what it reads; the
package itself asks for a hundred others.
"""

import asyncio
import json

import numpy as np
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as asynchronous
from tritonclient.utils import InferenceServerException

INFER = "/v2/models/grey/infer"
SEEDS = {"name": "seed", "shape": [2], "datatype": "INT64", "data": [7, 8]}


@pytest.mark.parametrize("slash", ["", "/"])
def test_health_is_told_in_a_body_too(client, slash):
    assert client.get(f"/v2/health/live{slash}").json() == {"live": True}
    assert client.get(f"/v2/health/ready{slash}").json() == {"ready": True}
    assert client.get(f"/v2/models/grey/ready{slash}").json() == {"name": "grey", "ready": True}
    assert client.get(f"/v2/models/grey/versions/v1/ready{slash}").json() == {"name": "grey", "ready": True}


@pytest.mark.parametrize("path", ["", "/models", "/models/grey", "/models/grey/versions/v1"])
def test_a_slash_at_the_end_changes_nothing(client, path):
    plain, slashed = client.get(f"/v2{path}"), client.get(f"/v2{path}/")
    assert plain.status_code == slashed.status_code == 200
    assert plain.json() == slashed.json()
    infer = client.post(f"{INFER}/", json={"inputs": [SEEDS]})
    assert infer.json() == client.post(INFER, json={"inputs": [SEEDS]}).json()


def test_the_models_are_listed(client):
    assert sorted(client.get("/v2/models").json()["models"]) == ["colour", "grey"]


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [SEEDS], "parameters": None},
        {"inputs": [SEEDS], "outputs": None},
        {"inputs": [SEEDS], "id": None, "model_name": None, "model_version": None},
        {"inputs": [{**SEEDS, "parameters": None}]},
        {"inputs": [{**SEEDS, "parameters": {"binary_data_size": None, "shared_memory_region": None}}]},
        {"inputs": [SEEDS], "outputs": [{"name": "image", "parameters": None}]},
        {"inputs": [SEEDS], "outputs": [{"name": "image", "parameters": {"binary_data": None}}]},
        {"inputs": [SEEDS], "outputs": []},
        {"inputs": [SEEDS], "parameters": {"binary_data_output": None, "anything": {"at": ["all"]}}},
    ],
)
def test_null_for_what_is_optional_means_that_it_is_not_there(client, body):
    wanted = client.post(INFER, json={"inputs": [SEEDS]}).json()
    answer = client.post(INFER, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == wanted


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"inputs": None}, "inputs"),
        ({"inputs": [None]}, "inputs.0"),
        ({"inputs": [{**SEEDS, "name": None}]}, "inputs.0.name"),
        ({"inputs": [{**SEEDS, "shape": None}]}, "inputs.0.shape"),
        ({"inputs": [{**SEEDS, "datatype": None}]}, "inputs.0.datatype"),
        ({"inputs": [{**SEEDS, "data": None}]}, "inputs.0.data"),
        ({"inputs": [SEEDS], "outputs": [None]}, "outputs.0"),
        ({"inputs": [SEEDS], "parameters": []}, "parameters"),
        ({"inputs": [SEEDS], "outputs": {}}, "outputs"),
        ({"inputs": [{**SEEDS, "datatype": "FP16"}]}, "inputs.0.datatype"),
        ({"inputs": [{**SEEDS, "datatype": "int64"}]}, "inputs.0.datatype"),
        ({"inputs": [{**SEEDS, "datatype": "BYTES"}]}, "inputs.0.datatype"),
    ],
)
def test_what_is_not_optional_is_named_and_the_error_is_where_kserve_reads_it(client, body, field):
    answer = client.post(INFER, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["field"] == field
    assert field in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/none", 404),
        ("GET", "/v2/models/none/ready", 404),
        ("GET", "/v2/models/grey/versions/v9/", 404),
        ("GET", "/v2/nothing", 404),
        ("GET", "/v2/models/grey/infer", 405),
        ("PUT", "/v2/models/grey/infer", 405),
        ("POST", "/v2/models/grey@v1@v1/infer", 400),
    ],
)
def test_every_error_under_this_protocol_is_json_with_its_own_member(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"] == answer.json()["detail"]


def test_an_error_elsewhere_stays_a_problem_document(client):
    assert client.get("/models/none").headers["content-type"] == "application/problem+json"
    assert "error" not in client.get("/v2x/models").json()


@pytest.mark.parametrize("datatype", ["INT32", "UINT32"])
@pytest.mark.parametrize("binary", [True, False])
def test_seeds_may_be_narrow_integers(server, client, datatype, binary):
    seeds = np.array([0, 2**31 - 1], np.dtype(datatype.lower()))
    with triton.InferenceServerClient(server.url.removeprefix("http://")) as connected:
        part = triton.InferInput("seed", [2], datatype).set_data_from_numpy(seeds, binary_data=binary)
        images = connected.infer("grey", [part]).as_numpy("image")
    wide = client.post(INFER, json={"inputs": [{**SEEDS, "data": seeds.tolist()}]}).json()
    assert images.reshape(-1).tolist() == wide["outputs"][0]["data"]


def test_a_negative_seed_of_a_narrow_integer_is_refused_as_any_other(client):
    body = {"inputs": [{**SEEDS, "datatype": "INT32", "data": [-1, 0]}]}
    assert "seeds are whole numbers" in client.post(INFER, json=body).json()["error"]


@pytest.mark.parametrize("name", ["inference-header-content-length", "INFERENCE-HEADER-CONTENT-LENGTH"])
def test_the_json_length_is_read_however_its_field_is_spelt(client, name):
    head = {"inputs": [{**SEEDS, "parameters": {"binary_data_size": 16}}]}
    del head["inputs"][0]["data"]
    text = json.dumps(head).encode()
    content = text + np.array([7, 8], "<i8").tobytes()
    answer = client.post(INFER, content=content, headers={name: str(len(text))})
    assert answer.json() == client.post(INFER, json={"inputs": [SEEDS]}).json()


def test_tritons_asynchronous_client_is_understood_and_may_ask_for_a_compressed_answer(server, client):
    async def ask():
        async with asynchronous.InferenceServerClient(server.url.removeprefix("http://")) as connected:
            assert await connected.is_server_live()
            assert await connected.is_server_ready()
            assert await connected.is_model_ready("grey", "v1")
            assert not await connected.is_model_ready("grey", "v9")
            part = triton.InferInput("seed", [2], "INT64").set_data_from_numpy(np.array([7, 8]))
            answers = await asyncio.gather(
                *(
                    connected.infer(
                        "grey", [part], request_id=str(number), response_compression_algorithm=kind
                    )
                    for number, kind in enumerate([None, "gzip", "deflate"])
                )
            )
            with pytest.raises(InferenceServerException, match="There is no model 'none'"):
                await connected.infer("none", [part])
            return answers

    wanted = client.post(INFER, json={"inputs": [SEEDS]}).json()["outputs"][0]["data"]
    for number, answer in enumerate(asyncio.run(ask())):
        assert answer.as_numpy("image").reshape(-1).tolist() == wanted
        assert answer.get_response()["id"] == str(number)
