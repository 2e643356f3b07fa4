"""What the machine refuses while a command works, such as a full disk or a folder that is only read."""

import errno
import os

from foundation.errors import GanymedeError

MAX_NAME = 200
"""Characters of a file's name that are shown."""


REFUSED = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
    | {errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENODEV, errno.ENXIO}
)
"""What needs no file's name to be understood."""


class MachineRefuses(GanymedeError):
    """The disk, the memory or the rights of this machine do not allow it; the message says where."""

    code = "machine-refuses"


def is_refusal(error: OSError | MemoryError) -> bool:
    """Whether the machine is to blame: of any other error, a library's or our own, the trace is wanted."""
    if isinstance(error, MemoryError | ConnectionError | TimeoutError):
        return True
    return error.filename is not None or error.errno in REFUSED


def explain_refusal(error: OSError | MemoryError) -> str:
    """Return what was refused, with the file that it concerns where the system names one."""
    if isinstance(error, MemoryError):
        return f"this machine has no memory left{f' ({error})' if str(error) else ''}."
    why = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return f"the system refuses to read or write: {why}."
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
    shown = name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"
    return f"{shown}: {why}."
