"""The folder of a simulation: empty, or made by an earlier one; and which world it holds."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import msgspec

from monitor.errors import UsageError
from monitor.simulate.worlds.scenario import Scenario
from monitor.store.lock import DataLock

__all__ = ["MARKER", "cleared", "resumed"]

MARKER = ".monitor-simulation"
_MADE = ("data", "export", "import", "report", "truth", "monitor.toml", "series.csv")
"""What simulations write; anything else in their folder is somebody's own."""


def cleared(folder: Path, scenario: Scenario) -> None:
    """Make `folder` ready for a world: what an earlier simulation left is removed.

    Raises:
        UsageError: it holds what somebody else made, or can't be written.
        StoreBusy: somebody works with the data in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / MARKER).is_file():
            raise UsageError(
                f"{folder}: is not empty, and was not made by a simulation; name another folder"
            )
        if (folder / "data").is_dir():
            DataLock(folder / "data").acquire().close()  # nobody works there still
        for name in _MADE:
            _remove(folder / name)
        (folder / MARKER).write_text(_fingerprint(scenario) + "\n", "utf8")
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}; name a folder that you can write") from error


def resumed(folder: Path, scenario: Scenario) -> None:
    """Check that `folder` holds this very world.

    Raises:
        UsageError: it holds another, or none.
    """
    try:
        held = (folder / MARKER).read_text("utf8").strip()
    except OSError:
        raise UsageError(
            f"{folder}: no simulation was made here that could go on; leave --resume out"
        ) from None
    if held != _fingerprint(scenario):
        raise UsageError(
            f"{folder}: holds another world; resume with its own scenario and seed, "
            "or leave --resume out to replace it"
        )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _fingerprint(scenario: Scenario) -> str:
    settings = msgspec.json.encode(scenario, enc_hook=str, order="deterministic")
    return hashlib.sha256(settings).hexdigest()
