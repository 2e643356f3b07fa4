"""Bodies that are wrong in one place or in a million: refused by name, for little."""

import asyncio
import gzip
import http.client
import json
import random
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest
from fastapi import Request
from pydantic_core import from_json

from foundation.errors import InvalidField, RequestTimeout, Unavailable
from service.http.bodies import SMALL_BYTES, parse_body
from service.http.reading import Bodies
from service.http.requesters import requesting
from service.http.slices import read_json
from service.requests.schemas import GenerateRequest
from tests.conftest import metric, run_server
from tests.patience import PATIENCE_S
from tests.raw_http import cpu_seconds, resident_bytes

MOST_BYTES = 6 * 2**20 - 300


def repeat(field, item, size=MOST_BYTES):
    """A body with a list of so many bytes."""
    return b'{"%s": [' % field + b",".join([item] * (size // (len(item) + 1))) + b"]}"


def count_up(item, size=MOST_BYTES):
    return b",".join(item % index for index in range(size // (len(item) + 6)))


WRONG = {
    "labels of objects": ("/generate", repeat(b"labels", b"{}")),
    "labels of texts": ("/generate", repeat(b"labels", b'""')),
    "labels of lists": ("/generate", repeat(b"labels", b"[1]")),
    "labels of numbers": ("/generate", repeat(b"labels", b"1")),
    "a label of numbers": ("/generate", repeat(b"label", b"1")),
    "seeds of nothing": ("/generate", repeat(b"seeds", b"null")),
    "latents of rows": ("/generate", repeat(b"latents", b"[1]")),
    "latents of texts": ("/generate", repeat(b"latents", b'"a"')),
    "a mix": ("/generate", repeat(b"mix", b'{"seed": -1}')),
    "fields": ("/generate", b"{" + count_up(b'"a%d":1') + b"}"),
    "directions": ("/generate", b'{"directions": {' + count_up(b'"a%d":""') + b"}}"),
    "depth": ("/generate", b"[" * MOST_BYTES),
    "key points": ("/latent-walk", repeat(b"labels", b"{}")),
    "an invocation": ("/invocations", b'{"task": "generate", ' + repeat(b"labels", b"{}")[1:]),
    "inputs": ("/v2/models/grey/infer", repeat(b"inputs", b"{}")),
    "outputs": ("/v2/models/grey/infer", b'{"inputs": [], ' + repeat(b"outputs", b"{}")[1:]),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_body_that_is_wrong_a_million_times_costs_little_more_than_its_bytes(server, client, name):
    path, body = WRONG[name]
    before = resident_bytes(server.process.pid, most=True)
    answer = client.post(path, content=body)
    assert answer.status_code in (400, 422)
    assert len(answer.content) < 4000
    # The body itself is held twice for a moment; its parts would be a hundred times as much.
    assert resident_bytes(server.process.pid, most=True) - before < 20 * len(body)


def test_nobody_waits_for_a_wrong_body(server):
    """Nine of the largest take less than one of them took with all of its errors."""
    usual_s, longest_s, over = 0.0, 0.0, threading.Event()
    with server.client() as client:
        for _ in range(20):
            began = time.perf_counter()
            client.get("/livez")
            usual_s = max(usual_s, time.perf_counter() - began)

    def watch():
        nonlocal longest_s
        with server.client() as client:
            while not over.is_set():
                began = time.perf_counter()
                client.get("/livez")
                longest_s = max(longest_s, time.perf_counter() - began)

    watching = threading.Thread(target=watch)
    before_s = cpu_seconds(server.process.pid)
    watching.start()
    with server.client() as client:
        for name in ("labels of objects", "labels of texts", "fields"):
            for _ in range(3):
                client.post(WRONG[name][0], content=WRONG[name][1])
    over.set()
    watching.join()
    # It was half a minute for one, of a machine that usually answers in a few milliseconds; what another
    # process had the cores for is none of it.
    held_up_s = min(longest_s, cpu_seconds(server.process.pid) - before_s)
    assert held_up_s < max(10, 100 * usual_s)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/generate", '{"labels": [{}, {}]}', "labels.0"),
        ("/generate", '{"seeds": [1, 2.0, "x"]}', "seeds.1"),
        ("/generate", '{"seeds": [true]}', "seeds.0"),
        ("/generate", '{"seeds": ["1"]}', "seeds.0"),
        ("/generate", '{"seed": NaN}', "seed"),
        ("/generate", '{"latents": [[0, 1e999]]}', "latents.0.1"),
        ("/generate", '{"latents": [[Infinity]]}', "latents.0.0"),
        ("/generate", '{"latents": [[NaN]]}', "latents.0.0"),
        ("/generate", '{"latents": [[true]]}', "latents.0.0"),
        ("/generate", f'{{"latents": [[{"9" * 400}]]}}', "latents.0.0"),
        ("/generate", f'{{"latents": [[-{"9" * 4000}]]}}', "latents.0.0"),
        ("/generate", '{"latents": [[1e300, 0, 0, 0, 0, 0]]}', "latents"),
        ("/generate", '{"model": "colour", "label": [1e999, 0, 0]}', "label"),
        ("/generate", f'{{"model": "colour", "label": [{"9" * 400}, 0, 0]}}', "label"),
        ("/generate", '{"model": "colour", "label": [1e308, 1e308, 1e308]}', "label"),
        ("/generate", '{"model": "colour", "label": [-0.5, 1, 1]}', "label"),
        ("/generate", '{"model": "colour", "label": [NaN, 1, 1]}', "label"),
        ("/generate", f'{{"model": "colour", "label": {"9" * 4000}}}', "label"),
        ("/generate", f'{{"model": "colour", "labels": [{"9" * 4000}], "count": 1}}', "labels.0"),
        ("/generate", '{"model": "colour", "label": "\\u0000"}', "label"),
        ("/generate", '{"truncation": 1e999}', "truncation"),
        ("/generate", '{"truncation": NaN}', "truncation"),
        ("/generate", '{"truncation": -0.0}', "truncation"),
        ("/generate", '{"scale": 1e999}', "scale"),
        ("/generate", f'{{"scale": "{"9" * 5000}"}}', "scale"),
        ("/generate", f'{{"count": {"9" * 4000}}}', "count"),
        ("/generate", '{"mix": [{"seed": 1, "weight": 1e999}]}', "mix.0.weight"),
        ("/generate", '{"mix": [{"seed": 1, "weight": NaN}]}', "mix.0.weight"),
        ("/generate", '{"directions": {"a": 1e999}}', "directions.a"),
        ("/generate", f'{{"directions": {{"a": {"9" * 400}}}}}', "directions.a"),
        ("/generate", "{" + ",".join(f'"a{index}": 1' for index in range(300)) + "}", "a0"),
        ("/generate", '{"' + "a" * 5000 + '": 1}', "a" * 80),
        ("/latent-walk", '{"seeds": [1, 2], "frames": 1e999}', "frames"),
        ("/latent-walk", f'{{"seeds": [1, 2], "fps": {"9" * 4000}}}', "fps"),
        ("/latent-walk", f'{{"latents": [[{"9" * 400}], [1]]}}', "latents.0.0"),
        ("/invocations", '{"task": "generate", "seed": -1}', "seed"),
        ("/invocations", '{"task": "generate", "frames": 3}', "frames"),
        ("/invocations", '{"task": "latent-walk", "count": 3}', "count"),
        ("/invocations", '{"seed": 1}', "task"),
        ("/v2/models/grey/infer", '{"inputs": [{"name": "latent"}]}', "inputs.0.shape"),
    ],
)
def test_a_value_that_cannot_be_taken_is_refused_by_the_name_of_its_field(client, path, body, field):
    answer = client.post(path, content=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert len(answer.content) < 4000


@pytest.mark.parametrize(
    "data", ["1e999", "NaN", "9" * 400, "true", '"1"', "[1]", "{}", "null", "1e39", "-1e39"]
)
def test_a_tensor_holds_numbers_that_float32_holds(client, data):
    latent = f'{{"name": "latent", "shape": [1, 6], "datatype": "FP32", "data": [{",".join([data] * 6)}]}}'
    answer = client.post("/v2/models/grey/infer", content=f'{{"inputs": [{latent}]}}')
    assert answer.status_code in (400, 422)
    assert "error" in answer.json()


@pytest.mark.parametrize("seed", ["1.0", "-1", "9" * 30, "9" * 4000, "true", '"1"', "NaN", "4294967296"])
def test_a_tensor_of_seeds_holds_whole_numbers(client, seed):
    part = f'{{"name": "seed", "shape": [1], "datatype": "INT64", "data": [{seed}]}}'
    answer = client.post("/v2/models/grey/infer", content=f'{{"inputs": [{part}]}}')
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "body",
    [
        '{"seed": ' + "9" * 5000 + "}",
        '{"label": ' + "9" * 5000 + "}",
        '{"label": [' + "9" * 5000 + "]}",
        '{"latents": [[' + "9" * 5000 + "]]}",
        '{"model": "\\ud800"}',
        '{"model": "\\udc00"}',
        '{"\\ud800": 1}',
        '{"a": ' * 300,
        "[" * 300,
        "\x00",
    ],
)
def test_json_that_cannot_be_read_is_malformed(client, body):
    answer = client.post("/generate", content=body.encode("utf-8", "surrogatepass"))
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    "name", ["\x00", "a\x00", "../a", "é", "a/b", "\n", "a" * 5000, "@", "grey@", "grey@\x00", "CON"]
)
def test_a_model_with_any_name_is_not_found(client, name):
    for path in ("/generate", "/latent-walk"):
        answer = client.post(path, json={"model": name, "seeds": [1, 2]})
        assert (answer.status_code, len(answer.content) < 4000) == (404, True)


@pytest.mark.parametrize(
    "address",
    [
        "/images/grey/{}.png",
        "/images/colour/1.png?label={}",
        "/images/grey/1.png?truncation={}",
        "/images/grey/1.png?scale={}",
        "/images/grey/1.png?{}=1",
        "/images/{}/1.png",
        "/models/{}",
        "/models/grey/versions/{}",
        "/models/grey/versions/{}/samples.png",
        "/v2/models/{}",
        "/v2/models/{}/ready",
        "/v2/models/grey/versions/{}",
        "/{}",
    ],
)
def test_an_address_with_any_value_is_refused_without_a_fault(server, client, address):
    values = [
        "9" * 5000,
        "1e999",
        "-0",
        "1.5",
        "true",
        "NaN",
        "%00",
        "%ff",
        "%0a1",
        "%1b%5b31m",
        "%zz",
        "%",
        "..%2f",
        "//",
    ]
    for value in [*values, "%F0%9F%98%80", "%D9%A3", "a" * 20_000]:
        answer = client.get(address.format(value))
        assert answer.status_code < 500, value
        if answer.status_code >= 400:
            media_type = "application/json" if address.startswith("/v2") else "application/problem+json"
            assert answer.headers["content-type"] == media_type, value
            assert len(answer.content) < 4000, value
    log = server.log.read_text()
    assert "\x1b" not in log
    assert "Traceback" not in log


def test_a_byte_order_mark_is_let_pass_and_other_encodings_are_named(client):
    order = '{"seeds": [7], "format": "npy"}'
    wanted = client.post("/generate", content=order).content
    assert client.post("/generate", content=order.encode("utf-8-sig")).content == wanted
    assert (
        client.post("/invocations", content=('{"task": "generate", ' + order[1:]).encode("utf-8-sig")).content
        == wanted
    )
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        answer = client.post("/generate", content=order.encode(encoding))
        assert (answer.status_code, "UTF-16" in answer.json()["detail"]) == (400, True)
    answer = client.post("/generate", content='{"model": "café"}'.encode("latin-1"))
    assert (answer.status_code, "not UTF-8 at byte 14" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("path", ["/generate", "/latent-walk", "/invocations", "/v2/models/grey/infer"])
def test_a_compressed_body_is_refused_with_what_would_be_taken(client, path):
    content = gzip.compress(b"{}")
    for coding in ("gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "gzip, identity", "nonsense"):
        answer = client.post(path, content=content, headers={"Content-Encoding": coding})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-encoding")
        assert answer.headers["accept-encoding"] == "identity"
    answer = client.post(path, content=content)
    assert (answer.status_code, "gzip" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("coding", ["identity", "Identity", "IDENTITY", "identity, identity"])
def test_a_body_that_is_not_compressed_may_say_so(client, coding):
    assert (
        client.post("/generate", content=b'{"count": 1}', headers={"Content-Encoding": coding}).status_code
        == 200
    )


def test_media_types_are_names_in_any_letters(client):
    answer = client.post("/generate", json={"count": 1}, headers={"Accept": "IMAGE/WebP"})
    assert answer.headers["content-type"] == "image/webp"


def test_an_invocation_is_the_answer_of_its_own_endpoint(client):
    for task, path, order in (
        ("generate", "/generate", {"seeds": [3, 4], "format": "zip"}),
        ("latent-walk", "/latent-walk", {"seeds": [3, 4], "frames": 5, "format": "npy"}),
    ):
        alone = client.post(path, json=order)
        assert client.post("/invocations", json={"task": task, **order}).content == alone.content


def test_a_large_body_is_answered_as_a_small_one_is(client):
    """A padded one is read away from the event loop."""
    order = b'{"seeds": [7, 8, 9], "format": "npy"}'
    small = client.post("/generate", content=order)
    large = client.post("/generate", content=order[:-1] + b" " * 2**20 + b"}")
    assert (large.status_code, large.content) == (200, small.content)


def test_a_client_that_leaves_amid_its_body_is_no_fault(tmp_path, tiny_store):
    with run_server(tiny_store, tmp_path, "--default-model", "grey") as server, server.client() as client:
        left = 'ganymede_requests_total{route="/generate",status="499"}'
        address = urlsplit(server.url)
        connection = http.client.HTTPConnection(address.hostname, address.port)
        connection.putrequest("POST", "/generate")
        connection.putheader("Content-Length", "100")
        connection.endheaders(b"{")
        connection.close()
        deadline = time.monotonic() + PATIENCE_S
        while metric(client, left) < 1:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert "Traceback" not in server.log.read_text()
        assert json.loads(client.get("/livez").text) == {"status": "live"}


def test_large_bodies_share_a_budget_and_small_ones_need_none():
    bodies = Bodies(max_bytes=2 * SMALL_BYTES, max_images=1, timeout_s=60)

    def order(size, over):
        async def receive():
            if not received:
                received.append(True)
                return {"type": "http.request", "body": b" " * (size - 2), "more_body": True}
            await over.wait()
            return {"type": "http.request", "body": b"{}", "more_body": False}

        received = []
        request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
        return bodies.read(request, GenerateRequest)

    async def read():
        over = asyncio.Event()
        large = [asyncio.create_task(order(2 * SMALL_BYTES, over)) for _ in range(20)]
        small = [asyncio.create_task(order(SMALL_BYTES, over)) for _ in range(20)]
        await asyncio.sleep(0.01)
        refused = [task for task in large if task.done()]
        over.set()
        done = await asyncio.gather(*large, *small, return_exceptions=True)
        again = await asyncio.gather(*(order(2 * SMALL_BYTES, over) for _ in range(16)))
        await bodies.close()
        return len(refused), [type(one) for one in done], len(again)

    refused, kinds, again = asyncio.run(read())
    assert refused == kinds.count(Unavailable) == 4
    assert kinds.count(GenerateRequest) == 36
    assert again == 16


def test_one_requesters_stalled_bodies_leave_room_for_another_s():
    bodies = Bodies(max_bytes=2 * SMALL_BYTES, max_images=1, timeout_s=60)

    async def order(host, over):
        async def receive():
            if not received:
                received.append(True)
                return {"type": "http.request", "body": b" " * (2 * SMALL_BYTES - 2), "more_body": True}
            await over.wait()
            return {"type": "http.request", "body": b"{}", "more_body": False}

        received = []
        scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "client": (host, 1)}
        with requesting(scope):
            return await bodies.read(Request(scope, receive), GenerateRequest)

    async def read():
        over = asyncio.Event()
        greedy = [asyncio.create_task(order("192.0.2.1", over)) for _ in range(40)]
        await asyncio.sleep(0.01)
        other = asyncio.create_task(order("192.0.2.2", over))
        await asyncio.sleep(0.01)
        over.set()
        await other
        done = await asyncio.gather(*greedy, return_exceptions=True)
        await bodies.close()
        return [type(one) for one in done]

    assert read_kinds(asyncio.run(read())) == {GenerateRequest: 12, Unavailable: 28}


def read_kinds(kinds):
    return {kind: kinds.count(kind) for kind in kinds}


def test_a_large_body_that_stops_on_its_way_is_given_up_before_its_time(monkeypatch):
    monkeypatch.setattr("service.http.reading._PROGRESS_S", 0.2)
    bodies = Bodies(max_bytes=2 * SMALL_BYTES, max_images=1, timeout_s=600)

    async def read(first):
        async def receive():
            if not received:
                received.append(first)
                return {"type": "http.request", "body": b" " * first, "more_body": True}
            await asyncio.sleep(0.05)
            return {"type": "http.request", "body": b" ", "more_body": True}

        received = []
        request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
        with pytest.raises(RequestTimeout, match="may not stop"):
            await bodies.read(request, GenerateRequest)
        await bodies.close()

    asyncio.run(asyncio.wait_for(read(SMALL_BYTES + 1), PATIENCE_S))


PIECES = [
    *(b"[", b"]", b"{", b"}", b'"', b"\\", b",", b":", b"1", b" ", b"-2.5e3", b'"a"', b'"[1]"', b"null"),
    *(b"NaN", b"true", b"[1,2]", b"[]", b"[[5],6]", b'{"a":[7]}', b'"\\""', b"\xff", b",,", b"[ 1 ]"),
    b"[1,2,3,4,5,6,7,8,9]",
]


def read_or_refuse(read, content):
    try:
        return repr(read(content))
    except ValueError as error:
        return f"refused: {error}"


def test_json_read_in_slices_is_json_read_whole(monkeypatch):
    monkeypatch.setattr("service.http.slices._SLICE_BYTES", 6)
    chance, taken = random.Random(7), 0  # noqa: S311 - the same every time
    for _ in range(20_000):
        content = b"".join(chance.choices(PIECES, k=chance.randrange(1, 9)))
        for text in (content, b"[%b]" % b",".join(chance.choices(PIECES[8:], k=4))):
            whole = read_or_refuse(from_json, text)
            assert read_or_refuse(read_json, text) == whole, text
            taken += not whole.startswith("refused")
    assert taken > 2000


def test_a_thread_has_its_turns_while_rows_are_fitted():
    """Only Python's own functions let others run: one for each row."""
    calls = []

    def note(frame, event, _):
        if event == "call":
            calls.append(frame.f_code.co_name)

    rows = b",".join([b"[" + b",".join([b"0.5"] * 512) + b"]"] * 100)
    sys.setprofile(note)
    try:
        parse_body(b'{"latents": [%b], "labels": [%b]}' % (rows, rows), GenerateRequest, max_images=100)
    finally:
        sys.setprofile(None)
    assert calls.count("_take_turns") == 200
    assert calls.count("_read_list") == 200


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/generate", repeat(b"seeds", b"1", 2 * 10**6), "seeds"),
        ("/generate", repeat(b"label", b"1", 2 * 10**6), "label"),
        ("/latent-walk", repeat(b"latents", b"1", 2 * 10**6), "latents"),
        ("/invocations", b'{"task": "generate", ' + repeat(b"labels", b"1", 2 * 10**6)[1:], "labels"),
    ],
    ids=["seeds", "label", "latents", "labels"],
)
def test_a_field_of_more_entries_than_a_request_may_have_is_counted_and_no_more(client, path, body, field):
    answer = client.post(path, content=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert "1,000,000 entries" in answer.json()["detail"]


def test_as_many_rows_as_a_request_may_have_images_are_read():
    latents = [[0.25] * 512] * 1024
    weights = [[0.0] * 9 + [1.0]] * 1024
    for body in ({"latents": latents}, {"latents": latents, "labels": weights}, {"seeds": [7] * 1024}):
        order = parse_body(json.dumps(body).encode(), GenerateRequest, max_images=1024)
        assert len(order.latents or order.seeds) == 1024


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"latents": [[0, 1e999]]}', "latents.0.1"),
        ('{"latents": [[true]]}', "latents.0.0"),
        ('{"latents": [["1"]]}', "latents.0.0"),
        (f'{{"latents": [[{"9" * 400}]]}}', "latents.0.0"),
        ('{"seeds": [1.0]}', "seeds.0"),
        ('{"count": "2"}', "count"),
        ('{"labels": [{}, {}]}', "labels.0"),
        ('{"truncation": NaN}', "truncation"),
        ('{"model": 1}', "model"),
    ],
    ids=range(9),
)
def test_a_large_body_is_refused_by_the_field_that_a_small_one_is(text, field):
    said = []
    for content in (text.encode(), text.encode() + b" " * SMALL_BYTES):
        with pytest.raises(InvalidField) as refused:
            parse_body(content, GenerateRequest)
        said.append(refused.value.field)
    assert said == [field, field]
