"""What a machine has run out of, in words: a client may ask again, and learns no path."""

import errno

from foundation.errors import Unavailable

_SENTENCES = {
    errno.ENOSPC: "This machine's disk is full.",
    errno.EDQUOT: "This service may not write more to its disk.",
    errno.EFBIG: "This service may not write a file so large.",
    errno.EMFILE: "This service has as many files and connections open as it may.",
    errno.ENFILE: "This machine has as many files open as it can.",
    errno.ENOMEM: "This machine has no memory left.",
}
_NO_PLACE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR})
_RETRY_AFTER_S = 10


class Exhausted(Unavailable):
    """The machine has no disk, memory or file handles left for this request."""

    code = "exhausted"


def explain_exhaustion(error: BaseException) -> Exhausted | None:
    """The refusal that stands for `error`, None where nothing has run out."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, MemoryError):
        number = errno.ENOMEM
    sentence = _SENTENCES.get(number or 0)
    if sentence is None:
        return None
    return Exhausted(f"{sentence} Try again in {_RETRY_AFTER_S} s.", retry_after_s=_RETRY_AFTER_S)


def explain_no_place(error: BaseException) -> Exhausted | None:
    """The refusal where a file of the service's own has no place: its folder is away or read-only."""
    if not isinstance(error, OSError) or error.errno not in _NO_PLACE:
        return None
    return Exhausted(
        f"This service cannot write to its temporary folder. Try again in {_RETRY_AFTER_S} s.",
        retry_after_s=_RETRY_AFTER_S,
    )
