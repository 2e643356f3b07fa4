"""Walks that are sent while they are made: their first bytes before their last frame, in bounded memory."""

import io
import re
import socket
import urllib.parse
from functools import partial

import av
import numpy as np
import pytest
from PIL import Image

from tests.conftest import metric, run_server
from tests.patience import wait_until

WALK = {"seeds": [1, 5, 9], "frames": 40, "stream": True}
IMAGES = 'ganymede_images_total{model="grey",version="v2"}'


def frames_of(client, **changes):
    """The exact frames, uint8 (n, h, w, c)."""
    fields = {**WALK, "stream": False, "format": "npy", **changes}
    return np.load(io.BytesIO(client.post("/latent-walk", json=fields).content))


def parts_of(answer):
    boundary = re.fullmatch(r"multipart/x-mixed-replace; boundary=(\S+)", answer.headers["content-type"])[1]
    parts = answer.content.split(f"--{boundary}".encode())
    assert parts[0] == b""
    assert parts[-1] == b"--\r\n"
    found = []
    for part in parts[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        fields = dict(line.split(": ") for line in head.decode().split("\r\n"))
        content = content.removesuffix(b"\r\n")
        assert int(fields["Content-Length"]) == len(content)
        found.append((fields["Content-Type"], content))
    return found


def test_a_streamed_mp4_is_in_fragments_and_holds_every_frame(client):
    answer = client.post("/latent-walk", json=WALK)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    assert "content-length" not in answer.headers
    content = answer.content
    assert content.count(b"moof") > 2
    assert content.index(b"moov") < content.index(b"moof")
    assert b"trainedAlgorithmicMedia" in content[-2000:]
    with av.open(io.BytesIO(content)) as film:
        assert film.streams.video[0].average_rate == 30
        shown = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
    wanted = frames_of(client)[:, :, :, 0]
    assert len(shown) == len(wanted) == 40
    assert np.abs(np.stack(shown).astype(int) - wanted).mean() < 6


def test_the_frames_of_a_stream_are_parts_with_the_exact_pixels(client):
    answer = client.post("/latent-walk", json={**WALK, "format": "png", "fps": 120, "scale": 2})
    parts = parts_of(answer)
    assert {kind for kind, _ in parts} == {"image/png"}
    shown = np.stack([np.asarray(Image.open(io.BytesIO(content))) for _, content in parts])
    assert np.array_equal(shown, frames_of(client, scale=2)[:, :, :, 0])


def test_frames_may_be_jpegs(client):
    answer = client.post("/latent-walk", json={**WALK, "format": "jpeg", "fps": 120})
    kinds = [(kind, content[:3]) for kind, content in parts_of(answer)]
    assert kinds == [("image/jpeg", b"\xff\xd8\xff")] * 40


def test_a_stream_says_what_it_is_before_it_is_made_and_is_the_same_again(client):
    first, again = (client.post("/latent-walk", json=WALK) for _ in range(2))
    assert first.content == again.content
    assert first.headers["etag"] == again.headers["etag"]
    assert (
        first.headers["etag"] != client.post("/latent-walk", json={**WALK, "stream": False}).headers["etag"]
    )
    assert (first.headers["x-seed"], first.headers["x-model"]) == ("1,5,9", "grey@v2")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"format": "gif"}, "format"),
        ({"format": "jpeg", "stream": False}, "format"),
        ({"stream": "yes"}, "stream"),
        ({"frames": 100_000}, "frames"),
        ({"label": "star"}, "label"),
    ],
)
def test_what_cannot_be_streamed_is_refused_before_a_byte_is_sent(client, fields, field):
    answer = client.post("/latent-walk", json=WALK | fields)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.fixture(scope="module")
