"""What was answered once is answered again: status, media type and every byte, under a tag that names it.

The tags themselves are not on record: they name the builds of the encoders (docs/same-bytes.md).

After a change that is meant to alter answers: `python -m tests.answers.test_answers` writes the record anew;
what it changes is part of the review.
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from tests.answers.exact_models import publish_exact_models
from tests.answers.requests import Asked, list_requests
from tests.conftest import run_server

RECORD = Path(__file__).parent / "recorded.json"


Answer = list[str | int]


def answer_of(client: httpx.Client, asked: Asked, store: Path) -> tuple[Answer, str]:
    """Status, the headers that say what it is, and sha256 of the body, wherever `store` lies; and its tag."""
    answer = client.request(asked.method, asked.path, content=asked.content, headers=asked.headers)
    content = answer.content.replace(str(store).encode(), b"STORE")
    tag = answer.headers.get("etag", "")
    kind = "strong" if re.fullmatch(r'"[0-9a-f]{32}"', tag) else tag
    kept = ("cache-control", "x-model", "x-seed")
    heads = [answer.headers.get("content-type", ""), kind, *(answer.headers.get(name, "") for name in kept)]
    return [answer.status_code, *heads, hashlib.sha256(content).hexdigest()[:32]], tag


def gather_answers(folder: Path, requests: Sequence[Asked]) -> dict[str, tuple[Answer, str]]:
    """The answers of a server on the exact models, and their tags, by the names of the requests."""
    store = folder / "store"
    publish_exact_models(store)
    with (
        run_server(store, folder, "--default-model", "grey", "--ui", "off") as server,
        server.client() as client,
    ):
        return {asked.name: answer_of(client, asked, store) for asked in requests}


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Answer, str]]:
    return gather_answers(tmp_path_factory.mktemp("answers"), list_requests())


@pytest.fixture(scope="module")
def answers(gathered: dict[str, tuple[Answer, str]]) -> dict[str, Answer]:
    return {name: answer for name, (answer, _) in gathered.items()}


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


def test_equal_tags_are_equal_bytes(gathered):
    bytes_of = dict[str, set[str | int]]()
    for name, (answer, tag) in gathered.items():
        if tag and not name.startswith("HEAD"):
            bytes_of.setdefault(tag, set()).add(answer[-1])
    assert len(bytes_of) > 100
    assert all(len(bodies) == 1 for bodies in bytes_of.values())


def test_another_server_gives_the_same_answers_under_the_same_tags(gathered, tmp_path):
    walks = [asked for asked in list_requests() if asked.path == "/latent-walk"]
    again = [asked for asked in list_requests() if asked not in walks[7:]]
    tagged = [asked for asked in again if gathered[asked.name][1]]
    other = gather_answers(tmp_path, tagged)
    assert other == {name: gathered[name] for name in other}
    assert len(other) > 80


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        lines = (
            f"{json.dumps(name)}: {json.dumps(answer)}"
            for name, (answer, _) in gather_answers(Path(place), list_requests()).items()
        )
        RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n")
