"""What an answer holds while it is made, in bytes: counted from its pixels before anything is allocated.

Every copy that is alive at the same moment counts: the images, their enlargement, the grid, the rows of a
PNG, and the content, which pixels that do not compress leave as large as they were.
"""

from foundation.manifest import ImageOutput
from service.engine.streams import STREAM_FRAMES
from service.engine.walks import CHUNK_FRAMES, CHUNKS_IN_FLIGHT
from service.requests.schemas import WalkRequest

_COPIES = {"png": 4, "jpeg": 4, "webp": 5, "zip": 3, "npy": 3, "json": 5}
"""By format of pictures: how many times the enlarged pixels, at most."""

_TENSOR_COPIES = {True: 4, False: 9}
"""Binary, and as text: up to four digits and a comma for a pixel, twice while the text grows."""

_WALK_COPIES = {"png": 4}
_ANY_WALK_COPIES = 2
"""The frames that a codec holds back, and the file."""

_STREAM_COPIES = 3


def pictures_bytes(count: int, pixels: int, image: ImageOutput, format: str) -> int:
    """Of `count` pictures in a format of `service.encoding.pictures`, whose grid has `pixels`."""
    return _COPIES[format] * pixels * image.channels + 2 * frames_bytes(count, image)


def tensor_bytes(count: int, image: ImageOutput, *, binary: bool) -> int:
    """Of `count` images as a tensor of the Open Inference Protocol."""
    return (_TENSOR_COPIES[binary] + 1) * frames_bytes(count, image)


def walk_bytes(request: WalkRequest, image: ImageOutput, format: str) -> int:
    """Of a walk, in memory and on disk: a filmstrip is whole before it is written, others hold few frames."""
    pixels = frames_bytes(request.frames, image) * request.scale**2
    chunks = min(request.frames, (CHUNKS_IN_FLIGHT + 1) * CHUNK_FRAMES)
    return _WALK_COPIES.get(format, _ANY_WALK_COPIES) * pixels + 2 * frames_bytes(chunks, image)


def stream_bytes(request: WalkRequest, image: ImageOutput) -> int:
    """Of a walk that is streamed: the chunks that are under way, however long it is.

    One is being made and one waits; of one that is encoded and sent there are the enlarged frames, what the
    codec holds back of them, and the bytes.
    """
    frames = min(request.frames, STREAM_FRAMES)
    enlarged = frames_bytes(frames, image) * request.scale**2
    return _STREAM_COPIES * enlarged + (CHUNKS_IN_FLIGHT + 1) * frames_bytes(frames, image)


def projection_bytes(count: int, image: ImageOutput, photos: int, reading: int) -> int:
    """Of `count` pictures that are looked for, in files of `photos` bytes, each read in `reading` at most.

    Beside the pixels there are their floats, as the request has them and as a batch has them.
    """
    return photos + reading + 9 * frames_bytes(count, image)


def frames_bytes(count: int, image: ImageOutput) -> int:
    """Of `count` images as they leave the graph, uint8 (n, h, w, c)."""
    return count * image.height * image.width * image.channels
