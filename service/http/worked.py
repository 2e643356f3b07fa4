"""What making pictures took, for the line in the log: how many they are, and this service's own time.

How long a request takes depends on its client too, which may send its body or read its answer slowly.
"""

import contextvars

_worked: contextvars.ContextVar[tuple[int, int, float] | None] = contextvars.ContextVar(
    "worked", default=None
)


def forget_work() -> None:
    """Let nothing be known of the current request: a task may begin in the context of the one before it."""
    _worked.set(None)


def note_work(images: int, pixels: int, seconds: float) -> None:
    """Note that the current request's answer has so many images and pixels, and took `seconds` to make.

    From its admission to its last byte: what it waited, its share of batches, its encoding.
    """
    _worked.set((images, pixels, seconds))


def describe_work() -> dict[str, float]:
    """The fields of the request's line in the log; none where nothing was drawn for it."""
    worked = _worked.get()
    if worked is None:
        return {}
    images, pixels, seconds = worked
    return {"images": images, "pixels": pixels, "work_s": round(seconds, 6)}
