"""What comes back: pictures and walks, with what made them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence
from PIL.PngImagePlugin import PngInfo

from foundation.images import Images
from ganymede.library.errors import WrongUse

_ENDINGS = {
    "png": ("png",),
    "apng": ("png", "apng"),
    "jpeg": ("mjpeg", "jpg", "jpeg"),
    **{name: (name,) for name in ("gif", "webp", "mp4", "zip", "npy")},
}
"""Of a walk's file, by its format."""
_PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


@dataclass(frozen=True)
class Model:
    """A model of a store or a service."""

    name: str
    versions: Sequence[str]
    """The oldest first."""
    aliases: Mapping[str, str]
    """Where each points: a version."""
    is_default: bool = False
    """Whether it is what a request without a model means."""
    error: str | None = None
    """What is wrong with it, where something is."""


@dataclass(frozen=True)
class Pictures:
    """Pictures of one model."""

    array: Images = field(repr=False)
    """The pixels, uint8 (n, height, width, channels)."""
    seeds: Sequence[int] | None
    """Each picture's; None where they were made of latents."""
    model: str
    """What drew them: `NAME@VERSION`."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self.array)

    @cached_property
    def images(self) -> list[Image.Image]:
        """Each as Pillow's own."""
        return [to_image(pixels) for pixels in self.array]

    def grid(self, columns: int | None = None) -> Image.Image:
        """All of them side by side, white where there is none; ⌈√n⌉ columns where none are named."""
        count, height, width, channels = self.array.shape
        across = columns or int(np.ceil(np.sqrt(count)))
        rows = -(-count // across)
        sheet = np.full((rows * height, across * width, channels), 255, np.uint8)
        for index, pixels in enumerate(self.array):
            top, left = index // across * height, index % across * width
            sheet[top : top + height, left : left + width] = pixels
        return to_image(sheet)

    def save(self, path: str | Path) -> Path:
        """Write them: a grid as .png, .jpg or .webp, single PNGs as .zip or into a folder, pixels as .npy.

        Raises:
            WrongUse: the path's ending is none of these.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        path.parent.mkdir(parents=True, exist_ok=True)
        if suffix in _PICTURES:
            options = {"pnginfo": self._note(self.seeds)} if suffix == ".png" else {}
            self.grid().save(path, _PICTURES[suffix], **options)
        elif suffix == ".npy":
            np.save(path, self.array)
        elif suffix == ".zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
                for name, content in self._files():
                    archive.writestr(name, content)
        elif not suffix:
            path.mkdir(parents=True, exist_ok=True)
            for name, content in self._files():
                (path / name).write_bytes(content)
        else:
            raise WrongUse(
                f"{path}: pictures go into a folder, or a file in .png, .jpg, .webp, .npy or .zip."
            )
        return path

    def _files(self) -> list[tuple[str, bytes]]:
        files = []
        for index, image in enumerate(self.images):
            seed = None if self.seeds is None else self.seeds[index]
            content = io.BytesIO()
            image.save(content, "PNG", pnginfo=self._note(None if seed is None else [seed]))
            files.append(
                (f"{index:04}.png" if seed is None else f"{index:04}-seed-{seed}.png", content.getvalue())
            )
        return files

    def _note(self, seeds: Sequence[int] | None) -> PngInfo:
        """How they were made, in the PNG's own words (`Software`, `Source`: PNG specification, 11.3.3)."""
        note = PngInfo()
        note.add_text("Software", "Ganymede")
        named = "" if seeds is None else f", seeds {','.join(map(str, seeds[:64]))}"
        note.add_text("Source", f"machine-made by {self.model}{named}")
        return note


@dataclass(frozen=True)
class Walk:
    """A walk through latent space, as a file."""

    content: bytes = field(repr=False)
    format: str
    seeds: Sequence[int] | None
    """Of its key points."""
    model: str
    """What drew it: `NAME@VERSION`."""

    @cached_property
    def images(self) -> list[Image.Image]:
        """Its frames as Pillow's own.

        Raises:
            WrongUse: Pillow does not read them: ask for another format.
        """
        if self.format == "npy":
            return [to_image(pixels) for pixels in self.array]
        if self.format == "zip":
            with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
                return [Image.open(io.BytesIO(archive.read(name))) for name in sorted(archive.namelist())]
        if self.format in ("mp4", "png"):
            raise WrongUse(
                f"A walk as {self.format} has no single frames here; ask for format='npy' or 'zip'."
            )
        with Image.open(io.BytesIO(self.content)) as film:
            return [frame.convert("RGB") for frame in ImageSequence.Iterator(film)]

    @cached_property
    def array(self) -> Images:
        """Its frames, uint8 (frames, height, width, channels); exact as npy and zip.

        Raises:
            WrongUse: as `images`.
        """
        if self.format == "npy":
            frames: Images = np.load(io.BytesIO(self.content), allow_pickle=False)
            return frames
        pixels = np.stack([np.asarray(image) for image in self.images])
        return pixels if pixels.ndim == 4 else pixels[:, :, :, None]

    def save(self, path: str | Path) -> Path:
        """Write the file as it is.

        Raises:
            WrongUse: the path's ending is that of another format.
        """
        path = Path(path)
        ending = path.suffix.lower().removeprefix(".")
        if ending and ending not in _ENDINGS.get(self.format, (ending,)):
            instead = (
                f"ask for it with format='{ending}'" if ending in _ENDINGS else "give the path its ending"
            )
            raise WrongUse(f"{path}: this walk is {self.format}; {instead}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content)
        return path


def to_image(pixels: Images) -> Image.Image:
    """Pixels uint8 (height, width, channels) as Pillow's own."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
