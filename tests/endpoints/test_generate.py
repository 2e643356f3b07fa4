import base64
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image


def pixels(response) -> np.ndarray:
    """The picture of a response as an array (h, w) or (h, w, 3)."""
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)))


def arrays(client, **fields) -> np.ndarray:
    """The images of a request, uint8 (n, h, w, c)."""
    response = client.post("/generate", json={**fields, "format": "npy"})
    assert response.status_code == 200, response.text
    return np.load(io.BytesIO(response.content))


def test_an_empty_request_gives_a_grid_of_sixteen(client):
    response = client.post("/generate")
    assert response.headers["content-type"] == "image/png"
    assert pixels(response).shape == (32, 32)


@pytest.mark.parametrize("path", ["/generate", "/latent-walk"])
def test_fields_in_the_address_of_a_post_are_refused_and_not_passed_over(client, path):
    answer = client.post(f"{path}?seed=7", json={"seeds": [1, 2], "frames": 2} if path != "/generate" else {})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-field")
    assert answer.json()["detail"].startswith("seed: ")
    assert "JSON" in answer.json()["detail"]


def test_two_empty_requests_give_different_images(client):
    assert client.post("/generate").content != client.post("/generate").content


def test_a_random_request_can_be_repeated_by_its_seed_header(client):
    first = client.post("/generate", json={"count": 3})
    again = client.post("/generate", json={"count": 3, "seed": int(first.headers["x-seed"])})
    assert again.content == first.content


def test_image_i_of_seed_s_is_the_image_of_seed_s_plus_i(client):
    together = arrays(client, seed=40, count=5)
    for index in range(5):
        np.testing.assert_array_equal(arrays(client, seeds=[40 + index])[0], together[index])


def test_seeds_come_in_the_order_asked_for(client):
    np.testing.assert_array_equal(arrays(client, seeds=[9, 3, 9]), arrays(client, seeds=[3, 9])[[1, 0, 1]])


def test_the_last_seed_can_be_used(client):
    assert arrays(client, seeds=[2**32 - 1]).shape == (1, 8, 8, 1)


def test_latents_are_used_as_they_are(client):
    from foundation.latents import draw_latents

    latents = draw_latents([7], 6).astype(float).tolist()
    np.testing.assert_array_equal(arrays(client, latents=latents), arrays(client, seeds=[7]))


def test_truncation_changes_the_image_and_one_does_not(client):
    plain = arrays(client, seeds=[7])
    np.testing.assert_array_equal(arrays(client, seeds=[7], truncation=1.0), plain)
    assert (arrays(client, seeds=[7], truncation=0.5) != plain).any()


def test_columns_padding_and_scale_shape_the_grid(client):
    response = client.post(
        "/generate", json={"seeds": [1, 2, 3, 4, 5], "columns": 3, "padding": 2, "scale": 2}
    )
    grid = pixels(response)
    assert grid.shape == (2 * 16 + 2, 3 * 16 + 2 * 2)
    image = arrays(client, seeds=[5])[0, :, :, 0].repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(grid[18:34, 18:34], image)
    assert (grid[18:, 36:] == 255).all()


def test_the_scale_repeats_pixels_in_every_format(client):
    plain = arrays(client, seeds=[1])
    np.testing.assert_array_equal(arrays(client, seeds=[1], scale=3), plain.repeat(3, 1).repeat(3, 2))


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "image/png"),
        ("image/*", "image/png"),
        ("image/webp,image/png;q=0.9", "image/webp"),
        ("image/jpeg", "image/jpeg"),
        ("application/zip", "application/zip"),
        ("application/x-npy", "application/x-npy"),
        ("application/json", "application/json"),
        ("text/html, */*;q=0.1", "image/png"),
    ],
)
def test_accept_chooses_the_format(client, accept, media_type):
    response = client.post("/generate", headers={"Accept": accept}, json={"count": 1})
    assert response.headers["content-type"] == media_type


