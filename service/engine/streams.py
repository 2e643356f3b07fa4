"""Walks that leave while they are made: a few frames are in memory at a time, however many there are."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from foundation.errors import DeadlineExceeded
from foundation.images import Images
from service.encoding.pictures import enlarge
from service.encoding.streams import StreamEncoder, open_stream_encoder
from service.encoding.walk_files import WalkFile
from service.engine.engine import Engine
from service.engine.generator import Generator
from service.engine.walks import CHUNKS_IN_FLIGHT, frame_shape, generate_chunks, pixels_held, split_turns
from service.requests.inputs import Inputs
from service.requests.recipes import describe_provenance
from service.requests.schemas import WalkRequest

STREAM_FRAMES = 16
"""What goes to the engine at once: the first bytes leave before the last of them is drawn."""

WAITING_FRAMES = CHUNKS_IN_FLIGHT * STREAM_FRAMES
"""Of one stream, those that the engine has at a time."""

_NO_FILE = Path("-")


@dataclass(frozen=True, slots=True)
class Pieces:
    """Bytes that come next, and the seconds that their frames waited, were generated and encoded."""

    pieces: list[bytes]
    queue_s: float = 0.0
    inference_s: float = 0.0
    encode_s: float = 0.0


async def stream_walk(
    engine: Engine,
    generator: Generator,
    keys: Inputs,
    request: WalkRequest,
    format: str,
    *,
    timeout_s: float,
    requester: str | None = None,
    discard: Callable[[], None],
) -> AsyncGenerator[Pieces, None]:
    """The bytes of a walk between `keys` in a format of `service.encoding.streams`, as they are made.

    No more is made than one chunk ahead of what is taken. `discard` is called in a thread once the generator
    is closed and nothing encodes any more.

    Raises:
        QueueFull: the engine has no room for the first frames; once it has, none is refused.
        DeadlineExceeded: the next frames were not there within `timeout_s`.
    """
    manifest = generator.manifest
    origin = describe_provenance(manifest, request, keys.seeds, keys.labels)
    opener = partial(open_stream_encoder, format, frame_shape(request, manifest), origin)
    file = WalkFile[StreamEncoder](
        engine.walk_encoders,
        _NO_FILE,
        opener,
        requester=requester,
        discard=discard,
    )
    try:
        with engine.admit(min(request.frames, WAITING_FRAMES), requester) as admission:
            chunks = generate_chunks(engine, generator, keys, request, admission, chunk_frames=STREAM_FRAMES)
            async with aclosing(chunks):
                while True:
                    async with asyncio.timeout(timeout_s) as admission.limit:
                        generated = await anext(chunks, None)
                        taken: list[bytes] = []
                        encode_s = 0.0
                        if generated is None:
                            encode_s += await file.run(pixels_held(request, manifest), _finish, taken)
                        else:
                            for pixels, frames in split_turns(generated.images, request.scale):
                                encode_s += await file.run(
                                    pixels, _encode, file, frames, request.scale, taken
                                )
                    if generated is None:
                        yield Pieces(taken, encode_s=encode_s)
                        return
                    yield Pieces(taken, generated.queue_s, generated.inference_s, encode_s)
    except TimeoutError:
        raise DeadlineExceeded(f"The next frames were not ready within {timeout_s:g} s.") from None
    finally:
        file.leave()


def _encode(
    encoder: StreamEncoder,
    file: WalkFile[StreamEncoder],
    images: Images,
    scale: int,
    taken: list[bytes],
) -> None:
    """Encode frames; what can be sent goes into `taken`."""
    for index in range(len(images)):
        if file.left:
            return
        encoder.add(enlarge(images[index : index + 1], scale))
    taken += encoder.take()


def _finish(encoder: StreamEncoder, taken: list[bytes]) -> None:
    encoder.finish()
    taken += encoder.take()
