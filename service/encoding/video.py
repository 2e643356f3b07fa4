"""Walks that move: MP4, GIF, APNG and animated WebP, by FFmpeg's libraries (PyAV)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from foundation.images import Images, blend_on_white
from service.encoding.animation import FrameShape
from service.encoding.frames import brighten_frame, lay_frame, paint_frame
from service.encoding.metadata import embed_xmp, wrap_xmp
from service.encoding.provenance import Provenance
from service.encoding.streams import Sink

_BT709 = 1  # ITU-T H.273's number, for primaries, transfer and matrix alike


@dataclass(frozen=True, slots=True)
class _Codec:
    container: str
    name: str
    grey: str
    colour: str
    transparent: str | None = None
    """What keeps alpha; None: frames are laid on white."""
    codec_options: Mapping[str, str] = field(default_factory=dict)
    container_options: Mapping[str, str] = field(default_factory=dict)


_CODECS = {
    # yuv420p is the one layout that every browser plays; faststart puts the index first. Without mbtree=0
    # x264 writes, now and then, other bytes for the same frames where a side is no multiple of 16.
    "mp4": _Codec(
        "mp4",
        "libx264",
        "yuv420p",
        "yuv420p",
        None,
        {"preset": "veryfast", "crf": "16", "x264-params": "mbtree=0"},
        {"movflags": "+faststart"},
    ),
    # Each fragment is written as soon as it is whole: a quarter of a second, or what begins with a key frame.
    "fragments": _Codec(
        "mp4",
        "libx264",
        "yuv420p",
        "yuv420p",
        None,
        {"preset": "veryfast", "crf": "16", "x264-params": "mbtree=0"},
        {
            "movflags": "frag_keyframe+empty_moov+default_base_moof",
            "frag_duration": "250000",
            "flush_packets": "1",
        },
    ),
    "gif": _Codec("gif", "gif", "pal8", "pal8", None, {}, {"loop": "0"}),
    "apng": _Codec("apng", "apng", "gray", "rgb24", "rgba", {"pred": "mixed"}, {"plays": "0"}),
    "webp": _Codec(
        "webp", "libwebp_anim", "bgra", "bgra", "bgra", {"lossless": "1", "quality": "50"}, {"loop": "0"}
    ),
}


class VideoEncoder:
    """An animation that repeats for ever (an MP4 leaves that to its player).

    APNG and WebP hold the frames' exact pixels, with their transparency, GIF those of grey frames; GIF and
    MP4 lay what is transparent on white. MP4 is lossy (H.264, CRF 16),
    its sides made even by repeating the last row or column, for yuv420p knows no odd ones.
    """

    def __init__(self, format: str, target: Path | Sink, shape: FrameShape, origin: Provenance) -> None:
        codec = _CODECS[format]
        self._target, self._format, self._origin = target, format, origin
        self._keeps_alpha = codec.transparent is not None
        layouts = {1: codec.grey, 3: codec.colour, 4: codec.transparent or codec.colour}
        self._layout = layouts[shape.channels]
        self._container = av.open(
            target, "w", format=codec.container, container_options=dict(codec.container_options)
        )
        is_mp4 = codec.container == "mp4"
        if is_mp4:
            self._container.metadata["comment"] = _describe(origin)
        options = dict(codec.codec_options)
        if isinstance(target, Sink):
            options["g"] = str(shape.fps)  # a player that comes in later waits a second at most
        stream: Any = self._container.add_stream(codec.name, rate=shape.fps, options=options)
        stream.height, stream.width = shape.height, shape.width
        if is_mp4:
            stream.height, stream.width = _even(shape.height), _even(shape.width)
        stream.pix_fmt = self._layout
        context = stream.codec_context
        context.time_base = Fraction(1, shape.fps)
        context.thread_count = 1  # the other cores generate; and the bytes do not depend on their number
        if is_mp4:
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.color_range = ColorRange.MPEG
        self._stream = stream
        self._reformatter = VideoReformatter()  # one for all: setting it up takes longer than a small frame
        self._time_base = Fraction(1, shape.fps)
        self._moment = 0

    def add(self, frames: Images) -> None:
        """Encode the next frames; see `Encoder.add`."""
        for frame in frames:
            picture = self._convert(frame)
            picture.pts = self._moment
            picture.time_base = self._time_base
            self._moment += 1
            self._container.mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Write the frames that the codec still holds, the index, and how it all came about."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        xmp = self._origin.xmp()
        if isinstance(self._target, Sink):
            self._target.write(wrap_xmp(xmp))
        else:
            embed_xmp(self._target, self._format, xmp)

    def close(self) -> None:
        """Free the codec; of a walk that was broken off the file is of no use."""
        self._container.close()

    def _convert(self, frame: Images) -> VideoFrame:
        if not self._keeps_alpha:
            frame = blend_on_white(frame)
        if self._layout == "pal8":
            return paint_frame(frame)
        if self._layout == "yuv420p":
            height, width = frame.shape[:2]
            if height % 2 or width % 2:
                frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            if frame.shape[2] == 1:
                return brighten_frame(frame)
        picture = lay_frame(frame)
        if picture.format.name == self._layout:
            return picture
        colours = (
            {"dst_colorspace": Colorspace.ITU709, "dst_color_range": ColorRange.MPEG}
            if self._layout == "yuv420p"
            else {}
        )
        return self._reformatter.reformat(picture, format=self._layout, **colours)


class FragmentedEncoder(VideoEncoder):
    """An MP4 whose bytes are there while it is written: its head at once, then a fragment after the other."""

    def __init__(self, shape: FrameShape, origin: Provenance) -> None:
        self._sink = Sink()
        super().__init__("fragments", self._sink, shape, origin)
        self._container.start_encoding()

    def take(self) -> list[bytes]:
        """What was written since the last time."""
        return self._sink.take()


def _describe(origin: Provenance) -> str:
    seeds = "" if origin.seeds is None else f" between seeds {', '.join(map(str, origin.seeds[:64]))}"
    return f"Machine-made by Ganymede: {origin.model}{seeds} (IPTC trainedAlgorithmicMedia)"


def _even(size: int) -> int:
    return size + size % 2
