import io
import json
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from service.encoding.pictures import encode_image, encode_images, grid_size, lay_grid
from service.encoding.provenance import Provenance
from service.requests.recipes import describe_recipe
from service.requests.schemas import GenerateRequest

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def some_images(count: int, channels: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 5, 7, channels), np.uint8)


def read_xmp(content: bytes) -> dict[str, str]:
    """The fields of a picture's XMP packet, without their namespaces."""
    picture = Image.open(io.BytesIO(content))
    picture.load()
    packet = picture.info["xmp"] if "xmp" in picture.info else picture.info["XML:com.adobe.xmp"]
    [description] = ElementTree.fromstring(packet).iter(f"{RDF}Description")
    return {field.tag.rpartition("}")[2]: field.text or "" for field in description}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("count", "columns", "padding"), [(1, None, 0), (5, None, 0), (5, 2, 3), (4, 9, 1)])
def test_a_grid_holds_every_image_at_its_place_and_white_elsewhere(count, columns, padding, channels):
    images = some_images(count, channels)
    [grid] = lay_grid(images, columns=columns, padding=padding)
    assert grid.shape[:2] == grid_size(count, 5, 7, columns=columns, padding=padding, scale=1)
    left = np.full(grid.shape, True)
    across = min(columns or int(np.ceil(count**0.5)), count)
    for index, image in enumerate(images):
        place = np.s_[index // across * (5 + padding) :, index % across * (7 + padding) :, :]
        np.testing.assert_array_equal(grid[place][:5, :7], image)
        left[place][:5, :7] = False
    assert (grid[left] == 255).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("format", ["png", "webp"])
def test_lossless_files_hold_the_exact_pixels(format, channels):
    [image] = some_images(1, channels)
    shown = np.asarray(Image.open(io.BytesIO(encode_image(image, format))).convert("RGB"))
    np.testing.assert_array_equal(shown, np.broadcast_to(image, (5, 7, 3)))


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_every_picture_says_how_it_was_made_and_that_a_machine_made_it(format):
    provenance = Provenance("fashion@v3", (7, 8), ("Bag", "a<b"), 0.75)
    described = read_xmp(encode_image(some_images(1, 3)[0], format, provenance))
    assert described["DigitalSourceType"] == TRAINED
    assert (described["model"], described["seed"], described["label"]) == ("fashion@v3", "7,8", "Bag,a<b")
    assert described["truncation"] == "0.75"


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize(
    "recipe",
    [{"mix": [{"seed": 3, "weight": 1.0}, {"seed": 8, "weight": -0.5}]}, {"directions": {"<0>": 2.5}}],
)
def test_a_mixed_or_moved_picture_says_so(format, recipe):
    request = GenerateRequest.model_validate(recipe)
    provenance = Provenance("fashion@v3", recipe=describe_recipe(request))
    described = read_xmp(encode_image(some_images(1, 3)[0], format, provenance))
    [name] = recipe
    assert json.loads(described[name]) == recipe[name]


def test_each_image_of_an_archive_says_its_own_seed():
    content = encode_images(some_images(2, 1), "zip", Provenance("m@v1", (7, 8)))
    archive = zipfile.ZipFile(io.BytesIO(content))
    for name, seed in zip(archive.namelist(), ("7", "8"), strict=True):
        assert read_xmp(archive.read(name))["seed"] == seed


def test_a_long_list_of_seeds_is_cut_in_the_metadata():
    assert Provenance("m@v1", range(10_000)).xmp().count(b",") == 64
