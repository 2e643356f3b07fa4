"""Pages of other origins: closed unless they are named, and then able to read what they are refused, too."""

import hashlib
import socket
import urllib.parse

import pytest

from service.settings import Settings, WrongSetting
from tests.conftest import run_server
from tests.patience import PATIENCE_S

PAGE = "https://app.example"
OTHER = "https://other.example"
KEY, GREEDY = "the-key", "the-key-of-one-who-asks-for-more"
KEYS = {"me": KEY, "greedy": GREEDY}
ALLOWED, EXPOSED = "access-control-allow-origin", "access-control-expose-headers"
ASK = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


def hash_key(key):
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture(scope="module")
def shared(tiny_store, tmp_path_factory):
    """A server with two keys, whose API the pages of two origins may use."""
    variables = {
        "GANYMEDE_CORS_ORIGINS": f"{PAGE}, HTTP://LOCALHOST:3000",
        "GANYMEDE_API_KEYS": ",".join(f"{name}:{hash_key(key)}" for name, key in KEYS.items()),
        "GANYMEDE_MAX_BODY_BYTES": "2048",
        "GANYMEDE_RATE_IMAGES_PER_S": "0.001",
        "GANYMEDE_MAX_IMAGES_PER_REQUEST": "8",
    }
    with run_server(
        tiny_store, tmp_path_factory.mktemp("shared"), "--default-model", "grey", "--ui", "off", **variables
    ) as running:
        yield running


@pytest.fixture
def page(shared):
    """What a page of `PAGE` sends."""
    with shared.client(headers={"Origin": PAGE, "X-Api-Key": KEY}) as connected:
        yield connected


def test_without_the_setting_no_page_of_another_origin_may_ask(client):
    answer = client.options("/generate", headers=ASK)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert ALLOWED not in client.get("/models", headers={"Origin": PAGE}).headers


def test_a_preflight_needs_no_key_and_says_what_may_be_sent(shared):
    with shared.client() as client:
        answer = client.options("/generate", headers=ASK)
    assert answer.status_code == 200
    assert answer.headers[ALLOWED] == PAGE
    assert {"GET", "POST"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    fields = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "x-api-key", "content-type", "if-none-match", "range"} <= set(fields)
    assert "access-control-allow-credentials" not in answer.headers
    assert "x-request-id" in answer.headers


@pytest.mark.parametrize(
    "fields",
    [
        {"Origin": OTHER},
        {"Origin": "null"},
        {"Access-Control-Request-Method": "DELETE"},
        {"Access-Control-Request-Headers": "x-strange"},
    ],
)
def test_a_preflight_of_what_is_not_allowed_gets_a_document(shared, fields):
    with shared.client() as client:
        answer = client.options("/generate", headers=ASK | fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert (ALLOWED in answer.headers) == ("Origin" not in fields)


def test_a_page_reads_the_pictures_and_what_their_headers_say(page):
    answer = page.post("/generate", json={"seed": 3, "count": 1})
    assert (answer.status_code, answer.headers[ALLOWED]) == (200, PAGE)
    exposed = {name.lower() for name in answer.headers[EXPOSED].split(", ")}
    assert {"x-seed", "x-model", "etag", "server-timing", "x-request-id", "retry-after"} <= exposed
    assert {"ratelimit", "ratelimit-policy"} <= exposed
    assert "Origin" in answer.headers["vary"]


def test_another_origins_page_reads_nothing(page):
    answer = page.get("/models", headers={"Origin": OTHER})
    assert ALLOWED not in answer.headers
    assert "Origin" in answer.headers["vary"]


def test_a_page_reads_every_refusal(page, shared):
    with shared.client() as client:
        keyless = client.post("/generate", json={}, headers={"Origin": PAGE})
        assert (keyless.status_code, keyless.headers[ALLOWED]) == (401, PAGE)
    large = page.post("/generate", content=b" " * 4096)
    assert (large.status_code, large.headers[ALLOWED]) == (413, PAGE)
    greedy = {"X-Api-Key": GREEDY}
    answers = [page.post("/generate", json={"count": 8}, headers=greedy) for _ in range(2)]
    assert (answers[-1].status_code, answers[-1].headers[ALLOWED]) == (429, PAGE)
    assert "retry-after" in answers[-1].headers
    assert page.get("/nowhere").headers[ALLOWED] == PAGE


@pytest.mark.parametrize(
    "lines",
    [
        b"GET /livez HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nX-Long: " + b"x" * 70_000,
        b"POST /generate HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nX-Api-Key: the-key\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + (b"400\r\n" + b" " * 1024 + b"\r\n") * 8,
    ],
)
def test_a_page_reads_what_is_refused_on_the_connection(shared, lines):
    parts = urllib.parse.urlsplit(shared.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_S) as connected:
        connected.sendall(lines)
        answer = connected.recv(65_536)
    assert answer.split()[1] in (b"431", b"413"), answer
    assert b"access-control-allow-origin: https://app.example\r\n" in answer.lower()


def test_the_page_is_for_its_own_origin_alone(page):
    assert ALLOWED in page.get("/uis").headers
    assert ALLOWED not in page.get("/ui/").headers


def test_a_star_is_any_origin_and_takes_keys_in_headers_but_no_cookies(tiny_store, tmp_path):
    with (
        run_server(tiny_store, tmp_path, "--cors-origins", "*", "--ui", "off") as server,
        server.client() as client,
    ):
        assert client.options("/generate", headers=ASK).headers[ALLOWED] == "*"
        answer = client.get("/models", headers={"Origin": OTHER})
        assert answer.headers[ALLOWED] == "*"
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origins", ["app.example", "https://app.example/", "https://a, b", "https://*.a", ""]
)
def test_what_is_no_origin_stops_the_start_and_is_named(origins):
    with pytest.raises(WrongSetting, match=r"--cors-origins=.* is no origin; write https://HOST"):
        Settings.load(cors_origins=origins)


def test_an_origin_is_kept_as_browsers_send_it():
    assert Settings.load(cors_origins="HTTPS://A:443,http://b:8080").origins == ("https://a", "http://b:8080")
