"""Giving memory back to the system."""

import ctypes
import os

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD in glibc's malloc.h
_BLOCK_BYTES = 2**20


def return_large_blocks() -> bool:
    """Let glibc map blocks of 1 MiB and more on their own, so that freeing them gives them back at once.

    By itself it raises that threshold up to 32 MiB as such blocks are freed (mallopt(3)), and keeps what
    comes next in heaps whose ends are in use: after a few walks, ten times the memory that is needed. This
    holds however the service is started; `MALLOC_MMAP_THRESHOLD_`, where set, goes before it. Other C
    libraries, such as musl, are left as they are. Whether it was done.
    """
    if "MALLOC_MMAP_THRESHOLD_" in os.environ or "CS_GNU_LIBC_VERSION" not in os.confstr_names:
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _BLOCK_BYTES))
    except AttributeError:
        return False
