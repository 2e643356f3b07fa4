"""A folder of rendered letters to train on, the same on every machine that has the fonts.

`python -m benchmarks.glyphs FOLDER`: a subfolder for each of A to Z, so many pictures in each, of every
font of DejaVu that Debian's `fonts-dejavu` installs, in two colours, turned a little.
"""

import argparse
import colorsys
import string
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONT_FOLDER = Path("/usr/share/fonts/truetype/dejavu")
PICTURES = 80
"""Of each letter."""
SIDE = 128
LARGEST_TURN_DEGREES = 20.0
SEED = 16


def write_glyphs(folder: Path, pictures: int = PICTURES) -> None:
    """Write `pictures` PNG files of every letter, 128x128; raise FileNotFoundError without fonts."""
    fonts = sorted(path for path in FONT_FOLDER.glob("*.ttf") if "Math" not in path.name)
    if not fonts:
        raise FileNotFoundError(2, "no fonts (Debian's fonts-dejavu)", str(FONT_FOLDER))
    for index, letter in enumerate(string.ascii_uppercase):
        (folder / letter).mkdir(parents=True, exist_ok=True)
        for number in range(pictures):
            draws = np.random.Generator(np.random.Philox(key=SEED, counter=index * pictures + number))
            picture = draw_glyph(letter, fonts[number % len(fonts)], draws.random(6))
            picture.save(folder / letter / f"{number:03d}.png")


def draw_glyph(letter: str, font: Path, draws: np.ndarray) -> Image.Image:
    """Draw a letter in the middle of a square; `draws` (6,) in [0, 1) choose its colours, size and turn."""
    ground = tuple(round(255 * part) for part in colorsys.hsv_to_rgb(draws[0], 0.3, 0.75 + 0.25 * draws[1]))
    ink = tuple(round(255 * part) for part in colorsys.hsv_to_rgb(draws[2], 0.9, 0.2 + 0.4 * draws[3]))
    picture = Image.new("RGB", (SIDE, SIDE), ground)
    face = ImageFont.truetype(str(font), round(SIDE * (0.6 + 0.2 * draws[4])))
    ImageDraw.Draw(picture).text((SIDE // 2, SIDE // 2), letter, ink, face, anchor="mm")
    turn = (2.0 * draws[5] - 1.0) * LARGEST_TURN_DEGREES
    return picture.rotate(turn, Image.Resampling.BICUBIC, fillcolor=ground)


def main() -> None:
    """Write the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=PICTURES, help="of each letter")
    arguments = parser.parse_args()
    write_glyphs(arguments.folder, arguments.pictures)


if __name__ == "__main__":
    main()
