"""Strangers at the door: keys that cannot be read, wrong keys without end, and ways around the keys."""

import base64
import hashlib
import json
import re
import socket
import urllib.parse

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from foundation.errors import MalformedRequest
from service.access.authentication import KeyUnknown, read_key
from service.access.keyed_answers import keep_private
from service.access.keys import parse_keys
from service.access.refusals import LINES, MAX_ADDRESSES, Refusals, TooManyWrongKeys, network_of
from service.http.addresses import OPEN_PATHS
from service.settings import WrongSetting
from tests.conftest import metric, run_server
from tests.patience import PATIENCE_S

WRONG_KEYS = 30
KEY = "gmd_ümlaut und Leerzeichen"
PREFIX = "/pre"


def entry(name, key):
    return f"{name}:{hashlib.sha256(key.encode()).hexdigest()}"


@pytest.fixture(scope="module")
def guarded(tiny_store, tmp_path_factory):
    """A server behind a prefix that knows one key."""
    folder = tmp_path_factory.mktemp("guarded")
    variables = {"GANYMEDE_API_KEYS": entry("alice", KEY), "GANYMEDE_ROOT_PATH": PREFIX}
    with run_server(tiny_store, folder, "--default-model", "grey", **variables) as running:
        yield running


def address_of(server):
    parts = urllib.parse.urlsplit(server.url)
    return parts.hostname, parts.port


def ask_raw(server, text, *, quiet_s=30):
    """What the server answers to these bytes until it closes, or says nothing more for so many seconds."""
    content = b""
    with socket.create_connection(address_of(server), timeout=PATIENCE_S) as connected:
        connected.sendall(text)
        try:
            while chunk := connected.recv(65536):
                content += chunk
                connected.settimeout(quiet_s)
        except (TimeoutError, ConnectionResetError):
            pass
    return content


def status_of(content):
    return int(content.split(b" ", 2)[1]) if content.startswith(b"HTTP/1.1 ") else 0


def ask(server, fields, path="/generate"):
    """One request with raw header fields."""
    lines = [f"POST {path} HTTP/1.1".encode(), b"Host: x", b"Connection: close", b"Content-Length: 2"]
    return ask_raw(server, b"\r\n".join([*lines, *fields, b"", b"{}"]))


def basic(content):
    return b"Authorization: Basic " + base64.b64encode(content)


@pytest.mark.parametrize(
    "fields",
    [
        [b"X-Api-Key: " + KEY.encode()],
        [b"X-Api-Key:\t" + KEY.encode() + b" \t"],
        [b"Authorization: Bearer " + KEY.encode()],
        [b"authorization: BEARER   " + KEY.encode() + b"  "],
        [basic(b"anyone:" + KEY.encode())],
        [basic(b":" + KEY.encode())],
        [b"X-Api-Key: " + KEY.encode(), b"Authorization: Bearer of-a-proxy"],
        [b"X-Api-Key:", b"Authorization: Bearer " + KEY.encode()],
        [b"X-Api-Key: " + KEY.encode()] * 2,
        [b"Authorization: Bearer " + KEY.encode()] * 2,
    ],
)
def test_a_key_is_its_bytes_however_it_is_sent(guarded, fields):
    assert status_of(ask(guarded, fields)) == 200


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ([b"Authorization: Basic \xc3\xa9"], 401, "key-missing"),
        ([b"Authorization: Basic \xe9"], 401, "key-missing"),
        ([b"Authorization: Basic"], 401, "key-missing"),
        ([b"Authorization: Basic ===="], 401, "key-missing"),
        ([b"Authorization: Basic YQ"], 401, "key-missing"),
        ([basic(b"alice")], 401, "key-missing"),
        ([basic(b"alice:")], 401, "key-missing"),
        ([basic(b"")], 401, "key-missing"),
        ([basic(b"alice:\xff\xfe\xed\xa0\x80")], 403, "key-unknown"),
        ([b"Authorization: \xff\xff\xff"], 401, "key-missing"),
        ([b"Authorization: Bearer"], 401, "key-missing"),
        ([b"Authorization:\tBearer\t" + KEY.encode()], 401, "key-missing"),
        ([b"Authorization: Negotiate " + KEY.encode()], 401, "key-missing"),
        ([b"Authorization: Bearer \xff\xed\xa0\x80"], 403, "key-unknown"),
        ([b"Authorization: Bearer " + KEY.encode() + b" x"], 403, "key-unknown"),
        ([b"X-Api-Key: \xed\xb2\x80"], 403, "key-unknown"),
        ([b"X-Api-Key: " + KEY.encode("latin-1")], 403, "key-unknown"),
        ([b"X-Api-Key: " + b"a" * 30_000], 403, "key-unknown"),
        ([b"X-Api-Key: wrong", b"Authorization: Bearer " + KEY.encode()], 403, "key-unknown"),
        ([b"X-Api-Key: " + KEY.encode(), b"X-Api-Key: other"], 400, "malformed"),
        ([b"X-Api-Key: other", b"X-Api-Key: " + KEY.encode()], 400, "malformed"),
        ([b"Authorization: Bearer " + KEY.encode(), b"Authorization: Bearer other"], 400, "malformed"),
        ([b"X_Api_Key: " + KEY.encode()], 401, "key-missing"),
        ([b"Proxy-Authorization: Bearer " + KEY.encode()], 401, "key-missing"),
        ([b"Cookie: X-Api-Key=" + KEY.encode()], 401, "key-missing"),
        (
            [b"X-Forwarded-For: 127.0.0.1", b"X-Original-URL: /livez", b"X-Rewrite-URL: /livez"],
            401,
            "key-missing",
        ),
    ],
)
def test_what_holds_no_right_key_is_refused_in_words_and_never_an_error_of_ours(
    guarded, fields, status, code
):
    answer = ask(guarded, fields)
    assert status_of(answer) == status
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == code


