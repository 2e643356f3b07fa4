"""What was answered once is answered again: status, media type, entity tag and every byte.

After a change that is meant to alter answers: `python -m tests.answers.test_answers` writes the record anew;
what it changes is part of the review.
"""

import hashlib
import json
import tempfile
from pathlib import Path

import httpx
import pytest

from tests.answers.exact_models import publish_exact_models
from tests.answers.requests import Asked, list_requests
from tests.conftest import run_server

RECORD = Path(__file__).parent / "recorded.json"


def answer_of(client: httpx.Client, asked: Asked, store: Path) -> list[str | int]:
    """Status, the headers that say what it is, and sha256 of the body, wherever `store` lies."""
    answer = client.request(asked.method, asked.path, content=asked.content, headers=asked.headers)
    content = answer.content.replace(str(store).encode(), b"STORE")
    kept = ("content-type", "etag", "cache-control", "x-model", "x-seed")
    heads = [answer.headers.get(name, "") for name in kept]
    return [answer.status_code, *heads, hashlib.sha256(content).hexdigest()[:32]]


def record_answers(folder: Path) -> dict[str, list[str | int]]:
    """The answers of a server on the exact models, by the names of the requests."""
    store = folder / "store"
    publish_exact_models(store)
    with (
        run_server(store, folder, "--default-model", "grey", "--ui", "off") as server,
        server.client() as client,
    ):
        return {asked.name: answer_of(client, asked, store) for asked in list_requests()}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str | int]]:
    return record_answers(tmp_path_factory.mktemp("answers"))


def test_every_request_has_a_name_of_its_own():
    names = [asked.name for asked in list_requests()]
    assert len(names) == len(set(names)) >= 200


def test_every_answer_is_the_one_that_was_recorded(answers):
    recorded = json.loads(RECORD.read_text())
    changed = {
        name: (recorded.get(name), answer) for name, answer in answers.items() if recorded.get(name) != answer
    }
    assert not changed
    assert set(recorded) == set(answers)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        lines = (
            f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record_answers(Path(place)).items()
        )
        RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n")
