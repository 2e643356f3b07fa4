"""Latent arithmetic by seeds: the `mix` of `POST /generate`."""

import io

import numpy as np
import pytest

from foundation.latents import draw_latents


def pixels(client, **fields) -> np.ndarray:
    answer = client.post("/generate", json={**fields, "format": "npy"})
    assert answer.status_code == 200, answer.text
    return np.load(io.BytesIO(answer.content))


def test_a_mix_is_the_image_of_the_weighted_sum_of_its_seeds_latents(client):
    latents = draw_latents([3, 8], 6)
    total = (latents[0].astype(np.float64) - 0.5 * latents[1].astype(np.float64)).astype(np.float32)
    mixed = pixels(client, mix=[{"seed": 3, "weight": 1}, {"seed": 8, "weight": -0.5}])
    assert mixed.shape == (1, 8, 8, 1)
    assert np.array_equal(mixed, pixels(client, latents=[total.tolist()]))


def test_a_mix_of_one_seed_is_that_seeds_image_and_class(client):
    for model in ("grey", "colour"):
        mixed = pixels(client, model=model, mix=[{"seed": 5}])
        assert np.array_equal(mixed, pixels(client, model=model, seeds=[5]))


def test_a_mix_takes_a_label_and_truncation(client):
    fields = {"model": "colour", "label": "star", "truncation": 0.5}
    assert np.array_equal(pixels(client, mix=[{"seed": 5}], **fields), pixels(client, seeds=[5], **fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"mix": []},
        {"mix": [{"seed": -1}]},
        {"mix": [{"seed": 1, "weight": 1e9}]},
        {"mix": [{"seed": 1, "share": 1}]},
        {"mix": [{"seed": 1}], "seeds": [1]},
        {"mix": [{"seed": 1}], "count": 2},
    ],
)
def test_a_wrong_mix_is_refused(client, fields):
    assert client.post("/generate", json=fields).status_code == 422
