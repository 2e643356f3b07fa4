"""What a set of pictures is known by when a run goes on: how many, which, and their pixels."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

DIGEST_BYTES = 16


class SetRecord(BaseModel):
    """A set before anything is held out of it."""

    model_config = ConfigDict(frozen=True)

    count: int
    members: str
    """Digest of each picture's name, if it has one, and class, in the order of the set."""
    content: str
    """Digest of all pixels: it changes with the library that decodes too."""
    raw: str | None = None
    """Digest of an array's pixels as they lie in its file, which no library changes; None of pictures in
    files, which their names tell apart, and of sets prepared before it was kept."""

    def is_of_other_pixels(self, other: "SetRecord") -> bool:
        """Say whether two arrays hold other pixels, as far as both are known."""
        return None not in (self.raw, other.raw) and self.raw != other.raw


class SetDigest:
    """Takes the pictures of a set one by one, or all at once."""

    def __init__(self) -> None:
        self.count = 0
        self.members = hashlib.blake2b(digest_size=DIGEST_BYTES)
        self.content = hashlib.blake2b(digest_size=DIGEST_BYTES)
        self.raw = hashlib.blake2b(digest_size=DIGEST_BYTES)
        self.has_raw = False

    def add(self, name: str, class_name: str, pixels: bytes) -> None:
        """Take a picture, its name if it has one, and its class."""
        self.count += 1
        self.members.update(f"{name}\0{class_name}\0".encode("utf-8", "surrogateescape"))
        self.content.update(pixels)

    def add_raw(self, pixels: bytes) -> None:
        """Take what lies in an array's file, in its order."""
        self.raw.update(pixels)
        self.has_raw = True

    def finish(self) -> SetRecord:
        """Return the record."""
        return SetRecord(
            count=self.count,
            members=self.members.hexdigest(),
            content=self.content.hexdigest(),
            raw=self.raw.hexdigest() if self.has_raw else None,
        )


def record_arrays(
    images: NDArray[np.uint8], labels: NDArray[np.integer[Any]], class_names: tuple[str, ...]
) -> SetRecord:
    """Return the record of images uint8 (n, h, w, c) of labels (n,), which number the classes' names."""
    digest = SetDigest()
    for image, label in zip(images, labels, strict=True):
        digest.add("", class_names[label] if class_names else "", image.tobytes())
    return digest.finish()