def small(tiny_store, tmp_path_factory):
    """A server whose answers may hold a megabyte, and two million pixels."""
    variables = {
        "GANYMEDE_MAX_BYTES_IN_FLIGHT": str(2**20),
        "GANYMEDE_MAX_PIXELS_PER_RESPONSE": str(2**21),
        "GANYMEDE_MAX_IMAGES_PER_REQUEST": "4096",
        "GANYMEDE_MAX_QUEUE_IMAGES": "64",
    }
    folder = tmp_path_factory.mktemp("small")
    with run_server(tiny_store, folder, "--default-model", "grey", "--ui", "off", **variables) as running:
        yield running


def begin(server, fields, *, receive_bytes=4096):
    """A connection on which a walk was asked for, and nothing of it is read; so much is taken unread."""
    parts = urllib.parse.urlsplit(server.url)
    connected = socket.create_connection((parts.hostname, parts.port), timeout=120)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    query = urllib.parse.urlencode(fields)
    connected.sendall(f"GET /latent-walk?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    return connected


LONG = {"seeds": "1,5,9", "frames": 4096, "stream": "true", "format": "png", "fps": 120, "scale": 8}


def test_the_first_bytes_leave_before_the_last_frame_is_drawn_and_a_client_that_goes_ends_it(small):
    with small.client() as client:
        before = metric(client, IMAGES)
        with begin(small, LONG) as connected:
            head = connected.recv(4096)
            assert head.startswith(b"HTTP/1.1 200")
            assert metric(client, IMAGES) - before < 4096
        wait_until(lambda: metric(client, "ganymede_flight_bytes") == 0)
        wait_until(lambda: metric(client, "ganymede_queue_images") == 0)
        assert metric(client, IMAGES) - before < 4096


def test_a_stream_holds_a_few_frames_and_not_the_whole(small):
    """4,096 frames of 64 times 64 pixels are 16 MB; half a megabyte is enough for them."""
    with small.client() as client:
        whole = client.post(
            "/latent-walk", json={**WALK, "stream": False, "frames": 4096, "scale": 8, "format": "npy"}
        )
        assert (whole.status_code, whole.json()["field"]) == (422, "scale")
        with begin(small, LONG) as connected:
            assert connected.recv(4096).startswith(b"HTTP/1.1 200")
            held = metric(client, "ganymede_flight_bytes")
            assert 0 < held < 2**19
            assert metric(client, "ganymede_queue_images") <= 32
            assert client.post("/generate", json={"count": 16}).status_code == 200
        wait_until(lambda: metric(client, "ganymede_flight_bytes") == 0)


def test_a_client_that_reads_nothing_of_a_stream_loses_its_connection(tiny_store, tmp_path):
    flags = ("--default-model", "grey", "--ui", "off", "--write-timeout-s", "1")
    variables = {"GANYMEDE_MAX_IMAGES_PER_REQUEST": "100000"}
    large = {**LONG, "format": "jpeg", "frames": 100_000, "scale": 64}
    slow = {**LONG, "frames": 100_000, "scale": 1}  # a quarter of an hour, all of which the system would take
    with run_server(tiny_store, tmp_path, *flags, **variables) as server, server.client() as client:
        for order in (large, slow):
            before = metric(client, IMAGES)
            with begin(server, order):
                wait_until(partial(lambda drawn: metric(client, IMAGES) > drawn, before))
                wait_until(lambda: metric(client, "ganymede_flight_bytes") == 0)
            assert metric(client, IMAGES) - before < 100_000
    assert "Traceback" not in server.log.read_text()


def test_a_process_that_ends_sends_what_is_left_of_a_stream_at_once(tiny_store, tmp_path):
    with run_server(tiny_store, tmp_path, "--default-model", "grey", "--ui", "off") as server:
        # A small window costs a pause with every part, and this is about none.
        with begin(server, {**LONG, "frames": 600, "fps": 1, "scale": 1}, receive_bytes=2**17) as connected:
            content = connected.recv(4096)
            server.process.terminate()
            while piece := connected.recv(65_536):
                content += piece
        assert content.count(b"Content-Type: image/png") == 600
        assert content.endswith(b"--\r\n\r\n0\r\n\r\n")
        server.process.wait(120)
