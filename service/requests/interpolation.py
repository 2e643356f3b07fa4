"""Ways from one latent to the next: the frames of a walk between key points."""

import numpy as np
from numpy.typing import NDArray

from foundation.latents import Latents

LabelWeights = NDArray[np.float32]
Points = NDArray[np.float64]

_LARGEST = float(np.finfo(np.float32).max)  # a spline may swing beyond the largest key that float32 holds


def place_key_points(key_points: int, frames: int, *, loop: bool) -> NDArray[np.intp]:
    """The frame at which each key point lies, intp (key_points,), evenly spread and the first at 0.

    Without `loop` the last key point is the last frame; with it, the frame after the last would be the first.
    """
    steps = frames / key_points if loop else (frames - 1) / (key_points - 1)
    places: NDArray[np.intp] = np.floor(np.arange(key_points) * steps + 0.5).astype(np.intp)
    return places


def walk_latents(
    keys: Latents,
    frames: int,
    *,
    interpolation: str,
    loop: bool,
    easing: str,
    part: slice | None = None,
) -> Latents:
    """The latents of every frame, or of a `part` of the frames, float32 (n, z); at a key exactly the key's.

    `interpolation` is `slerp`, `lerp` or `spline`; `easing` is `linear`, or `smooth` (slow at key points).
    """
    moments = np.arange(frames)[part or slice(None)]
    segments, progress = _locate_frames(len(keys), frames, moments, loop=loop, easing=easing)
    before, start, end, after = (
        _pick(keys.astype(np.float64), segments + step, loop=loop) for step in (-1, 0, 1, 2)
    )  # each (frames, z)
    t = progress[:, None]
    if interpolation == "slerp":
        walked = _slerp(start, end, t)
    elif interpolation == "spline":
        walked = _spline(before, start, end, after, t)
    else:
        walked = _lerp(start, end, t)
    at_key = progress == 0.0
    walked[at_key] = start[at_key]
    return walked.clip(-_LARGEST, _LARGEST).astype(np.float32)


def blend_rows(
    keys: LabelWeights, frames: int, *, loop: bool, easing: str, part: slice | None = None
) -> LabelWeights:
    """Rows blended linearly in step with the walk, as the label weights of its frames are."""
    return walk_latents(keys, frames, interpolation="lerp", loop=loop, easing=easing, part=part)


def _locate_frames(
    key_points: int, frames: int, moments: NDArray[np.intp], *, loop: bool, easing: str
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each moment the key point it comes from, and how far it is on the way to the next, in [0, 1)."""
    places = place_key_points(key_points, frames, loop=loop)
    ends = np.append(places[1:], frames if loop else places[-1] + 1)
    segments = np.searchsorted(places, moments, side="right") - 1
    progress = (moments - places[segments]) / (ends - places)[segments]
    if easing == "smooth":
        progress = progress * progress * (3.0 - 2.0 * progress)
    return segments, progress


def _pick(keys: Points, indices: NDArray[np.intp], *, loop: bool) -> Points:
    """Key points by index, going round in a loop and standing still beyond the ends of an open walk."""
    picked: Points = keys[indices % len(keys) if loop else np.clip(indices, 0, len(keys) - 1)]
    return picked


def _lerp(start: Points, end: Points, t: Points) -> Points:
    return start + t * (end - start)


def _slerp(start: Points, end: Points, t: Points) -> Points:
    """Along the great circle, the length going evenly from one to the other (Shoemake, 1985).

    A straight line where there is no one great circle: parallel, opposite or zero vectors.
    """
    start_length = np.linalg.norm(start, axis=1, keepdims=True)  # (frames, 1)
    end_length = np.linalg.norm(end, axis=1, keepdims=True)
    lengths = start_length * end_length
    cosine = (start * end).sum(axis=1, keepdims=True) / np.where(lengths > 0, lengths, 1.0)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    curved = (lengths > 0) & (np.sin(angle) > 1e-6)
    sine = np.where(curved, np.sin(angle), 1.0)
    direction = np.sin((1 - t) * angle) / sine * start / np.where(curved, start_length, 1.0)
    direction += np.sin(t * angle) / sine * end / np.where(curved, end_length, 1.0)
    length = start_length + t * (end_length - start_length)
    return np.where(curved, direction * length, _lerp(start, end, t))


def _spline(before: Points, start: Points, end: Points, after: Points, t: Points) -> Points:
    """A Catmull-Rom spline (1974): through every key point without a corner, closed in a loop."""
    slope = end - before
    bend = 2 * before - 5 * start + 4 * end - after
    twist = 3 * (start - end) + after - before
    return start + 0.5 * t * (slope + t * (bend + t * twist))
