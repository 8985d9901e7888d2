"""Folders that are replaced as a whole: written beside their place, the manifest last."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monitor.errors import MonitorError, UsageError
from monitor.files import sync_folder, sync_tree

__all__ = ["MANIFEST", "recorded", "replaced", "write_manifest"]

MANIFEST = "manifest.json"


@contextmanager
def replaced(folder: Path, names: Sequence[str], kind: str, *, force: bool) -> Iterator[Path]:
    """Yield a temporary folder to fill; its pieces take their places if the block ends well.

    Args:
        names: of all pieces that may be ours; nothing else in `folder` is touched. They are put in
            place from the last to the first, which is the manifest: a folder without one is not
            finished.
        kind: what the folder is, as its manifest's `command` and as an error calls it.

    Raises:
        UsageError: `folder` holds something else than an earlier one and `force` is off.
    """
    _check(folder, kind, force=force)
    temporary = folder / f".{kind}-{secrets.token_hex(4)}.tmp"
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"{folder}: can't be written: {error.strerror}") from error
    try:
        yield temporary
        sync_tree(temporary)
        _replace(folder, temporary, names)
    except OSError as error:
        raise MonitorError(f"{folder}: can't be written: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check(folder: Path, kind: str, *, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; name a folder")
    if force or not folder.exists() or _made_by(folder) == kind:
        return
    foreign = next(iter(sorted(folder.iterdir())), None)
    if foreign is not None:
        raise UsageError(
            f"{folder}: holds {foreign.name} and is no earlier {kind}; name an empty folder, "
            "or say --force (files that are not ours stay)"
        )


def _made_by(folder: Path) -> str | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    command = manifest.get("command") if isinstance(manifest, dict) else None
    return command if isinstance(command, str) else None


def _replace(folder: Path, temporary: Path, names: Iterable[str]) -> None:
    """Put the new pieces where the old ones were; only names of ours are touched."""
    names = list(names)
    for name in names:
        old = folder / name
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        else:
            old.unlink(missing_ok=True)
    for name in reversed([n for n in names if (temporary / n).exists()]):
        (temporary / name).rename(folder / name)
    sync_folder(folder)


def recorded(folder: Path, path: Path, rows: int) -> dict[str, Any]:
    """What a manifest says of a file: its place, rows, bytes and SHA-256."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {
        "path": path.relative_to(folder).as_posix(),
        "rows": rows,
        "bytes": path.stat().st_size,
        "sha256": digest,
    }


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write `manifest` into `folder`."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
