"""What HTTP promises beyond the pictures: caching, hanging up, overload, draining, figures and logs."""

import concurrent.futures
import io
import json
import socket

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.conftest import metric, run_server
from tests.patience import PATIENCE_S, wait_until
from tests.raw_http import send


def test_an_image_has_an_address(client):
    response = client.get("/images/grey@v2/7.png")
    npy = client.post("/generate", json={"seeds": [7], "format": "npy"}).content
    shown = np.asarray(Image.open(io.BytesIO(response.content)))
    np.testing.assert_array_equal(shown, np.load(io.BytesIO(npy))[0, :, :, 0])
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/images/grey/7.png").headers["cache-control"] == "no-cache"


def test_the_image_at_an_address_is_the_bytes_of_generate(client):
    posted = client.post("/generate", json={"seed": 7, "count": 1, "truncation": 0.5, "scale": 2})
    got = client.get("/images/grey/7.png?truncation=0.5&scale=2")
    assert got.content == posted.content
    assert got.headers["etag"] == posted.headers["etag"]


def test_a_client_that_has_the_image_gets_304_without_a_run_of_the_model(client):
    tag = client.get("/images/grey@v2/8.png").headers["etag"]
    generated = metric(client, 'ganymede_images_total{model="grey",version="v2"}')
    for sent in (tag, f'"other", W/{tag}', "*"):
        response = client.get("/images/grey@v2/8.png", headers={"If-None-Match": sent})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == tag
    assert client.get("/images/grey@v2/8.png", headers={"If-None-Match": '"other"'}).status_code == 200
    assert metric(client, 'ganymede_images_total{model="grey",version="v2"}') == generated + 1


def test_the_tag_differs_where_the_answer_may(client):
    addresses = [
        "/images/grey@v1/1.png",
        "/images/grey@v2/1.png",
        "/images/grey@v2/2.png",
        "/images/grey@v2/1.png?truncation=0.9",
        "/images/grey@v2/1.png?scale=2",
        "/images/colour/1.png?label=star",
        "/images/colour/1.png?label=circle",
    ]
    assert len({client.get(address).headers["etag"] for address in addresses}) == len(addresses)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/images/grey/x.png", 422),
        ("/images/grey/-1.png", 422),
        ("/images/grey/4294967296.png", 422),
        ("/images/grey/1.png?truncation=0", 422),
        ("/images/grey/1.png?scale=0", 422),
        ("/images/grey/1.png?label=3", 422),
        ("/images/none/1.png", 404),
        ("/images/grey/1.gif", 404),
    ],
)
def test_a_wrong_address_is_explained(client, address, status):
    response = client.get(address)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_concurrent_requests_of_all_kinds_get_the_bytes_they_get_alone(server):
    orders: list[dict] = [{"seed": seed, "count": 1 + seed % 40} for seed in range(24)]
    orders += [{"model": "colour", "seed": seed, "count": 3} for seed in range(8)]

    def ask(order):
        return httpx.post(f"{server.url}/generate", json=order).content

    alone = [ask(order) for order in orders]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, orders)) == alone


def test_equal_requests_at_once_are_one_run(server, client):
    body = {"seed": 123_456, "count": 1000, "format": "npy"}
    before = metric(client, 'ganymede_images_total{model="grey",version="v2"}')
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: httpx.post(f"{server.url}/generate", json=body).content, range(8)))
    assert len(set(answers)) == 1
    assert metric(client, 'ganymede_images_total{model="grey",version="v2"}') < before + 8000


def test_a_full_queue_answers_503_with_retry_after(tmp_path, tiny_store):
    with run_server(tiny_store, tmp_path, "--default-model", "grey", "--max-queue-images", "1") as server:

        def ask(seed):
            return httpx.post(f"{server.url}/generate", json={"seed": seed, "count": 1000})

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(ask, range(0, 40_000, 1000)))
        assert {answer.status_code for answer in answers} == {200, 503}
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.json()["code"] == "queue-full"
        assert int(refused.headers["retry-after"]) >= 1


def test_a_client_that_hangs_up_leaves_the_queue(tmp_path, tiny_store):
    flags = ("--default-model", "grey", "--max-batch-images", "1", "--max-images-per-request", "200000")
    with run_server(tiny_store, tmp_path, *flags, "--max-queue-images", "500000") as server:
        hang_up(server, "/generate", "/generate", {"seed": 1, "count": 150_000, "format": "npy"})
        seeds = {"name": "seed", "shape": [150_000], "datatype": "INT64", "data": list(range(150_000))}
        hang_up(server, "/v2/models/grey/infer", "/v2/models/{model}/infer", {"inputs": [seeds]})


def hang_up(server, path, route, order):
    """Ask for 150,000 images, leave once they wait, and see that they leave too."""
    host, port = server.url.removeprefix("http://").split(":")
    body = json.dumps(order)
    left = f'ganymede_requests_total{{route="{route}",status="499"}}'
    with server.client() as client:
        generated = metric(client, 'ganymede_images_total{model="grey",version="v2"}')
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall((head + body).encode())
            wait_until(lambda: metric(client, "ganymede_queue_images") == 150_000)
        wait_until(lambda: metric(client, "ganymede_queue_images") == 0)
        assert metric(client, 'ganymede_images_total{model="grey",version="v2"}') - generated < 150_000
        wait_until(lambda: metric(client, left) == 1)


