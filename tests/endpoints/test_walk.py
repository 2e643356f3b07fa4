import io

import numpy as np
import pytest
from PIL import Image

from foundation.latents import draw_latents
from service.requests.interpolation import blend_rows, place_key_points, walk_latents


def frames(client, **fields) -> np.ndarray:
    response = client.post("/latent-walk", json={**fields, "format": "npy"})
    assert response.status_code == 200, response.text
    return np.load(io.BytesIO(response.content))


def images(client, seeds) -> np.ndarray:
    return np.load(io.BytesIO(client.post("/generate", json={"seeds": seeds, "format": "npy"}).content))


@pytest.mark.parametrize("interpolation", ["slerp", "lerp", "spline"])
@pytest.mark.parametrize("easing", ["linear", "smooth"])
def test_frames_at_key_points_are_the_seeds_own_images(client, interpolation, easing):
    walked = frames(client, seeds=[4, 5, 6], frames=21, interpolation=interpolation, easing=easing)
    assert walked.shape == (21, 8, 8, 1)
    np.testing.assert_array_equal(walked[[0, 10, 20]], images(client, [4, 5, 6]))


def test_a_loop_returns_so_that_the_frame_after_the_last_would_be_the_first(client):
    looped = frames(client, seeds=[4, 5], frames=8, loop=True)
    np.testing.assert_array_equal(looped[[0, 4]], images(client, [4, 5]))
    opened = frames(client, seeds=[4, 5, 4], frames=9)
    np.testing.assert_array_equal(looped, opened[:8])


def test_the_default_is_a_filmstrip_of_sixty_frames(client):
    response = client.post("/latent-walk", json={"seeds": [1, 2]})
    assert response.headers["content-type"] == "image/png"
    strip = np.asarray(Image.open(io.BytesIO(response.content)))
    assert strip.shape == (8, 480)
    np.testing.assert_array_equal(strip[:, -8:], images(client, [2])[0, :, :, 0])


def test_labels_blend_between_key_points(client):
    walked = frames(client, model="colour", seeds=[1, 1], labels=["circle", "star"], frames=3)
    response = client.post(
        "/generate", json={"model": "colour", "seeds": [1], "label": [0.5, 0, 0.5], "format": "npy"}
    )
    np.testing.assert_array_equal(walked[1], np.load(io.BytesIO(response.content))[0])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "seeds"),
        ({"seeds": [1]}, "seeds"),
        ({"seeds": [1, 2], "latents": [[0] * 6] * 2}, "latents"),
        ({"seeds": [1, 2, 3], "frames": 2}, "frames"),
        ({"seeds": [1, 2], "frames": 1025}, "frames"),
        ({"seeds": [1, 2], "interpolation": "cubic"}, "interpolation"),
        ({"seeds": [1, 2], "count": 3}, "count"),
    ],
)
def test_a_wrong_walk_is_refused_by_field(client, body, field):
    response = client.post("/latent-walk", json=body)
    assert (response.status_code, response.json()["field"]) == (422, field)


def test_key_points_lie_evenly_from_the_first_frame_to_the_last():
    assert place_key_points(3, 60, loop=False).tolist() == [0, 30, 59]
    assert place_key_points(3, 60, loop=True).tolist() == [0, 20, 40]
    assert place_key_points(4, 4, loop=False).tolist() == [0, 1, 2, 3]


def test_slerp_keeps_the_length_between_equally_long_latents():
    keys = draw_latents([1, 2], 50)
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    walked = walk_latents(keys, 9, interpolation="slerp", loop=False, easing="linear")
    np.testing.assert_allclose(np.linalg.norm(walked, axis=1), 1, atol=1e-6)
    lerped = walk_latents(keys, 9, interpolation="lerp", loop=False, easing="linear")
    assert np.linalg.norm(lerped[4]) < 0.9


def test_smooth_easing_is_slow_at_key_points():
    keys = np.array([[0.0], [1.0]], np.float32)
    linear = blend_rows(keys, 11, loop=False, easing="linear")[:, 0]
    smooth = blend_rows(keys, 11, loop=False, easing="smooth")[:, 0]
    assert smooth[1] < linear[1]
    assert smooth[9] > linear[9]
    assert smooth[5] == pytest.approx(0.5)