def reached(answer):
    """Whether an answer shows what only a key opens."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return any(sign in body for sign in (b"\x89PNG", b"grey", b"colour", b"openapi")) or (
        b"x-model:" in head.lower()
    )


WAYS = [
    "/generate", "/%67enerate", "//generate", "/generate/", "/generate//", "/./generate",
    "/livez/../generate", "/livez%2f..%2fgenerate", "/livez/..%2fgenerate", "/livez/%2e%2e/generate",
    "/livez;/../generate", "/generate;livez", "/generate?/livez", "/generate%3f/livez",
    "/generate%23/livez", "/generate%00/livez", "/livez%00/../generate", "/GENERATE", "/Generate",
    "/generate.", "/generate%20", "/%2fgenerate", "/metrics/../models", "/%6dodels", "//models", "/models/",
    "/models//grey", "/metrics%2f..%2fmodels", "/ping/../models", "/livez/", "/livez//", "/livez/models",
    "//livez", "/LIVEZ", "/livez.", "/livez;x", "/livez%20", "/livez%0a", "/%252e/models", "/v2", "/v2/",
    "/v2/models/grey", "/v2/health/live/../../models/grey", "/v2/health/live%2f..%2f..%2fmodels%2fgrey",
    "/v2/health/ready/", "/v2/models/grey/ready", "/docs", "/redoc", "/openapi.json", "/ui//",
    "/ui/config", "/ui/assets", "/ui/assets/", "/ui/../livez", "/livez/../ui/", "/favicon.ico", "//", "/UI/",
    "/ui/assets/..%2f..%2fmodels", "/ui/assets/0/../../../models", "/ui/assets/0/%2e%2e", "/ui/assets/0/x.py",
    "/pre/livez", "/pre/generate", "/pre/pre/livez", "/pre", "/invocations", "/latent-walk",
    "/images/grey/1.png", "/images/grey@v1/1.png", "/models/grey/versions/v1/samples.png",
    "/static-offline-docs/swagger-ui-bundle.js", "http://x/generate", "http://livez/generate",
    "http://x/livez/../generate", "http://livez@x/models",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "PUT"])
def test_no_spelling_of_an_address_opens_anything_without_a_key(guarded, method):
    for way in WAYS:
        head = f"{method} {way} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        answer = ask_raw(guarded, head.encode())
        assert not reached(answer), way
        assert status_of(answer) in {400, 401, 404, 405, 431}, way
        if status_of(answer) in {404, 405}:
            pytest.fail(f"{method} {way} went past the keys")


@pytest.mark.parametrize("path", ["/", "/ui", "/ui/"])
def test_the_page_itself_is_open_for_reading_alone_and_holds_nothing_of_the_store(guarded, path):
    answer = httpx.get(f"{guarded.url}{path}")
    assert answer.status_code in (200, 307)
    assert not reached(answer.content)
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert httpx.request(method, f"{guarded.url}{path}").status_code == 401, method
    wrong = httpx.get(f"{guarded.url}{path}", headers={"X-Api-Key": "gmd_wrong"})
    assert wrong.status_code in (403, 429)


@pytest.mark.parametrize("path", sorted(OPEN_PATHS))
def test_what_load_balancers_ask_is_open_exactly_as_it_is_spelt(guarded, path):
    assert httpx.get(f"{guarded.url}{path}").status_code == 200
    for other in (f"{path}/", f"/{path}", f"{PREFIX}{path}", path.upper(), f"{path}%20", f"{path}x"):
        assert httpx.get(f"{guarded.url}{other}").status_code == 401, other


@pytest.mark.parametrize(
    "path", ["/generate", "/ui/", "/ui/queue/join", "/ui/assets/0/main.js", "/livez", "/"]
)
def test_a_websocket_opens_nothing_without_a_key(guarded, path):
    upgrade = (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    answer = ask_raw(guarded, upgrade.encode(), quiet_s=0.3)
    anyone = path in (
        "/livez",
        "/ui/",
        "/ui/assets/0/main.js",
        "/",
    )  # the page, as by any GET
    assert status_of(answer) in ({200, 307, 403, 404} if anyone else {401, 403})
    assert not reached(answer)


def test_an_error_behind_a_prefix_is_told_as_its_protocol_tells_it(guarded):
    refused = httpx.get(f"{guarded.url}/v2/models/grey")
    assert refused.status_code == 401
    assert refused.json()["error"] == refused.json()["detail"]
    key = {"X-Api-Key": KEY.encode()}
    for method, path in (("DELETE", "/v2/models/grey/infer"), ("GET", "/v2/none"), ("PUT", "/v2")):
        answer = httpx.request(method, f"{guarded.url}{path}", headers=key)
        assert answer.json()["error"] == answer.json()["detail"], path
    other = httpx.get(f"{guarded.url}/v2x", headers=key)
    assert other.status_code == 404
    assert "error" not in other.json()


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/images/grey@v1/7.png", {"private", "max-age=31536000", "immutable"}),
        ("/images/grey/7.png", {"private", "no-cache"}),
        ("/favicon.ico", {"private", "max-age=86400"}),
        ("/models", {"private"}),
        ("/openapi.json", {"private"}),
    ],
)
def test_what_a_key_was_answered_is_kept_by_no_cache_that_others_share(guarded, path, wanted):
    key = {"X-Api-Key": KEY.encode()}
    for method in ("GET", "HEAD"):
        answer = httpx.request(method, f"{guarded.url}{path}", headers=key)
        assert answer.status_code == 200
        assert set(answer.headers["cache-control"].split(", ")) == wanted
    if path.startswith("/images/"):
        tag = answer.headers["etag"]
        again = httpx.get(f"{guarded.url}{path}", headers={**key, "If-None-Match": tag})
        assert again.status_code == 304
        assert set(again.headers["cache-control"].split(", ")) == wanted


def test_without_keys_a_picture_may_be_kept_by_anybody(client):
    answer = client.get("/images/grey@v1/7.png")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "cache-control" not in client.get("/models").headers


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([], b"private"),
        ([b"public, max-age=1"], b"private, max-age=1"),
        ([b"PUBLIC", b"S-MaxAge=9"], b"private"),
        ([b"no-store"], b"no-store"),
        ([b"Private, max-age=1"], b"Private, max-age=1"),
        ([b"max-age=1", b"public"], b"private, max-age=1"),
    ],
)
def test_only_what_lets_others_keep_an_answer_is_taken_away(given, kept):
    headers = [(b"etag", b'"x"'), *((b"cache-control", value) for value in given)]
    assert keep_private(headers) == [(b"etag", b'"x"'), (b"cache-control", kept)]


def test_wrong_keys_without_end_are_told_to_wait_and_a_right_one_is_let_in(tmp_path, tiny_store):
    variables = {"GANYMEDE_API_KEYS": entry("alice", KEY)}
    with (
        run_server(tiny_store, tmp_path, "--default-model", "grey", **variables) as running,
        running.client() as client,
    ):
        statuses = [
            client.get("/models", headers={"X-Api-Key": f"guess {number}"}).status_code
            for number in range(WRONG_KEYS + LINES)
        ]
        assert statuses[:WRONG_KEYS] == [403] * WRONG_KEYS
        assert statuses[-LINES + 5 :] == [429] * (LINES - 5)  # a minute has hardly passed
        refused = client.get("/v2/models/grey", headers={"X-Api-Key": "guess"})
        assert refused.json()["code"] == "too-many-wrong-keys"
        assert refused.json()["error"] == refused.json()["detail"]
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert client.get("/models", headers={"X-Api-Key": KEY.encode()}).status_code == 200
        assert client.get("/models").status_code == 401  # a browser must be able to ask for a password
        log = running.log.read_text()
        assert log.count("refused,") <= LINES
        assert "guess" not in log
        assert metric(client, 'ganymede_refusals_total{code="key-unknown"}') == WRONG_KEYS
        assert metric(client, 'ganymede_refusals_total{code="too-many-wrong-keys"}') == LINES + 1
        assert metric(client, 'ganymede_refusals_total{code="key-missing"}') == 1


def test_each_address_has_its_own_count_and_their_table_does_not_grow():
    refusals = Refusals()
    for number in range(WRONG_KEYS):
        refusals.check_guess({"client": ("2001:db8::1", number)})
    with pytest.raises(TooManyWrongKeys):
        refusals.check_guess({"client": ("2001:db8::ffff", 1)})  # the same /64
    refusals.check_guess({"client": ("2001:db8:0:1::1", 1)})
    for number in range(MAX_ADDRESSES + 10):
        refusals.check_guess({"client": (f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1)})
    assert len(refusals._wrong) == MAX_ADDRESSES


@pytest.mark.parametrize(
    ("client", "network"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("fe80::1%eth0", 1), "fe80::/64"),
        (("a proxy's nonsense" * 1000, 1), "unknown"),
        (None, "unknown"),
    ],
)
def test_where_a_request_comes_from(client, network):
    assert network_of({"client": client}) == network


def test_an_address_writes_no_line_of_its_own_into_the_log(caplog):
    Refusals().record({"path": "/x\r\n12:00:00 WARNING all is well" + "y" * 1000}, KeyUnknown("no"))
    [line] = [record.getMessage() for record in caplog.records]
    assert "\n" not in line
    assert len(line) < 300


RAW = st.lists(
    st.tuples(
        st.sampled_from([b"authorization", b"x-api-key"]),
        st.one_of(
            st.binary(max_size=40),
            st.binary(max_size=40).map(lambda value: b"Basic " + value),
            st.binary(max_size=40).map(lambda value: b"Basic " + base64.b64encode(value)),
            st.binary(max_size=40).map(lambda value: b"Bearer " + value),
        ),
    ),
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(RAW)
def test_whatever_bytes_a_client_sends_they_are_a_key_or_none_or_refused_in_words(raw):
    try:
        key = read_key(Headers(raw=raw))
    except MalformedRequest:
        assert len(raw) > 1
    else:
        assert key is None or (isinstance(key, bytes) and key)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["", ":", " ", f"a:{'0' * 64}", f"a:{'0' * 64}:"]))
def test_whatever_stands_in_a_file_of_keys_is_keys_or_refused_without_being_repeated(text, before):
    said = ""
    try:
        keys = parse_keys(before + text)
    except WrongSetting as error:
        said = str(error)
    else:
        assert all(len(key.digest) == 32 for key in keys.values())
    assert said == "" or re.fullmatch(r"GANYMEDE_API_KEYS: entry \d+ is not NAME:SHA256 with .*", said)