def test_a_named_format_goes_before_accept(client):
    response = client.post("/generate", headers={"Accept": "image/png"}, json={"format": "webp"})
    assert response.headers["content-type"] == "image/webp"


def test_accept_that_allows_nothing_is_refused_with_what_there_is(client):
    response = client.post("/generate", headers={"Accept": "text/html"})
    assert response.status_code == 406
    assert "image/webp" in response.json()["detail"]


@pytest.mark.parametrize("format", ["png", "webp"])
def test_lossless_pictures_hold_the_exact_pixels(client, format):
    shown = pixels(client.post("/generate", json={"model": "colour", "seeds": [3], "format": format}))
    np.testing.assert_array_equal(shown[:, :, :3], arrays(client, model="colour", seeds=[3])[0])


def test_a_zip_holds_one_png_for_each_image(client):
    response = client.post("/generate", json={"seeds": [5, 8], "format": "zip"})
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert archive.namelist() == ["0000-seed-5.png", "0001-seed-8.png"]
    image = np.asarray(Image.open(io.BytesIO(archive.read("0001-seed-8.png"))))
    np.testing.assert_array_equal(image, arrays(client, seeds=[8])[0, :, :, 0])


def test_json_holds_each_png_with_its_seed(client):
    answer = client.post("/generate", json={"seeds": [5, 8], "format": "json"}).json()
    assert answer["model"] == "grey@v2"
    assert [image["seed"] for image in answer["images"]] == [5, 8]
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["images"][1]["png"]))))
    np.testing.assert_array_equal(image, arrays(client, seeds=[8])[0, :, :, 0])


def test_models_are_named_by_name_alias_or_version(client):
    production = client.post("/generate", json={"model": "grey", "seed": 1})
    assert production.headers["x-model"] == "grey@v2"
    by_alias = client.post("/generate", json={"model": "grey@production", "seed": 1})
    by_version = client.post("/generate", json={"model": "grey@v2", "seed": 1})
    older = client.post("/generate", json={"model": "grey@v1", "seed": 1})
    assert production.content == by_alias.content == by_version.content != older.content


@pytest.mark.parametrize("model", ["unknown", "grey@v9", "grey@", "../grey", "Grey", ""])
def test_a_model_that_is_not_there_is_not_found(client, model):
    response = client.post("/generate", json={"model": model})
    assert response.status_code == 404
    assert response.json()["code"] == "model-not-found"


def test_a_class_is_named_by_name_index_or_weights(client):
    def colour(**fields):
        return arrays(client, model="colour", seeds=[1], **fields)

    by_name = colour(label="star")
    np.testing.assert_array_equal(colour(label=2), by_name)
    np.testing.assert_array_equal(colour(label=[0, 0, 2.5]), by_name)
    np.testing.assert_array_equal(colour(labels=["star"]), by_name)
    assert (colour(label="circle") != by_name).any()


def test_weights_blend_classes(client):
    half = arrays(client, model="colour", seeds=[1], label=[1, 0, 1])
    for label in ("circle", "star"):
        assert (arrays(client, model="colour", seeds=[1], label=label) != half).any()


