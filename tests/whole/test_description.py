"""`/openapi.json`: a description that other programs can read, and that the service keeps to."""

import pytest
from openapi_spec_validator import validate

from tests.faults.described_api import KEY, attack_described_api, run_described_server


def references(part):
    """Every `$ref` within, and every operation that a link names."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


@pytest.fixture(scope="module")
def description(server):
    with server.client() as client:
        return client.get("/openapi.json").json()


def operations(description):
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_description_is_valid_openapi(description):
    validate(description)


def test_no_two_operations_have_one_name(description):
    """Clients are made with a method by each; links name what they lead to by it."""
    names = [operation["operationId"] for _, operation in operations(description)]
    assert len(names) == len(set(names))


def test_every_reference_in_the_description_leads_somewhere(description):
    found = set(references(description))
    assert "#/components/schemas/MixPart" in found
    for reference in found:
        place = description
        for name in reference.removeprefix("#/").split("/"):
            assert name in place, f"{reference} leads nowhere"
            place = place[name]


def test_every_operation_says_how_large_a_head_may_be_and_every_closed_one_how_a_key_is_refused(description):
    for name, operation in operations(description):
        assert "431" in operation["responses"], name
        if operation.get("security") != []:
            assert {"401", "403"} <= set(operation["responses"]), name


def test_what_takes_pictures_to_make_says_every_way_it_may_be_refused(description):
    for path in ("/generate", "/latent-walk", "/invocations"):
        refusals = set(description["paths"][path]["post"]["responses"])
        assert {"400", "404", "406", "413", "415", "422", "429", "503", "504"} <= refusals


def test_the_queries_of_an_image_have_the_types_that_are_read(description):
    parameters = description["paths"]["/images/{model}/{seed}.png"]["get"]["parameters"]
    types = {parameter["name"]: parameter["schema"]["type"] for parameter in parameters}
    assert types == {
        "model": "string",
        "seed": "integer",
        "label": "string",
        "truncation": "number",
        "scale": "integer",
        "if-none-match": "string",
    }


@pytest.mark.parametrize(
    ("path", "fields", "field"),
    [
        ("/generate", {"count": True}, "count"),
        ("/generate", {"padding": False}, "padding"),
        ("/generate", {"columns": "2"}, "columns"),
        ("/generate", {"truncation": "0.5"}, "truncation"),
        ("/generate", {"truncation": True}, "truncation"),
        ("/generate", {"mix": [{"seed": 1, "weight": "2"}]}, "mix.0.weight"),
        ("/generate", {"directions": {"0": True}}, "directions.0"),
        ("/latent-walk", {"seeds": [1, 2], "frames": "12"}, "frames"),
        ("/latent-walk", {"seeds": [1, 2], "loop": "yes"}, "loop"),
        ("/latent-walk", {"seeds": [1, 2], "fps": True}, "fps"),
    ],
)
def test_a_word_or_a_truth_is_no_number_and_a_word_no_truth(client, path, fields, field):
    answer = client.post(path, json=fields)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_whole_number_may_be_written_with_a_fraction_of_nothing(client):
    assert client.post("/generate", json={"seed": 1, "count": 2.0}).status_code == 200
    assert client.post("/generate", json={"seed": 1, "count": 2.5}).status_code == 422


@pytest.mark.parametrize(
    "query", ["scale=1_0", "scale=%202", "scale=0x2", "truncation=nan", "truncation=%200.5"]
)
def test_a_query_holds_numbers_as_json_writes_them(client, query):
    answer = client.get(f"/images/grey/1.png?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, query.partition("=")[0])


def test_a_known_address_under_v2_says_which_methods_it_is_for(client):
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/grey", "/v2/models/grey/ready"):
        answer = client.post(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET"), path
        assert answer.json()["code"] == "method-not-allowed"
    answer = client.get("/v2/models/grey/infer")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert client.post("/v2/repository/index").status_code == 404


def test_requests_made_from_the_description_find_nothing_that_it_does_not_say(tiny_store, tmp_path):
    with run_described_server(tiny_store, tmp_path) as server:
        attack_described_api(server, cases=6, seed=1, key=KEY)
