import io

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from tests.store.conftest import S3
from tests.store.seaweed import BUCKET
from training.data import load_pictures
from training.errors import DataError
from training.shape import PictureSettings

pytestmark = S3


@pytest.fixture
def put(s3_server, s3_prefix, tmp_path, monkeypatch):
    """Write an object under the test's prefix."""
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))
    client = s3_server.client()
    return lambda name, content: client.put_object(Bucket=BUCKET, Key=f"{s3_prefix}/{name}", Body=content)


def png(colour):
    content = io.BytesIO()
    Image.new("RGB", (20, 20), colour).save(content, "PNG")
    return content.getvalue()


def load(uri, split="train", console=None, held_out=0.0):
    return load_pictures(uri, None, split, PictureSettings(size=16, held_out=held_out), console)


def test_pictures_under_a_prefix_are_a_set_with_a_class_a_folder(put, s3_uri, capsys):
    put("red/a.png", png("red"))
    put("blue/b.png", png("blue"))
    put("blue/notes.txt", b"no picture")
    pictures = load(s3_uri, console=Console(soft_wrap=True))
    assert pictures.shape.class_names == ("blue", "red")
    assert [image.mean((0, 1)).argmax() for image in pictures.images] == [
        {"blue": 2, "red": 0}[pictures.shape.class_names[label]] for label in pictures.labels
    ]
    assert "Skipped 1 file: blue/notes.txt (no picture)." in capsys.readouterr().out
    put("red/c.png", png("red"))
    assert len(load(f"{s3_uri}/").images) == 3  # what was added is seen


def test_a_folder_whose_name_only_begins_so_is_not_taken(put, s3_uri):
    put("pictures/a.png", png("red"))
    put("pictures-of-others/b.png", png("blue"))
    assert len(load(f"{s3_uri}/pictures").images) == 1


def test_one_archive_is_a_set(put, s3_uri):
    content = io.BytesIO()
    np.savez_compressed(content, images=np.zeros((10, 16, 16, 3), np.uint8), labels=np.arange(10) % 2)
    put("a.npz", content.getvalue())
    for uri in (s3_uri, f"{s3_uri}/a.npz"):
        assert len(load(uri, held_out=0.2).images) == 8
        assert len(load(uri, "test", held_out=0.2).images) == 2


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("s3://", "names no bucket. Write s3://bucket/prefix"),
        (f"s3://{BUCKET}/nothing-here", "holds no files"),
        ("s3://no-such-bucket/a", "there is no such bucket at http"),
    ],
)
def test_what_is_not_there_is_said(put, uri, words):
    with pytest.raises(DataError, match=words):
        load(uri)


def test_a_picture_that_cannot_be_fetched_stops_the_reading_and_is_no_damaged_picture(
    put, s3_uri, monkeypatch
):
    from training.data import s3

    put("a.png", png("red"))
    put("b.png", png("red"))
    listed = s3.Bucket.list

    def list_one_too_many(bucket, prefix):
        return listed(bucket, prefix) | {"gone.png": s3.Item(f"{prefix}/gone.png", 100, "tag")}

    monkeypatch.setattr(s3.Bucket, "list", list_one_too_many)
    with pytest.raises(DataError, match=r"gone\.png: .*NoSuchKey"):
        load(s3_uri)


def test_a_wrong_key_is_said(put, s3_uri, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(DataError, match="the secret access key is wrong"):
        load(s3_uri)
