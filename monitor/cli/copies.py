"""Commands on what is stored as a whole: reparse, backup, restore."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.options import command, note, opened

if TYPE_CHECKING:
    from monitor.store.copies import Copied

__all__ = ["backup_", "reparse_", "restore_"]

_TOLD = 20  # failures that are told one by one


@command("reparse")
@click.option(
    "--since", required=True, metavar="TIME", help="Polls that began then or later; 2d, say."
)
@click.pass_context
def reparse_(ctx: click.Context, since: str) -> int:
    """Read kept answers again, by the parsers of today.

    What sources answered is kept for a while (keep_answers). After an upgrade that mended a parser
    this stores the posts and counters that it reads otherwise, as of the polls that showed them.
    The exit code is 1 if answers could not be read to their end.

    \b
    Example: monitor reparse --since 2d
    """
    progress = (lambda what: note(f"{what} …")) if sys.stderr.isatty() else None
    done = opened(ctx).reparse(since, **({"progress": progress} if progress else {}))
    for poll_id, why in list(done.failed.items())[:_TOLD]:
        note(f"monitor: poll {poll_id}: {why}")
    note(
        f"{done.polls} polls, {done.new_posts} new posts, {done.changed_posts} changed, "
        f"{done.changed_counters} counters new or changed, {len(done.failed)} polls failed"
    )
    return 1 if done.failed else 0


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
