"""Commands that read: events, series, summary, top, actor, gaps."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.options import Output, as_of, command, opened, output, several_events
from monitor.cli.stdout import say

if TYPE_CHECKING:
    import polars as pl

__all__ = ["actor_", "estimates_", "events_", "gaps_", "series_", "summary_", "top_"]

BY = ("network", "language", "relation", "actor", "company")


@command("events")
@as_of
@output
@click.pass_context
def events_(ctx: click.Context, as_of: str | None, out: Output) -> None:
    """List the events.

    One row an event: what it is, when it was announced, its window, and its posts so far.

    Example: monitor events --format json
    """
    out.write(opened(ctx).events(as_of=as_of))


@command("series")
@several_events
@click.option(
    "--bucket", default="1h", show_default=True, metavar="LENGTH",
    help="The length of a bucket: 15m, 1h, 1d, …",
)  # fmt: skip
@click.option("--by", type=click.Choice(BY), help="Count the posts of each … apart.")
@click.option(
    "--tz", metavar="ZONE",
    help="Days begin at midnight in ZONE (Europe/Berlin; `config`: the configured one).",
)  # fmt: skip
@click.option("--post", metavar="ID", help="The counters of one post over time, instead of EVENT.")
@click.option("--since", metavar="TIME", help="Buckets that begin at TIME or later.")
@click.option("--until", metavar="TIME", help="Buckets that begin before TIME.")
@click.option("--plot", is_flag=True, help="Draw the company's stream instead of a table.")
@as_of
@output
@click.pass_context
def series_(
    ctx: click.Context, /, *, events: Sequence[str] | None, post: str | None, by: str | None,
    plot: bool, out: Output, **when: Any,
) -> None:  # fmt: skip
    """Show an event's reactions over time.

    One row a bucket from the window's start to its end: posts, authors, counters, mood, what was
    expected, and how much of the bucket was observed. Empty means not observed; 0 means none.

    \b
    Example: monitor series --all --bucket 1d --tz Europe/Berlin
    Example: monitor series anthropic-series-g --by network -o series.csv
    Example: monitor series anthropic-series-g --plot
    """
    m = opened(ctx)
    if plot:
        if by or post is not None:
            raise click.UsageError("--plot draws an event's stream; leave --by and --post out")
        _plot(m.series(events, **when), when["bucket"])
    elif post is not None:
        if by:
            raise click.UsageError("--post and --by exclude each other")
        out.write(m.counters(post, **when))
    elif by:
        out.write(m.series_by(events, by, **when))
    else:
        out.write(m.series(events, **when))


def _plot(series: pl.DataFrame, bucket: str) -> None:
    from monitor.report.plot import plot

    width = shutil.get_terminal_size().columns
    for _, rows in series.group_by("event_id", maintain_order=True):
        for line in plot(rows, bucket, width):
            say(line)


_window = click.option(
    "--window", default="24h", show_default=True, metavar="LENGTH",
    help="So much after the announcement is summed up as the abnormal reaction.",
)  # fmt: skip


@command("summary")
@several_events
@_window
@as_of
@output
@click.pass_context
def summary_(
    ctx: click.Context, /, *, events: Sequence[str] | None, out: Output, **more: Any
) -> None:
    """Sum an event up in one row.

    With --format json one event is an object, several or --all are an array.

    \b
    Example: monitor summary anthropic-series-g --format json
    Example: monitor summary anthropic-series-g --window 6h
    """
    single = events is not None and len(events) == 1
    out.write(opened(ctx).summary(events, **more), single=single)


@command("estimates")
@several_events
@_window
@as_of
@output
@click.pass_context
def estimates_(
    ctx: click.Context, /, *, events: Sequence[str] | None, out: Output, **more: Any
) -> None:
    """Show how an event's estimates came about.

    One row an estimate: its value and interval, the method, how many observations went in, and
    the flag that says why it is empty. The abnormal reaction of the window and of each day after
    the announcement, and the half-life. SQL has them in the table estimates, as of the last run.

    \b
    Example: monitor estimates anthropic-series-g
    Example: monitor estimates --all --window 3d --format csv
    """
    out.write(opened(ctx).estimates(events, **more))


@command("top")
@click.argument("event")
@click.option(
    "-n", "n", type=click.IntRange(min=1), default=20, show_default=True, help="How many posts."
)
@as_of
@output
@click.pass_context
def top_(ctx: click.Context, event: str, n: int, as_of: str | None, out: Output) -> None:
    """Rank an event's reactions by engagement.

    By likes + reposts + replies + quotes, then views, time and id.

    Example: monitor top anthropic-series-g -n 5
    """
    out.write(opened(ctx).top(event, n, as_of=as_of))


@command("actor")
@click.argument("actor")
@as_of
@output
@click.pass_context
def actor_(ctx: click.Context, actor: str, as_of: str | None, out: Output) -> None:
    """List what an actor said of watched companies.

    One row a post, company and event, before and after the announcement: the role of the actor,
    how the post belongs to the event, its lag behind the announcement, its counters.

    Example: monitor actor elon-musk
    """
    out.write(opened(ctx).actor(actor, as_of=as_of))


@command("gaps")
@click.argument("event")
@click.option("--open", "only_open", is_flag=True, help="Only those that have not ended.")
@as_of
@output
@click.pass_context
def gaps_(
    ctx: click.Context, event: str, only_open: bool, as_of: str | None, out: Output
) -> None:  # fmt: skip
    """Show what was not seen of an event, and why.

    One row a hole in time of one of its sources, or a number of posts known to be missing.

    Example: monitor gaps anthropic-series-g --open
    """
    out.write(opened(ctx).gaps(event, only_open=only_open, as_of=as_of))
