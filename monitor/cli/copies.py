"""Commands on the whole database: backup, restore."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.options import command, note, opened

if TYPE_CHECKING:
    from monitor.store.copies import Copied

__all__ = ["backup_", "restore_"]


@command("backup")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.pass_context
def backup_(ctx: click.Context, file: Path) -> None:
    """Write the database to one file, also of a running daemon.

    FILE is a DuckDB database that any client can read. A backup of that name is replaced when the
    new one is whole and has been opened.

    \b
    Example: monitor backup monitor-backup.duckdb
    """
    note(f"{file}: {_told(opened(ctx).backup(file))}")


@command("restore")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.pass_context
def restore_(ctx: click.Context, file: Path) -> None:
    """Put a backup in the place of the database.

    The daemon must not run (exit code 75). The data that is replaced stays beside the database;
    nothing is changed before the backup has been copied and opened.

    \b
    Example: monitor restore monitor-backup.duckdb
    """
    progress = (lambda what: note(f"{file}: {what} …")) if sys.stderr.isatty() else None
    done = opened(ctx).restore(file, **({"progress": progress} if progress else {}))
    note(f"{file}: restored, {_told(done)}")
    if done.kept is not None:
        note(f"what was there before: {done.kept}")


def _told(copied: Copied) -> str:
    size = f"{copied.bytes / 1e6:.1f} MB"
    if copied.data_as_of is None:
        return f"{copied.posts} posts, {size}"
    return f"{copied.posts} posts, {size}, data as of {copied.data_as_of:%Y-%m-%dT%H:%M:%SZ}"
