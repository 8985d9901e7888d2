"""A folder that the simulator may clear: an empty one, or one that it has made itself."""

from __future__ import annotations

import shutil
from pathlib import Path

from monitor.errors import UsageError
from monitor.store.lock import DataLock

__all__ = ["MARKER", "cleared"]

MARKER = ".monitor-simulation"


def cleared(directory: Path, *, hint: str) -> Path:
    """`directory`, empty but for the mark that makes it ours.

    Args:
        hint: how to name another one.

    Raises:
        UsageError: it holds what somebody else made, or can't be written.
        StoreBusy: somebody works with the data in it.
    """
    folder = directory.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = list(folder.iterdir())
        if held and not (folder / MARKER).is_file():
            raise UsageError(
                f"{folder}: is not empty, and was not made by a simulation; name another: {hint}"
            )
        if (folder / "data").is_dir():
            DataLock(folder / "data").acquire().close()  # nobody works there still
        (folder / MARKER).touch()
        for one in held:
            if one.is_dir() and not one.is_symlink():
                shutil.rmtree(one)
            elif one.name != MARKER:
                one.unlink()
    except OSError as error:
        raise UsageError(
            f"{folder}: {error.strerror}; name a folder that you can write: {hint}"
        ) from error
    return folder
