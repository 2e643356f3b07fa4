import hashlib
import shutil
from pathlib import Path

import httpx
import pytest

from service.settings import explain_unknown
from tests.conftest import run_server
from tests.patience import PATIENCE_S
from tests.tiny_models import TinyModel, publish_tiny_model


def test_models_lists_versions_and_aliases(client):
    answer = client.get("/models").json()
    assert answer["default"] == "grey@production"
    grey = next(model for model in answer["models"] if model["name"] == "grey")
    assert grey["versions"] == ["v1", "v2"]
    assert grey["aliases"]["production"] == {"version": "v2", "previous": "v1"}
    assert client.get("/models/grey").json() == grey


def test_a_version_shows_its_manifest(client):
    manifest = client.get("/models/colour/versions/v1").json()
    assert manifest["label"]["classes"] == ["circle", "square", "star"]
    assert manifest["files"][0]["path"] == "generator.onnx"


@pytest.mark.parametrize(
    "path",
    [
        "/models/none",
        "/models/grey/versions/v9",
        "/models/grey/versions/v1/samples.png",
        "/models/grey/versions/v1/metrics.json",
        "/nowhere",
    ],
)
def test_what_is_not_there_is_a_problem_document(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] in ("model-not-found", "not-found")


def test_a_wrong_method_is_a_problem_document(client):
    response = client.get("/generate")
    assert response.status_code == 405
    assert response.json()["code"] == "method-not-allowed"
    assert response.headers["allow"] == "POST"


def test_live_and_ready_say_so(client):
    assert client.get("/livez").json() == {"status": "live"}
    assert client.get("/readyz").json()["model"] == "grey@v2"


def test_the_command_says_where_it_answers_once_it_does(server):
    assert f"Ganymede on {server.url} ({server.url}/docs)" in server.log.read_text()


def test_docs_ask_no_other_host(client):
    page = client.get("/docs").text
    assert "https://" not in page
    assert "http://" not in page
    assert client.get("/").is_redirect