def test_a_deadline_answers_504(tmp_path, tiny_store):
    flags = ["--default-model", "grey", "--request-timeout-s", "0.01", "--max-batch-images", "1"]
    flags += ["--max-images-per-request", "100000", "--max-queue-images", "100000"]
    with run_server(tiny_store, tmp_path, *flags) as server:
        response = httpx.post(f"{server.url}/generate", json={"count": 100_000, "format": "npy"})
        assert response.status_code == 504
        assert response.json()["code"] == "deadline-exceeded"


def test_sigterm_under_load_loses_nothing_that_was_accepted(tmp_path, tiny_store):
    flags = ("--max-batch-images", "1", "--max-images-per-request", "4000", "--max-queue-images", "100000")

    def ask(seed):
        """The size of the answer; 0 for a refusal, in words or because nobody listens any more."""
        order = {"seed": seed, "count": 4000, "format": "npy"}
        try:
            answer = httpx.post(f"{server.url}/generate", json=order)
        except httpx.ConnectError:
            return 0
        return 0 if answer.status_code == 503 else len(answer.content)

    with (
        run_server(tiny_store, tmp_path, "--default-model", "grey", *flags) as server,
        concurrent.futures.ThreadPoolExecutor(8) as pool,
    ):
        calls = [pool.submit(ask, seed) for seed in range(8)]
        with server.client() as client:
            # Three requests or more are in.
            wait_until(lambda: metric(client, "ganymede_queue_images") > 8000)
        server.process.terminate()
        sizes = [call.result() for call in calls]
        assert set(sizes) <= {0, 4000 * 64 + 128}
        assert sum(size > 0 for size in sizes) >= 3
        server.process.wait(timeout=PATIENCE_S)


def test_what_the_drain_cuts_off_is_told_to_ask_again(tmp_path, tiny_store):
    flags = "--default-model grey --max-batch-images 1 --max-images-per-request 150000 --drain-timeout-s 1"
    seeds = {"name": "seed", "shape": [150_000], "datatype": "INT64", "data": list(range(150_000))}
    orders = {
        "/generate": {"count": 150_000, "format": "npy"},
        "/v2/models/grey/infer": {"inputs": [seeds]},
    }
    with (
        run_server(tiny_store, tmp_path, *flags.split(), "--max-queue-images", "400000") as server,
        concurrent.futures.ThreadPoolExecutor(2) as pool,
    ):
        calls = [pool.submit(httpx.post, f"{server.url}{path}", json=order) for path, order in orders.items()]
        with server.client() as client:
            wait_until(lambda: metric(client, "ganymede_queue_images") == 300_000)
        server.process.terminate()
        for answer in (call.result() for call in calls):
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert answer.headers["x-request-id"]
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(("query", "field"), [("labl=star", "labl"), ("label=star&label=square", "label")])
def test_an_address_with_a_field_that_does_not_exist_or_stands_twice_is_refused(client, query, field):
    answer = client.get(f"/images/colour@v1/7.png?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize(
    "target",
    ["/metric%73", "/%6detrics", "/m%65trics", "//metrics", "/./metrics", "/x/../metrics", "/METRICS"],
)
def test_figures_are_at_one_spelling_alone_as_what_hides_them_compares_names(server, target):
    [answer] = send(server.url, f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.status == 404
    assert b"ganymede_" not in answer.body


def test_metrics_hold_every_name_of_the_contract(client):
    client.post("/generate")
    text = client.get("/metrics").text
    for name in (
        'ganymede_requests_total{route="/generate",status="200"}',
        'ganymede_request_seconds_bucket{le="1.0",route="/generate"}',
        "ganymede_queue_seconds_count",
        "ganymede_inference_seconds_count",
        'ganymede_encode_seconds_count{format="png"}',
        "ganymede_batch_images_count",
        "ganymede_queue_images",
        'ganymede_images_total{model="grey",version="v2"}',
        'ganymede_model_info{device="cpu",model="grey",precision="exact",version="v2"}',
        "# TYPE ganymede_reloads_total counter",
    ):
        assert f"\n{name}" in text, name


def test_unknown_addresses_do_not_become_labels(client):
    client.get("/nowhere/at/all")
    client.get("/models/grey")
    text = client.get("/metrics").text
    assert "nowhere" not in text
    assert 'route="other",status="404"' in text
    assert 'route="/models/{name}"' in text
    assert 'route="/models/grey"' not in text


def test_json_logs_hold_a_line_for_each_request_with_its_id_and_times(tmp_path, tiny_store):
    with run_server(tiny_store, tmp_path, "--default-model", "grey", "--log-format", "json") as server:
        httpx.post(f"{server.url}/generate", json={"seed": 1}, headers={"X-Request-Id": "the-one"})
        httpx.post(f"{server.url}/generate", json={"seed": -1}, headers={"X-Request-Id": "the-other"})
        wait_until(lambda: "the-other" in server.log.read_text())
        lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    by_id = {line.get("request_id"): line for line in lines}
    assert by_id["the-one"]["status"] == 200
    assert "infer;dur=" in by_id["the-one"]["timing"]
    assert (by_id["the-one"]["images"], by_id["the-one"]["pixels"]) == (16, 32 * 32)
    assert 0 < by_id["the-one"]["work_s"] <= by_id["the-one"]["seconds"]
    assert by_id["the-other"]["status"] == 422
    assert "images" not in by_id["the-other"], "of the request before it"
