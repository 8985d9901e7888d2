"""What a process that runs for months asks of its C library."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_memory_together"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of glibc's malloc.h


def keep_memory_together() -> None:
    """Let what is freed go back to the system; call it before the first thread starts.

    By itself glibc learns from the first large block that is freed to keep such blocks in its
    heap, where small ones that live long hold them fast. Elsewhere than on Linux nothing happens.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(_ARENA_MAX, 2)
        mallopt(_MMAP_THRESHOLD, 64 * 1024)
        mallopt(_TRIM_THRESHOLD, 128 * 1024)
