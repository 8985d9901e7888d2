"""What a process that runs for months asks of its C library."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable

__all__ = ["give_memory_back", "keep_memory_together"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of glibc's malloc.h


def keep_memory_together() -> None:
    """Let what is freed go back to the system; call it before the first thread starts.

    By itself glibc learns from the first large block that is freed to keep such blocks in its
    heap, where small ones that live long hold them fast. Python looks for cycles the less often,
    the more there is: what is loaded by now is left out of it.
    """
    gc.collect()
    gc.freeze()
    mallopt = _of_glibc("mallopt")
    if mallopt is not None:
        mallopt(_ARENA_MAX, 2)
        mallopt(_MMAP_THRESHOLD, 64 * 1024)
        mallopt(_TRIM_THRESHOLD, 128 * 1024)


def give_memory_back() -> None:
    """Let go of whole pages that lie free between blocks in use; a few milliseconds.

    By itself glibc only lets go of what is free at the end of its heap, and after a burst of posts
    that is little: what was remembered meanwhile lies there.
    """
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    """A function of the C library; None where it has none of that name, as musl."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
