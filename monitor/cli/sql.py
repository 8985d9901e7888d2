"""The command that asks in SQL."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from monitor.cli.options import Output, command, opened, output

__all__ = ["sql_"]


@command("sql")
@click.argument("query", required=False)
@click.option(
    "-f", "--file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
    help="Read the statement from FILE.",
)  # fmt: skip
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    help="Stop the statement after so long.",
)  # fmt: skip
@output
@click.pass_context
def sql_(
    ctx: click.Context, query: str | None, file: Path | None, timeout: float | None, out: Output
) -> None:  # fmt: skip
    """Run one reading SQL statement.

    QUERY is SELECT, FROM, DESCRIBE, SHOW or SUMMARIZE in DuckDB's dialect; `-` reads it from
    standard input. Nothing can be changed by it.

    \b
    Example: monitor sql "SELECT network, count(*) AS posts FROM posts GROUP BY ALL"
    Example: echo "FROM events" | monitor sql -
    """
    out.write(opened(ctx).query(_statement(query, file), timeout=timeout))


def _statement(query: str | None, file: Path | None) -> str:
    if (query is None) == (file is None):
        raise click.UsageError("give a QUERY, or -f FILE, or - to read it from standard input")
    try:
        if file is not None:
            return file.read_bytes().decode("utf-8-sig")
        return sys.stdin.buffer.read().decode("utf-8-sig") if query == "-" else str(query)
    except UnicodeDecodeError as error:
        raise click.UsageError(f"the statement is not UTF-8: {error}") from error