def test_without_a_label_the_class_comes_from_the_seed(client):
    from foundation.latents import draw_classes

    classes = draw_classes([1, 2, 3], 3).tolist()
    drawn = arrays(client, model="colour", seeds=[1, 2, 3])
    np.testing.assert_array_equal(drawn, arrays(client, model="colour", seeds=[1, 2, 3], labels=classes))


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"seed": -1}, "seed", "at least 0"),
        ({"seed": 2**32}, "seed", "less than"),
        ({"seed": 2**32 - 1, "count": 2}, "seed", "last seed"),
        ({"seed": 1.5}, "seed", "whole number"),
        ({"seed": True}, "seed", "whole number"),
        ({"seeds": [1, "2"]}, "seeds.1", "whole number"),
        ({"seeds": []}, "seeds", "at least 1"),
        ({"count": 0}, "count", "at least 1"),
        ({"count": 1025}, "count", "1,024"),
        ({"seeds": list(range(1025))}, "seeds", "1,024"),
        ({"seeds": [1], "count": 1}, "seeds", "seeds and seed or count"),
        ({"seeds": [1], "latents": [[0] * 6]}, "latents", "seeds and latents"),
        ({"latents": [[0] * 5]}, "latents.0", "latents have 6"),
        ({"latents": [[0] * 5 + [1e39]]}, "latents", "float32"),
        ({"truncation": 0}, "truncation", "more than 0"),
        ({"truncation": 1.01}, "truncation", "at most 1"),
        ({"scale": 65}, "scale", "64"),
        ({"count": 1024, "scale": 64}, "scale", "pixels"),
        ({"format": "gif"}, "format", "png"),
        ({"label": 1}, "label", "no classes"),
        ({"model": "colour", "label": "triangle"}, "label", "circle, square, star"),
        ({"model": "colour", "label": 3}, "label", "0 to 2"),
        ({"model": "colour", "label": {"star": 1}}, "label", "a list with a weight for every class"),
        ({"model": "colour", "labels": [[1, "x", 0]], "count": 1}, "labels.0", "a list with a weight"),
        ({"model": "colour", "label": [1, 0]}, "label", "3 numbers"),
        ({"model": "colour", "label": [0, 0, 0]}, "label", "not all 0"),
        ({"model": "colour", "label": [1, -1, 1]}, "label", "0 or more"),
        ({"model": "colour", "count": 2, "labels": [1]}, "labels", "2, not 1"),
        ({"model": "colour", "label": 1, "labels": [1]}, "labels", "not both"),
        ({"model": "colour", "latents": [[0] * 6]}, "labels", "say which"),
        ({"sede": 7}, "sede", "no such field"),
    ],
)
def test_a_wrong_field_is_named_with_its_limit(client, body, field, says):
    response = client.post("/generate", json=body)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["code"], problem["status"], problem["field"]) == ("invalid-field", 422, field)
    assert says in problem["detail"]


@pytest.mark.parametrize("latent", ["NaN", "Infinity", "1e999"])
def test_latents_that_are_no_numbers_are_refused(client, latent):
    response = client.post("/generate", content=f'{{"latents": [[0, 0, 0, 0, 0, {latent}]]}}')
    assert response.status_code in (400, 422)


@pytest.mark.parametrize("body", ["{", "[]", "7", '"seed"', "null", "\xff"])
def test_a_body_that_is_no_json_object_is_malformed(client, body):
    response = client.post("/generate", content=body.encode("latin-1"))
    assert response.status_code == 400
    assert response.json()["code"] == "malformed"


def test_a_body_beyond_the_limit_is_refused(client):
    response = client.post("/generate", content=b" " * (6 * 2**20 + 1))
    assert response.status_code == 413


def test_curls_default_content_type_is_read_as_json(client):
    response = client.post(
        "/generate",
        content=json.dumps({"count": 1}),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert pixels(response).shape == (8, 8)


def test_every_response_says_how_it_came_about(client):
    headers = client.post("/generate", json={"seed": 3}).headers
    assert headers["x-model"] == "grey@v2"
    assert headers["x-seed"] == "3"
    assert [part.split(";")[0] for part in headers["server-timing"].split(", ")] == [
        "queue",
        "infer",
        "encode",
    ]
    assert headers["etag"].startswith('"')
    assert len(headers["x-request-id"]) == 32


def test_a_clients_request_id_comes_back_also_with_an_error(client):
    for path in ("/generate", "/nowhere"):
        assert client.post(path, headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert client.post("/generate", headers={"X-Request-Id": "a b"}).headers["x-request-id"] != "a b"


def test_the_etag_is_that_of_the_content(client):
    first, again, other = (
        client.post("/generate", json={"seed": seed}).headers["etag"] for seed in (1, 1, 2)
    )
    assert first == again != other
