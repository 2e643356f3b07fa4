"""`POST /latent-walk`: every format of it, over HTTP, and `ganymede walk`."""

import io
import json
import subprocess
import sys
import zipfile
from typing import Any
from xml.etree import ElementTree

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.endpoints.test_images import RDF

FORMATS = {
    "png": "image/png",
    "gif": "image/gif",
    "apng": "image/apng",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "zip": "application/zip",
    "npy": "application/x-npy",
}
KEYS = (3, 70, 9)
FRAMES = 71  # more than a chunk; key points at 0, 35 and 70


def walk(client: httpx.Client, **fields: object) -> httpx.Response:
    answer = client.post("/latent-walk", json=fields)
    assert answer.status_code == 200, answer.text
    return answer


def pixels(client: httpx.Client, **fields: object) -> np.ndarray:
    return np.load(io.BytesIO(walk(client, format="npy", **fields).content))


def seed_images(client: httpx.Client, seeds: tuple[int, ...], **fields: object) -> np.ndarray:
    answer = client.post("/generate", json={"seeds": seeds, "format": "npy", **fields})
    return np.load(io.BytesIO(answer.content))


def count_frames(picture: Any) -> int:
    return picture.n_frames


def decode(content: bytes, format: str, channels: int) -> np.ndarray:
    """The frames of a walk in any format, uint8 (n, h, w, c)."""
    mode = "L" if channels == 1 else "RGB"
    pictures: list[Image.Image]
    if format == "npy":
        return np.load(io.BytesIO(content))
    if format == "zip":
        archive = zipfile.ZipFile(io.BytesIO(content))
        pictures = [Image.open(io.BytesIO(archive.read(name))) for name in sorted(archive.namelist())]
    elif format == "mp4":
        with av.open(io.BytesIO(content)) as container:
            pictures = [frame.to_image() for frame in container.decode(video=0)]
    elif format == "png":
        strip = Image.open(io.BytesIO(content))
        side = strip.height
        pictures = [strip.crop((left, 0, left + side, side)) for left in range(0, strip.width, side)]
    else:
        moving = Image.open(io.BytesIO(content))
        pictures = []
        for index in range(count_frames(moving)):
            moving.seek(index)
            pictures.append(moving.convert(mode))
    frames = np.stack([np.asarray(picture.convert(mode)) for picture in pictures])
    return frames.reshape(*frames.shape[:3], channels)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("model", "channels"), [("grey", 1), ("colour", 3)])
def test_every_format_holds_every_frame_and_the_keys_are_their_seeds_images(client, format, model, channels):
    answer = walk(client, model=model, seeds=KEYS, frames=FRAMES, format=format)
    assert answer.headers["content-type"] == FORMATS[format]
    frames = decode(answer.content, format, channels)
    assert frames.shape == (FRAMES, 8, 8, channels)
    exact = pixels(client, model=model, seeds=KEYS, frames=FRAMES)
    assert np.array_equal(exact[[0, 35, 70]], seed_images(client, KEYS, model=model))
    if format == "mp4":  # lossy; and half the colour's resolution
        assert np.abs(frames.mean(axis=(1, 2, 3)) - exact.mean(axis=(1, 2, 3))).max() < 6
    else:
        assert np.array_equal(frames, exact)


@pytest.mark.parametrize("format", ["gif", "apng", "webp", "mp4"])
def test_an_animation_lasts_as_long_as_its_frames_at_its_rate_even_when_it_stands_still(client, format):
    for seeds in (
        ((3, 9), (3, 3)) if format != "webp" else ((3, 9),)
    ):  # a WebP that stands still is one picture
        content = walk(client, seeds=seeds, frames=40, fps=20, format=format).content
        if format == "mp4":
            with av.open(io.BytesIO(content)) as container:
                stream = container.streams.video[0]
                duration_s = float(stream.duration * stream.time_base)
        else:
            moving = Image.open(io.BytesIO(content))
            duration_s = 0.0
            for index in range(count_frames(moving)):
                moving.seek(index)
                moving.load()
                duration_s += moving.info["duration"] / 1000
        assert duration_s == pytest.approx(2.0, abs=0.06)


@pytest.mark.parametrize("format", ["gif", "apng", "webp"])
def test_animated_pictures_repeat_for_ever(client, format):
    moving = Image.open(io.BytesIO(walk(client, seeds=[1, 2], frames=4, format=format).content))
    moving.load()
    assert count_frames(moving) > 1
    assert moving.info["loop"] == 0


def test_an_mp4_is_what_browsers_play_and_says_that_it_is_machine_made(client):
    content = walk(client, model="colour", seeds=[1, 2], frames=10, scale=3, format="mp4").content
    assert content.index(b"moov") < content.index(b"mdat")
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.frames) == (24, 24, 10)
        assert "Machine-made" in container.metadata["comment"]
        assert "colour@v1" in container.metadata["comment"]


