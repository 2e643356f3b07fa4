"""API keys and their rates, against the real server."""

import asyncio
import hashlib
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from service.access.authentication import is_loopback
from service.access.rates import RateExceeded, Rates
from tests.conftest import REPOSITORY, run_server
from tests.patience import PATIENCE_S

ALICE, BOB, DAVE = "gmd_alice-only", "gmd_bob-only", "gmd_dave-only"
FLAGS = ("--default-model", "grey", "--host", "0.0.0.0")  # noqa: S104 - any address but loopback


def entry(name, key):
    return f"{name}:{hashlib.sha256(key.encode()).hexdigest()}"


@pytest.fixture(scope="module")
def guarded(tiny_store, tmp_path_factory):
    """A server that knows three keys, from a file: 80 images in 160 seconds each."""
    folder = tmp_path_factory.mktemp("guarded")
    keys = folder / "keys"
    keys.write_text(f"# of the test\n{entry('alice', ALICE)}\n\n{entry('bob', BOB)}\n{entry('dave', DAVE)}\n")
    limits = {"GANYMEDE_RATE_IMAGES_PER_S": "0.5", "GANYMEDE_MAX_IMAGES_PER_REQUEST": "80"}
    with run_server(tiny_store, folder, *FLAGS, GANYMEDE_API_KEYS=str(keys), **limits) as running:
        yield running


def ask(server, headers=None, path="/generate", **fields):
    return httpx.post(f"{server.url}{path}", json={"count": 1, **fields}, headers=headers or {})


@pytest.mark.parametrize("path", ["/generate", "/latent-walk", "/invocations"])
def test_without_a_key_nothing_is_generated(guarded, path):
    refused = ask(guarded, path=path)
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "key-missing"
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/models", "/images/grey/1.png", "/docs", "/openapi.json"])
def test_without_a_key_nothing_is_shown(guarded, path):
    assert httpx.get(f"{guarded.url}{path}").status_code == 401


def test_the_api_describes_how_a_key_is_sent_where_one_is_wanted(guarded, client):
    wanted = httpx.get(f"{guarded.url}/openapi.json", headers={"X-Api-Key": ALICE}).json()
    assert wanted["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}
    assert {"header": []} in wanted["security"]
    assert wanted["paths"]["/readyz"]["get"]["security"] == []
    assert "security" not in wanted["paths"]["/models"]["get"]
    assert "security" not in client.get("/openapi.json").json()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/ping"])
def test_a_load_balancer_needs_no_key(guarded, path):
    assert httpx.get(f"{guarded.url}{path}").status_code == 200


def test_a_wrong_key_is_refused_and_neither_shown_nor_logged(guarded):
    refused = ask(guarded, {"X-Api-Key": "gmd_guessed"})
    assert refused.status_code == 403
    assert refused.json()["code"] == "key-unknown"
    assert "guessed" not in refused.text
    assert "guessed" not in guarded.log.read_text()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Api-Key": ALICE},
        {"Authorization": f"Bearer {ALICE}"},
        {"Authorization": f"bearer {ALICE}"},
        {"Authorization": httpx.BasicAuth("anyone", ALICE)._auth_header},
    ],
    ids=["X-Api-Key", "Bearer", "bearer", "Basic"],
)
def test_a_known_key_opens_in_each_way_it_can_be_sent(guarded, headers):
    assert ask(guarded, headers).status_code == 200


@pytest.mark.parametrize("value", ["", "Bearer", "Basic !!!", "Basic bm8tY29sb24=", "Digest x"])
def test_an_authorization_that_holds_no_key_counts_as_none(guarded, value):
    assert ask(guarded, {"Authorization": value}).status_code == 401


def test_a_key_over_its_rate_waits_and_another_does_not(guarded):
    bob = {"X-Api-Key": BOB}
    answers = [ask(guarded, bob, count=80) for _ in range(3)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused, "three times 80 images are more than 80 in 160 seconds"
    problem = refused[0].json()
    assert problem["code"] == "rate-exceeded"
    assert "'bob'" in problem["detail"]
    assert 1 <= int(refused[0].headers["retry-after"]) <= 160
    assert ask(guarded, {"X-Api-Key": ALICE}).status_code == 200


def test_frames_of_a_walk_count_as_images(guarded):
    dave = {"X-Api-Key": DAVE}
    walk = {"seeds": [1, 2], "frames": 80}
    statuses = [
        httpx.post(f"{guarded.url}/latent-walk", json=walk, headers=dave).status_code for _ in range(3)
    ]
    assert 429 in statuses


def test_what_is_refused_for_its_size_is_not_counted():
    rates = Rates(10, max_images_per_request=100)
    asyncio.run(rates.take(10_000))  # no key: nothing is counted
    from service.http.requesters import _key_name

    token = _key_name.set("alice")
    try:
        asyncio.run(rates.take(60))
        with pytest.raises(RateExceeded, match="40 images left") as refused:
            asyncio.run(rates.take(60))
        assert 1 <= refused.value.retry_after_s <= 10
        asyncio.run(rates.take(40))
    finally:
        _key_name.reset(token)


def test_a_start_on_an_open_address_without_keys_warns_loudly(tiny_store, tmp_path):
    with run_server(tiny_store, tmp_path, *FLAGS) as running:
        assert "ANYONE who reaches 0.0.0.0:0" in running.log.read_text()
        assert ask(running).status_code == 200


def test_on_loopback_no_key_is_needed_and_nothing_warns(server):
    assert "ANYONE" not in server.log.read_text()
    assert ask(server).status_code == 200
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("10.0.0.1")


@pytest.mark.parametrize(
    "value", ["alice:secret", "gmd_a-key-in-the-clear", f"{entry('a', 'x')},{entry('a', 'y')}"]
)
def test_keys_that_cannot_be_meant_stop_the_start_and_are_not_printed(tmp_path, value):
    started = subprocess.run(
        [sys.executable, "-m", "ganymede", "serve", "--models", str(tmp_path), "--port", "0"],
        cwd=REPOSITORY,
        env={"PATH": "", "GANYMEDE_API_KEYS": value},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert started.returncode == 1
    assert "GANYMEDE_API_KEYS" in started.stderr
    assert "secret" not in started.stderr
    assert "in-the-clear" not in started.stderr


def test_the_command_makes_a_key_whose_entry_the_server_takes(tiny_store, tmp_path):
    made = subprocess.run(
        [sys.executable, "-m", "ganymede", "key", "carol"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    lines = [line.strip() for line in made.stdout.splitlines()]
    key, line = lines[1], lines[3]
    with run_server(Path(tiny_store), tmp_path, *FLAGS, GANYMEDE_API_KEYS=line) as running:
        assert ask(running, {"Authorization": f"Bearer {key}"}).status_code == 200
        assert ask(running).status_code == 401
        assert key not in running.log.read_text()
