"""Walks through the engine: frames are encoded while later ones are still being generated."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from foundation.errors import DeadlineExceeded
from foundation.images import Images
from foundation.manifest import Described
from service.encoding.animation import Encoder, FrameShape, open_encoder
from service.encoding.encoding_threads import SHORT_PIXELS
from service.encoding.pictures import enlarge
from service.encoding.walk_files import WalkFile
from service.engine.admission import Admission
from service.engine.engine import Engine
from service.engine.generator import Generator
from service.engine.jobs import Generated
from service.requests.inputs import Inputs
from service.requests.recipes import describe_provenance
from service.requests.request_inputs import walk_inputs
from service.requests.schemas import WalkRequest

CHUNK_FRAMES = 64
"""What goes to the engine at once; the memory of a walk is that of a few chunks, however long it is."""

CHUNKS_IN_FLIGHT = 2


@dataclass(frozen=True)
class WalkRows:
    """The `frames` of a walk between `keys`; their inputs come about as the first of them go into a batch.

    That is in the batch's thread, and never for a walk that was left before.
    """

    keys: Inputs
    request: WalkRequest
    frames: slice

    def __len__(self) -> int:
        """How many frames they are."""
        frames: int = self.frames.stop - self.frames.start
        return frames

    def part(self, start: int, stop: int) -> Inputs:
        """The inputs of those from `start` to `stop`, counted from the first of `frames`."""
        return self._inputs.part(start, stop)

    @cached_property
    def _inputs(self) -> Inputs:
        return walk_inputs(self.keys, self.request, self.frames)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A walk's file, and the seconds that its chunks waited, were generated and encoded, each in sum."""

    path: Path
    queue_s: float
    inference_s: float
    encode_s: float


def split_frames(frames: int, chunk_frames: int = CHUNK_FRAMES) -> Iterator[slice]:
    """The parts of a walk that are generated at once, in order."""
    for start in range(0, frames, chunk_frames):
        yield slice(start, min(start + chunk_frames, frames))


def split_turns(images: Images, scale: int) -> Iterator[tuple[int, Images]]:
    """The parts of images uint8 (n, h, w, c), each encoded in one turn, behind its pixels once enlarged.

    A turn is short (`SHORT_PIXELS`), or of a single frame: others wait no longer than for that.
    """
    frame = images.shape[1] * images.shape[2] * scale**2
    for part in split_frames(len(images), max(1, SHORT_PIXELS // frame)):
        yield frame * (part.stop - part.start), images[part]


def pixels_held(request: WalkRequest, manifest: Described) -> int:
    """What may be left to encode when the last frame has been given to an encoder.

    A filmstrip is written whole then, and a codec looks at dozens of frames before it writes the first.
    """
    frame = manifest.image.height * manifest.image.width * request.scale**2
    return frame * (min(request.frames, CHUNK_FRAMES) if request.stream else request.frames)


def open_walk_encoder(
    path: Path,
    format: str,
    request: WalkRequest,
    keys: Inputs,
    manifest: Described,
) -> Encoder:
    """The encoder for the frames of `request`, enlarged by its `scale`."""
    origin = describe_provenance(manifest, request, keys.seeds, keys.labels)
    return open_encoder(format, path, frame_shape(request, manifest), origin)


def frame_shape(request: WalkRequest, manifest: Described) -> FrameShape:
    """The frames of `request`, enlarged by its `scale`."""
    image = manifest.image
    return FrameShape(
        frames=request.frames,
        height=image.height * request.scale,
        width=image.width * request.scale,
        channels=image.channels,
        fps=request.fps,
    )


async def render_walk(
    engine: Engine,
    generator: Generator,
    keys: Inputs,
    request: WalkRequest,
    path: Path,
    format: str,
    *,
    timeout_s: float,
    requester: str | None = None,
    prepare: Callable[[], object] | None = None,
    discard: Callable[[], None] | None = None,
) -> Rendered:
    """Generate and encode a walk between `keys` into a new file at `path`.

    `prepare` makes the place for the file, in a thread, once the first frames are there. What goes wrong is
    told at once, while a thread may still encode; it stops at its next frame. Once nobody writes to a file
    that did not become whole, `discard` is called, in a thread if one has begun; without it the file is
    removed.

    Raises:
        QueueFull: the engine has no room for all of its frames; once it has, none is refused.
        DeadlineExceeded: it was not done within `timeout_s`.
        Unavailable: the disk is full, or the folder is away or read-only.
    """
    queue_s = inference_s = encode_s = 0.0
    whole = False

    def open_file() -> Encoder:
        if prepare is not None:
            prepare()
        return open_walk_encoder(path, format, request, keys, generator.manifest)

    file = WalkFile[Encoder](
        engine.walk_encoders,
        path,
        open_file,
        requester=requester,
        discard=discard,
    )
    try:
        async with asyncio.timeout(timeout_s) as limit:
            with engine.admit(request.frames, requester, limit) as admission:
                async with aclosing(generate_chunks(engine, generator, keys, request, admission)) as chunks:
                    async for generated in chunks:
                        queue_s += generated.queue_s
                        inference_s += generated.inference_s
                        for pixels, frames in split_turns(generated.images, request.scale):
                            encode_s += await file.run(pixels, _encode, file, frames, request.scale)
                encode_s += await file.run(pixels_held(request, generator.manifest), _finish)
                whole = True
    except TimeoutError:
        raise DeadlineExceeded(f"The walk was not ready within {timeout_s:g} s.") from None
    finally:
        file.leave(keep=whole)
    return Rendered(path, queue_s, inference_s, encode_s)


async def generate_chunks(
    engine: Engine,
    generator: Generator,
    keys: Inputs,
    request: WalkRequest,
    admission: Admission,
    *,
    chunk_frames: int = CHUNK_FRAMES,
) -> AsyncGenerator[Generated, None]:
    """The walk's chunks in order; while one is being used, the next is being generated."""
    pending: deque[asyncio.Task[Generated]] = deque()
    try:
        for part in split_frames(request.frames, chunk_frames):
            inputs = WalkRows(keys, request, part)
            pending.append(asyncio.create_task(engine.generate(generator, inputs, admission=admission)))
            await asyncio.sleep(0)  # it is with the engine before the one before it is encoded
            if len(pending) == CHUNKS_IN_FLIGHT:
                yield await pending.popleft()
        while pending:
            yield await pending.popleft()
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


def _encode(encoder: Encoder, file: WalkFile[Encoder], images: Images, scale: int) -> None:
    for index in range(len(images)):
        if file.left:
            return
        encoder.add(enlarge(images[index : index + 1], scale))


def _finish(encoder: Encoder) -> None:
    encoder.finish()
