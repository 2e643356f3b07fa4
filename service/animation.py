"""From the frames of a walk to a file."""

from service.generator import Images
from service.images import encode_archive, encode_array, encode_image, enlarge, lay_grid, name_images

MEDIA_TYPES = {"png": "image/png", "zip": "application/zip", "npy": "application/x-npy"}
"""The media type of each format of `POST /latent-walk`, the default first."""


def encode_filmstrip(frames: Images) -> bytes:
    """All frames (n, h, w, c) side by side in one PNG: frame k begins at column k·w."""
    return encode_image(lay_grid(frames, columns=len(frames))[0], "png")


def encode_walk(frames: Images, format: str, *, scale: int) -> bytes:  # noqa: A002 - the contract's word
    """Frames (n, h, w, c) in any format of `MEDIA_TYPES`."""
    enlarged = enlarge(frames, scale)
    if format == "zip":
        return encode_archive(enlarged, name_images(len(frames), None))
    if format == "npy":
        return encode_array(enlarged)
    return encode_filmstrip(enlarged)