def test_openapi_describes_the_bodies(client):
    description = client.get("/openapi.json").json()
    for path, name in (("/generate", "GenerateRequest"), ("/latent-walk", "WalkRequest")):
        content = description["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert content["schema"] == {"$ref": f"#/components/schemas/{name}"}
        body = description["components"]["schemas"][name]
        assert body["additionalProperties"] is False
        assert "seeds" in body["properties"]


def test_openapi_describes_every_error_as_the_problem_document_it_is(client):
    description = client.get("/openapi.json").json()
    operations = [
        (path, operation) for path, kinds in description["paths"].items() for operation in kinds.values()
    ]
    wrong = [(path, each["responses"]["422"]) for path, each in operations if "422" in each["responses"]]
    assert len(wrong) > 3
    for path, response in wrong:
        format = "application/json" if path.startswith("/v2") else "application/problem+json"
        assert list(response["content"]) == [format], path
    assert "HTTPValidationError" not in str(description)
    assert all("default" in operation["responses"] for _, operation in operations)
    assert {"401", "403", "429"} <= set(description["paths"]["/generate"]["post"]["responses"])


def test_a_head_is_answered_like_the_get_without_its_body(client):
    for path in ("/images/grey@v2/7.png", "/readyz", "/livez", "/models"):
        head, get = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-length", "content-type", "etag"):
            assert head.headers.get(name) == get.headers.get(name)
    assert client.head("/generate").status_code == 405
    metrics = client.get("/metrics").text
    assert 'route="/images/{model}/{seed}.png",status="200"' in metrics


def test_a_misspelt_variable_is_named_with_the_nearest_right_one():
    sentences = explain_unknown(["GANYMEDE_MAX_QEUE_IMAGES", "GANYMEDE_MODELS", "GANYMEDE_PICTURES", "PATH"])
    assert sentences == [
        "GANYMEDE_MAX_QEUE_IMAGES is no setting and does nothing. Did you mean GANYMEDE_MAX_QUEUE_IMAGES?"
    ]


def test_the_server_loads_no_training_package(server):
    maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "onnxruntime" in maps
    assert "tensorflow" not in maps


def test_an_empty_store_starts_live_but_not_ready_and_says_what_to_do(tmp_path):
    with run_server(tmp_path / "nothing", tmp_path) as server:
        assert httpx.get(f"{server.url}/livez").status_code == 200
        ready = httpx.get(f"{server.url}/readyz")
        assert ready.status_code == 503
        assert "ganymede publish" in ready.json()["detail"]
        assert "retry-after" in ready.headers
        asked = httpx.post(f"{server.url}/generate")
        assert (asked.status_code, asked.json()["detail"]) == (503, ready.json()["detail"])
        assert int(asked.headers["retry-after"]) > 0
        named = httpx.post(f"{server.url}/generate", json={"model": "grey"})
        assert named.status_code == 404


def test_an_altered_graph_is_refused_by_name(tmp_path):
    store = tmp_path / "store"
    publish_tiny_model(store, TinyModel())
    graph = store / "grey" / "versions" / "v1" / "generator.onnx"
    content = bytearray(graph.read_bytes())
    content[100] ^= 1
    graph.write_bytes(content)
    with run_server(store, tmp_path) as server:
        response = httpx.post(f"{server.url}/generate")
        assert response.status_code == 503
        assert response.json()["code"] == "release-refused"
        assert int(response.headers["retry-after"]) > 0
        assert "generator.onnx does not match its sha256" in response.json()["detail"]


def test_a_release_that_generates_something_else_fails_its_golden_check(tmp_path):
    store = tmp_path / "store"
    manifest = publish_tiny_model(store, TinyModel())
    other = tmp_path / "other"
    publish_tiny_model(other, TinyModel(weight_seed=9))
    folder = store / "grey" / "versions" / "v1"
    graph = (other / "grey" / "versions" / "v1" / "generator.onnx").read_bytes()
    (folder / "generator.onnx").write_bytes(graph)
    file = manifest.files[0].model_copy(
        update={"sha256": hashlib.sha256(graph).hexdigest(), "size_bytes": len(graph)}
    )
    (folder / "manifest.json").write_text(manifest.model_copy(update={"files": (file,)}).model_dump_json())
    with run_server(store, tmp_path) as server:
        assert "golden check failed" in httpx.get(f"{server.url}/readyz").json()["detail"]


def test_the_same_seed_gives_the_same_bytes_after_a_restart(tmp_path, tiny_store):
    store = shutil.copytree(tiny_store, tmp_path / "store")
    answers = []
    for _ in range(2):
        with run_server(store, tmp_path, "--default-model", "grey") as server:
            answers.append(httpx.post(f"{server.url}/generate", json={"seed": 11}).content)
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"GANYMEDE_PORT": "99999"}, "GANYMEDE_PORT"),
        ({"GANYMEDE_MAX_BATCH_IMAGES": "many"}, "GANYMEDE_MAX_BATCH_IMAGES"),
        ({"GANYMEDE_MODELS": "ftp://somewhere"}, "ftp"),
        ({"GANYMEDE_PRECISION": "rough"}, "GANYMEDE_PRECISION"),
        ({"GANYMEDE_DEVICE": "gpu"}, "GANYMEDE_DEVICE"),
        ({"GANYMEDE_DEVICE": "cuda"}, "Install ganymede[gpu]"),
        ({"GANYMEDE_DEVICE": "tensorrt"}, "Install ganymede[gpu]"),
        ({"GANYMEDE_DEVICE": "cpu", "GANYMEDE_PRECISION": "fast"}, "Leave GANYMEDE_PRECISION out"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_names_the_variable(run_ganymede, variables, says):
    result = run_ganymede("serve", **{"GANYMEDE_PORT": "0", **variables})
    assert result.returncode == 1
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_sigterm_ends_the_server_cleanly(tmp_path, tiny_store):
    with run_server(tiny_store, tmp_path, "--default-model", "grey") as server:
        httpx.post(f"{server.url}/generate")
        server.process.terminate()
        assert server.process.wait(timeout=PATIENCE_S) in (0, -15)
        assert "Traceback" not in server.log.read_text()
