from pathlib import Path

import numpy as np
import pytest

from training.data import load_pictures
from training.data.noto_emoji import draw_emoji, open_font
from training.errors import DataError
from training.shape import PictureSettings

FONT = Path(__file__).parents[1] / "data" / "noto-emoji" / "NotoColorEmoji.ttf"
"""Twenty-odd emoji of the real font, among them 👋 and 👋🏽, Norway's flag and Bouvet Island's, the same."""


def load_emoji(split="train", **settings):
    return load_pictures(f"noto-emoji:{FONT}", None, split, PictureSettings(**settings))


def test_emoji_come_in_colour_on_white_each_in_its_unicode_group():
    pictures = load_emoji(held_out=0)
    assert pictures.images.shape[1:] == (32, 32, 3)
    assert pictures.shape == load_emoji("test").shape
    names = [pictures.shape.class_names[label] for label in pictures.labels]
    assert names.count("smiley") == 4  # with the heart
    assert (pictures.images[:, 0, 0] == 255).all()
    dog = pictures.images[names.index("animal")]
    assert 20 < np.ptp(dog.reshape(-1, 3).astype(int), axis=1).max() < 256


def test_one_skin_tone_and_one_of_two_equal_flags_are_taken():
    drawn = [group for _, group in draw_emoji(open_font(FONT))]
    assert drawn.count("Flags") == 13
    pictures = load_emoji(held_out=0)
    names = [pictures.shape.class_names[label] for label in pictures.labels]
    assert names.count("person") == 1
    assert names.count("flag") == 12
    assert len(np.unique(pictures.images, axis=0)) == len(names) == 22


@pytest.mark.parametrize(("settings", "shape"), [({"size": 64}, (64, 64, 3)), ({"channels": 1}, (32, 32, 1))])
def test_size_and_channels_are_as_set(settings, shape):
    pictures = load_emoji(**settings)
    assert pictures.images.shape[1:] == shape
    assert (pictures.shape.size, pictures.shape.channels) == (shape[0], shape[2])


def test_a_part_is_held_out_and_it_is_always_the_same():
    train, test, everything = (
        load_emoji("train", held_out=0.25),
        load_emoji("test", held_out=0.25),
        load_emoji(held_out=0),
    )
    assert (len(train.images), len(test.images)) == (16, 6)
    np.testing.assert_array_equal(np.concatenate([train.images, test.images]), everything.images)


def test_without_the_font_the_package_and_the_way_to_name_it_are_told(tmp_path):
    with pytest.raises(DataError, match="apt-get install fonts-noto-color-emoji") as refusal:
        load_pictures("noto-emoji", tmp_path)
    assert "--data noto-emoji:PATH/NotoColorEmoji.ttf" in str(refusal.value)


def test_a_file_that_is_no_font_is_refused(tmp_path):
    (tmp_path / "NotoColorEmoji.ttf").write_bytes(b"no font")
    with pytest.raises(DataError, match="is not a font"):
        load_pictures("noto-emoji", tmp_path)


def test_an_unknown_set_is_answered_with_the_nearest_name():
    with pytest.raises(DataError, match=r"no data set 'noto-emojis'\. Did you mean 'noto-emoji'\?"):
        load_pictures("noto-emojis")