@pytest.mark.parametrize("format", ["png", "gif", "apng", "webp", "mp4"])
@pytest.mark.parametrize("seeds", [(1, 2), (3, 3)], ids=["moving", "standing"])
def test_every_walk_says_how_it_was_made_and_that_a_machine_made_it(client, format, seeds):
    fields = {"seeds": seeds, "label": "star", "frames": 9, "easing": "smooth", "truncation": 0.5}
    content = walk(client, model="colour", **fields, format=format).content
    start = content.index(b"<?xpacket begin")
    packet = content[start : content.index(b"<?xpacket end", start)]
    [description] = ElementTree.fromstring(packet).iter(f"{RDF}Description")
    said = {field.tag.rpartition("}")[2]: field.text for field in description}
    assert said["DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert (said["model"], said["label"], said["truncation"]) == ("colour@v1", "star,star", "0.5")
    assert said["seed"] == ",".join(map(str, seeds))
    way = {"frames": 9, "interpolation": "slerp", "loop": False, "easing": "smooth"}
    assert json.loads(said["walk"]) == way
    if format in ("webp", "apng", "png"):
        picture = Image.open(io.BytesIO(content))
        picture.load()
        assert packet in (picture.info.get("xmp") or picture.info["XML:com.adobe.xmp"].encode())
    assert decode(content, format, 3).shape[0] == (1 if format == "webp" and seeds == (3, 3) else 9)


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_walk_has_the_same_bytes(client, format):
    first, second = (walk(client, seeds=[5, 6], frames=20, format=format) for _ in range(2))
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]
    assert first.headers["x-seed"] == "5"
    assert first.headers["x-model"] == "grey@v2"


def test_accept_chooses_the_format_of_a_walk(client):
    answer = client.post("/latent-walk", json={"seeds": [1, 2]}, headers={"Accept": "video/*"})
    assert answer.headers["content-type"] == "video/mp4"


def test_in_a_loop_the_frame_after_the_last_would_be_the_first(client):
    once = pixels(client, seeds=[1, 2, 4], frames=30, loop=True)
    there_and_on = pixels(client, seeds=[1, 2, 4, 1], frames=31)
    assert np.array_equal(once, there_and_on[:30])


def test_classes_blend_between_key_points(client):
    latent = [0.1] * 6
    fields = {"model": "colour", "frames": 5, "latents": [latent, latent]}
    frames = pixels(client, labels=["circle", "star"], **fields)
    half = client.post(
        "/generate",
        json={"model": "colour", "latents": [latent], "label": [0.5, 0, 0.5], "format": "npy"},
    )
    assert np.array_equal(frames[2], np.load(io.BytesIO(half.content))[0])
    assert not np.array_equal(frames[0], frames[4])


def test_one_label_holds_for_the_whole_walk(client):
    frames = pixels(client, model="colour", seeds=[1, 2], frames=3, label="star")
    assert np.array_equal(frames[[0, 2]], seed_images(client, (1, 2), model="colour", label="star"))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"seeds": [1]}, "seeds"),
        ({"seeds": [1, 2], "frames": 1}, "frames"),
        ({"seeds": [1, 2, 3], "frames": 2}, "key points"),
        ({"seeds": [1, 2], "frames": 10_000_000}, "frames"),
        ({"seeds": [1, 2], "fps": 0}, "fps"),
        ({"seeds": [1, 2], "fps": 60, "format": "gif"}, "fps"),
        ({"seeds": [1, 2], "scale": 64, "frames": 1000}, "scale"),
        ({"seeds": [1, 2], "easing": "bouncy"}, "easing"),
        ({"seeds": [1, 2], "labels": [1]}, "labels"),
        ({"seeds": [1, 2], "model": "colour", "labels": [1]}, "labels"),
        ({"seeds": [1, 2], "format": "avi"}, "format"),
    ],
)
def test_a_wrong_walk_is_refused_by_the_field_it_is_about(client, fields, named):
    answer = client.post("/latent-walk", json=fields)
    assert answer.status_code == 422
    assert named in answer.json()["detail"]


def test_the_command_line_writes_the_bytes_that_the_service_answers(client, tiny_store, tmp_path):
    output = tmp_path / "walk.mp4"
    command = ["walk", "colour", "--seeds", "1,5,9", "--frames", "70", "--loop", "--labels", "0,star,1"]
    command += ["--interpolation", "spline", "--models", str(tiny_store), "-o", str(output)]
    subprocess.run([sys.executable, "-m", "ganymede", *command], check=True, cwd=REPOSITORY)
    answer = walk(
        client,
        model="colour",
        seeds=[1, 5, 9],
        frames=70,
        loop=True,
        labels=[0, "star", 1],
        interpolation="spline",
        format="mp4",
    )
    assert output.read_bytes() == answer.content
