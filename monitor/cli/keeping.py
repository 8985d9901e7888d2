"""Commands on the data as a whole, and on what belongs to it: export, import, exclude."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from monitor.cli.options import as_of, command, note, opened, several_events

__all__ = ["exclude_", "export_", "import_", "report_"]


@command("export")
@click.option(
    "-o", "--output", "folder", required=True, type=click.Path(path_type=Path), metavar="DIR",
    help="The folder to write; an earlier export in it is replaced.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True,
    help="TABLE.csv, or TABLE/network=…/day=…/part-0.parquet.",
)  # fmt: skip
@click.option("--excel", is_flag=True, help="CSV for spreadsheets: BOM, harmless text.")
@click.option("--force", is_flag=True, help="Also into a folder that holds other files.")
@click.pass_context
def export_(ctx: click.Context, folder: Path, form: str, excel: bool, force: bool) -> None:
    """Write every table to a folder.

    Beside them manifest.json says which query made each file, its rows and SHA-256, and as of
    when the data is.

    \b
    Example: monitor export -o export
    Example: monitor export -o lake --format parquet
    """
    if excel and form != "csv":
        raise click.UsageError("--excel is about csv, not parquet")
    manifest = opened(ctx).export(folder, form=form, excel=excel, force=force, progress=_progress())
    rows = sum(table["rows"] for table in manifest["tables"].values())
    note(f"{folder}: {len(manifest['tables'])} tables, {rows} rows")


@command("report")
@several_events
@click.option(
    "-o", "--output", "folder", required=True, type=click.Path(path_type=Path), metavar="DIR",
    help="The folder to write; an earlier report in it is replaced.",
)  # fmt: skip
@click.option("--bucket", default="1h", show_default=True, help="Length of a bucket of series.csv.")
@click.option("--tz", default="config", metavar="ZONE", help="Clock of days and of the page.")
@as_of
@click.option("--excel", is_flag=True, help="CSV for spreadsheets: BOM, harmless text.")
@click.option("--force", is_flag=True, help="Also into a folder that holds other files.")
@click.pass_context
def report_(
    ctx: click.Context, /, events: tuple[str, ...] | None, folder: Path, **more: Any
) -> None:  # fmt: skip
    """Write a report on events to a folder.

    index.html is one page for readers: what happened, who went furthest, and what was not seen.
    Beside it stand the numbers as CSV, columns.csv that explains them, and manifest.json with the
    statement behind each file. The same data gives the same bytes.

    \b
    Example: monitor report anthropic-series-g -o report
    Example: monitor report --all -o report --as-of 2026-02-13T12:00:00Z
    """
    manifest = opened(ctx).report(events, folder, progress=_progress() or _quiet, **more)
    posts = manifest["files"]["posts"]["rows"]
    note(f"{folder}/index.html: {len(manifest['events'])} events, {posts} posts")


@command("import")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option("--strict", is_flag=True, help="Store nothing if any row is bad.")
@click.option(
    "--observed", metavar="FROM..TO",
    help="The span that the files cover whole, instead of everything until now.",
)  # fmt: skip
@click.pass_context
def import_(ctx: click.Context, files: tuple[Path, ...], strict: bool, observed: str | None) -> int:
    """Import posts and counters, or lists of feeds, from files.

    CSV, JSONL, Parquet, JSONL of twarc 2, OPML (its feeds are followed from now on). Posts need
    post_id, network and created_at; counters post_id and observed_at. Other columns bear the names
    of the tables `posts` and `engagement`; event_id, relation and score say where a post belongs
    and how it sounds. Importing twice changes nothing.

    A bad row is told with file and line and left out, the others go in; the exit code is then 1.

    \b
    Example: monitor import posts.csv counters.csv
    Example: monitor import posts.jsonl --observed 2026-02-01..2026-03-01
    """
    span = None
    if observed is not None:
        start, found, end = observed.partition("..")
        if not found:
            raise click.UsageError(f"--observed {observed}: write FROM..TO")
        span = (start, end)
    rows = (lambda file, rows: note(f"{file}: {rows} rows …")) if sys.stderr.isatty() else None
    report = opened(ctx).bring(
        files, observed=span, strict=strict, **({"progress": rows} if rows else {})
    )
    for file, columns in report.ignored.items():
        note(f"{file}: ignored unknown columns: {', '.join(columns)}")
    for line in report.bad:
        note(line)
    if report.bad_rows > len(report.bad):
        note(f"and {report.bad_rows - len(report.bad)} more bad rows")
    if strict and report.bad_rows:
        note(f"nothing was imported: {report.bad_rows} bad rows")
    else:
        for feed in report.new_feeds:
            note(f"follows {feed}")
        feeds = f"{report.feeds} feeds ({len(report.new_feeds)} new), " if report.feeds else ""
        note(
            f"{feeds}{report.posts} posts ({report.new_posts} new), {report.counters} counters "
            f"({report.changed_counters} new or changed), {report.bad_rows} bad rows"
        )
    return 1 if report.bad_rows else 0


@command("exclude")
@click.argument("event")
@click.argument("posts", nargs=-1, required=True, metavar="POST...")
@click.option("--undo", is_flag=True, help="Count them again.")
@click.pass_context
def exclude_(ctx: click.Context, event: str, posts: tuple[str, ...], undo: bool) -> None:
    """Say that posts are not about an event.

    They leave every count and stay in the data (`reactions.excluded_by`). POST is a post's id or
    its URL.

    Example: monitor exclude anthropic-series-g hackernews:123
    """
    changed = opened(ctx).exclude(event, posts, undo=undo)
    note(f"{event}: {changed} posts {'counted again' if undo else 'excluded'}")


def _progress() -> Callable[[str], None] | None:
    if not sys.stderr.isatty():
        return None
    return lambda name: note(f"{name} …")


def _quiet(_name: str) -> None:
    pass
