"""Tools read `/openapi.json` without a warning, and the clients that they write work."""

import base64
import json

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.xdist_group("clients")

PYTHON_CLIENT = """
import base64, json, sys
from ganymede_client import Client
from ganymede_client.api.models import list_models
from ganymede_client.api.pictures import generate, project, show_image, walk
from ganymede_client.models import GenerateRequest, Problem, ProjectRequest, WalkRequest

client = Client(base_url=sys.argv[1])
refused = generate.sync(client=client, body=GenerateRequest(count=-1))
assert isinstance(refused, Problem)
unfound = project.sync(client=client, body=ProjectRequest(pictures=["iVBORw0KGgo="]))
assert unfound.code == "no-projection", unfound
answers = [
    generate.sync(client=client, body=GenerateRequest(seeds=[1, 2], columns=2)),
    walk.sync(client=client, body=WalkRequest(seeds=[1, 5], frames=4)),
    show_image.sync("grey", 7, client=client),
]
print(json.dumps({
    "content": [base64.b64encode(answer.payload.read()).decode() for answer in answers],
    "names": [model.name for model in list_models.sync(client=client).models],
    "code": refused.code,
    "field": refused.field,
}))
"""


STRICT = (
    *("--strict", "--noEmit", "--target", "es2022", "--module", "esnext"),
    *("--moduleResolution", "bundler", "--lib", "es2022,dom,dom.iterable"),
)
NODE = """
declare const process: { argv: string[] };
declare const Buffer: { from(data: ArrayBuffer): { toString(coding: string): string } };
"""


@pytest.fixture(scope="module")
def described(server, tmp_path_factory):
    """A folder with the server's `openapi.json`."""
    folder = tmp_path_factory.mktemp("described")
    with server.client() as client:
        (folder / "openapi.json").write_bytes(client.get("/openapi.json").content)
    return folder


def wanted(client, seeds):
    return client.post("/generate", json={"seeds": seeds, "columns": 2}).content


def test_a_python_client_is_written_without_a_warning_and_calls_the_server(described, tools, server, client):
    program = tools.python.with_name("openapi-python-client")
    words = ("generate", "--path", "openapi.json", "--meta", "none", "--output-path", "ganymede_client")
    said = tools.run(described, program, *words)
    assert "arning" not in said, said
    (described / "use.py").write_text(PYTHON_CLIENT)
    answer = json.loads(tools.run(described, tools.python, "use.py", server.url))
    assert base64.b64decode(answer["content"][0]) == wanted(client, [1, 2])
    assert all(base64.b64decode(each).startswith(b"\x89PNG") for each in answer["content"])
    assert answer["names"] == ["colour", "grey"]
    assert (answer["code"], answer["field"]) == ("invalid-field", "count")


def test_a_typescript_client_is_written_without_a_warning_and_calls_the_server(
    described, tools, server, client
):
    writer, checker = tools.modules / "openapi-typescript/bin/cli.js", tools.modules / "typescript/bin/tsc"
    said = tools.run(described, tools.node, writer, "openapi.json", "-o", "schema.d.ts")
    assert "arning" not in said, said
    (described / "node_modules").symlink_to(tools.modules)
    (described / "package.json").write_text('{"type": "module"}')
    (described / "node.d.ts").write_text(NODE)
    program = described / "client.ts"
    program.write_text((REPOSITORY / "tests/clients/typescript_client.ts").read_text())
    tools.run(described, tools.node, checker, *STRICT, program, "node.d.ts")
    answer = json.loads(tools.run(described, tools.node, "--no-warnings", program, server.url))
    assert base64.b64decode(answer["picture"]) == wanted(client, [1, 2])
    assert base64.b64decode(answer["walk"]).startswith(b"\x89PNG")
    assert answer["names"] == ["colour", "grey"]
    assert (answer["seeds"], answer["code"], answer["field"]) == ("1", "invalid-field", "count")
