"""`project` of the library: the same latents and drawings from a service and from a store."""

import asyncio
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ganymede
from ganymede.errors import InvalidField, NoProjection, UnsupportedPicture, WrongUse
from tests.conftest import run_server
from tests.tiny_models import TinyModel, publish_tiny_model
from tests.tiny_projections import project_tiny_model

KINDS = TinyModel(name="kinds", channels=3, classes=("circle", "square", "star"), weight_seed=6)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root, folder = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("graphs")
    publish_tiny_model(root, KINDS, more=project_tiny_model(KINDS, folder, steps=3))
    publish_tiny_model(root, TinyModel(name="plain"))
    return root


@pytest.fixture(scope="module")
def url(store, tmp_path_factory):
    variables = {"GANYMEDE_MAX_IMAGES_PER_REQUEST": "32"}  # of 14 drawings each, two pictures
    folder = tmp_path_factory.mktemp("server")
    with run_server(store, folder, "--default-model", "kinds", "--ui", "off", **variables) as running:
        yield running.url


def photo(seed, mode="RGB"):
    bands = len(Image.new(mode, (1, 1)).getbands())
    noise = np.random.default_rng(seed).integers(0, 256, (20, 30, bands), np.uint8)
    return Image.frombytes(mode, (30, 20), noise.tobytes())


def test_a_service_and_a_store_find_the_same(url, store, tmp_path):
    photo(1).save(tmp_path / "one.webp")
    content = io.BytesIO()
    photo(2).save(content, "JPEG")
    given = [
        tmp_path / "one.webp",
        str(tmp_path / "one.webp"),
        content.getvalue(),
        photo(3),
        photo(4, "CMYK"),
    ]
    with ganymede.connect(url) as remote, ganymede.open(store) as local:
        found = remote.project(given)  # in three requests
        here = local.project(given)
        for name in ("latents", "labels", "distances", "classes", "model", "seeds"):
            assert getattr(found, name) == getattr(here, name), name
        assert np.array_equal(found.array, here.array)
        assert found.array.shape == (5, 8, 8, 3)
        assert found.latents[0] == found.latents[1] != found.latents[2]
        assert found.classes == ["circle", "square", "star"]
        drawn = remote.generate(latents=found.latents, labels=found.labels)
        assert np.array_equal(drawn.array, found.array)
        assert found.save(tmp_path / "found.zip").stat().st_size > 100
        labelled = remote.project(photo(3), "kinds@v1", label="star", steps=0)
        assert (
            labelled.labels == local.project(photo(3), "kinds", label="star", steps=0).labels == [[0, 0, 1]]
        )
        assert remote.project([photo(3)], labels=["star"], steps=0).latents == labelled.latents


def test_it_can_be_awaited(url, store):
    async def ask():
        async with ganymede.connect_async(url) as remote:
            return await asyncio.gather(remote.project(photo(1)), remote.project([photo(2), photo(3)]))

    first, second = asyncio.run(ask())
    with ganymede.open(store) as local:
        both = local.project([photo(1), photo(2), photo(3)], "kinds")
    assert [*first.latents, *second.latents] == both.latents


def test_pillows_own_picture_is_turned_as_its_file_is(url, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(1).save(tmp_path / "turned.png", exif=exif)
    with ganymede.connect(url) as remote, Image.open(tmp_path / "turned.png") as opened:
        by_path, by_pillow = remote.project([tmp_path / "turned.png", opened]).latents
        assert by_path == by_pillow
        assert by_path != remote.project(photo(1)).latents[0]


def test_what_is_wrong_is_said_the_same_way_by_both(url, store, tmp_path):
    with ganymede.connect(url) as remote, ganymede.open(store) as local:
        for source in (remote, local):
            with pytest.raises(NoProjection, match="ganymede encoder RUN"):
                source.project(photo(1), "plain")
            with pytest.raises(UnsupportedPicture) as refused:
                source.project([photo(1), b"%PDF-1.7"], "kinds")
            assert refused.value.field == "pictures.1"
            with pytest.raises(InvalidField, match="damaged"):
                source.project(b"\x89PNG\r\n\x1a\n", "kinds")
            wrong: dict[str, Any] = {"at least 0": -1, "a whole number": "x"}
            for words, steps in wrong.items():
                with pytest.raises(InvalidField, match=f"steps: must be {words}"):
                    source.project(photo(1), "kinds", steps=steps)
            with pytest.raises(InvalidField, match="label"):
                source.project(photo(1), "kinds", label="cube")
            with pytest.raises(WrongUse, match="cannot be read"):
                source.project(tmp_path / "nothing.png", "kinds")
            with pytest.raises(WrongUse, match="no picture"):
                source.project([], "kinds")
            with pytest.raises(WrongUse, match="a label for each"):
                source.project([photo(1)], "kinds", labels=["star", "star"])
