"""What the demo tells at its end, read from the database by the means that everyone has."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.api import Monitor
from monitor.durations import format_duration
from monitor.files import replacing
from monitor.report.chart import columns
from monitor.report.output import write
from monitor.report.text import visible
from monitor.simulate.compare import Account
from monitor.simulate.simulation import Simulation
from monitor.simulate.truth import COUNTED, tables
from monitor.simulate.worlds.world import World

if TYPE_CHECKING:
    import polars as pl

__all__ = ["report"]

WIDTH = 100
FIRST_HOURS = 8

RESPONSES = {
    "competitor replied after": "first_competitor_response_seconds",
    "company answered after": "company_first_response_seconds",
}
RELATIONS = """
select relation, count(*) as posts
from reactions
where event_id = ? and relation <> 'announcement' and excluded_by is null
group by all order by posts desc, relation
"""
NETWORKS = """
select network, count(*) as posts
from reactions join posts using (post_id)
where event_id = ? and relation <> 'announcement' and excluded_by is null
group by all order by posts desc, network
"""
CHANGES = """
with versions as (
    select post_id, text, lag(text) over (partition by post_id order by version) as earlier
    from post_versions
)

select
    (select count(*) from posts where state = 'deleted') as deleted,
    (select count(distinct post_id) from versions where text <> earlier) as edited,
    (select count(*) from posts where state = 'hidden') as hidden
"""
FAILED = """
select source_id, last_error from source_status where last_outcome in ('error', 'throttled')
"""


def report(monitor: Monitor, made: Simulation, event: str, folder: Path) -> int:
    """Print a chart, the series, a summary, the truth beside it and what to try; the exit code."""
    series = monitor.series(event, bucket="1h")
    with replacing(folder / "series.csv") as stream:
        write(series, "csv", stream)
    manifest = monitor.export(folder / "export")
    monitor.report(event, folder / "report")
    scenario = made.world.scenario
    _line(_title(monitor, event))
    _line()
    _chart(monitor, event)
    _line()
    _table(_shown(series))
    _line()
    _summary(monitor, event)
    _line()
    _line("Beside the truth, which only the simulator knows. All that was said and written:")
    _line()
    _table(_truth(made.accounts))
    _line()
    _line("And of the event:")
    _line()
    _table(_event_truth(monitor, made.world, event))
    _line()
    _line(
        f"People and companies are simulated, too: {scenario.title}, "
        f"{scenario.starts_at:%Y-%m-%d} to {scenario.ends_at:%Y-%m-%d}."
    )
    _line()
    _files(folder, series, manifest)
    _line()
    _line("Try:")
    for arguments in _tries(event):
        command = [*_command(), "--config", _near(folder / "monitor.toml"), *arguments]
        _line(f"  {' '.join(map(_quoted, command))}")
    return _failures(monitor, made.accounts)


def _event_truth(monitor: Monitor, world: World, event: str) -> pl.DataFrame:
    """How often people reacted and how fast, as it was and as it was collected."""
    import polars as pl

    true = tables(world)["events"].row(by_predicate=pl.col("event_id") == event, named=True)
    relations = dict(monitor.query(RELATIONS, [event]).rows())
    summary = monitor.summary(event).row(0, named=True)
    rows = [(name, str(true[name]), str(relations.get(one, 0))) for name, one in COUNTED.items()]
    rows += [(name, _span(true[key]), _span(summary[key])) for name, key in RESPONSES.items()]
    names = ["event", "in the world", "collected"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _span(seconds: float | None) -> str:
    return "never" if seconds is None else format_duration(timedelta(seconds=round(seconds)))


def _chart(monitor: Monitor, event: str) -> None:
    """The company's stream in steps of six hours."""
    import polars as pl

    steps = monitor.series(event, bucket="6h").filter(pl.col("flag").fill_null("") != "future")
    before = steps.filter(pl.col("hours_since_announcement") < 0).height
    _line("Posts about the company, a column every six hours (▲: the announcement):")
    _line()
    for line in columns(steps["stream_posts"].to_list(), mark=before):
        _line(line)


def _truth(accounts: list[Account]) -> pl.DataFrame:
    """A column a network: what there was, what was collected, and why the rest was not."""
    import polars as pl

    reasons = sorted({reason for account in accounts for reason in account.unseen})
    columns = {
        account.network: [
            account.truth, account.collected, *(account.unseen[reason] for reason in reasons),
            len(account.lost),
        ]
        for account in accounts
    }  # fmt: skip
    rows = ["in the world", "collected", *(f"unseen: {reason}" for reason in reasons), "lost"]
    return pl.DataFrame({"posts": rows, **columns})


def _title(monitor: Monitor, event: str) -> str:
    (title,) = monitor.query("select title from events where event_id = ?", [event]).row(0)
    return f"Reactions to “{title}”"


def _shown(series: pl.DataFrame) -> pl.DataFrame:
    """The first hours after the announcement, in a few columns."""
    import polars as pl

    hours = pl.col("hours_since_announcement")
    return series.filter((hours >= -1) & (hours < FIRST_HOURS)).select(
        pl.col("bucket_start_utc").dt.strftime("%Y-%m-%d %H:%M").alias("hour_utc"),
        pl.col("observed_ratio").round(2).alias("observed"),
        "posts",
        "authors",
        "replies",
        "quotes",
        "mentions",
        "press",
        pl.col("likes_delta").round(1),
    )


def _summary(monitor: Monitor, event: str) -> None:
    relations = monitor.query(RELATIONS, [event]).rows()
    _line(f"reactions  {sum(n for _, n in relations)}: {_listed(relations)}")
    _line(f"networks   {_listed(monitor.query(NETWORKS, [event]).rows())}")
    ratio = monitor.summary(event)["coverage_ratio"][0]
    known = "unknown" if ratio is None else f"{ratio:.1%}"
    _line(f"coverage   {known} of the replies that the networks say there are")
    deleted, edited, hidden = monitor.query(CHANGES).row(0)
    _line(f"changes    {deleted} deleted, {edited} edited, {hidden} hidden by the announcer")
    _line(f"gaps       {_gaps(monitor, event)}")


def _listed(pairs: list[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {number}" for name, number in pairs) or "none"


def _gaps(monitor: Monitor, event: str) -> str:
    """How many there are by reason, and how many posts are known to be missing.

    A span of time stays a gap when it has ended, a number of posts only while it lasts.
    """
    import polars as pl

    reasons = (
        monitor.gaps(event)
        .filter(pl.col("filled_at").is_null())
        .filter(pl.col("ended_at").is_null() | pl.col("post_id").is_null())
        .group_by("reason")
        .agg(pl.len().alias("n"), pl.col("missing").sum().alias("missing"))
        .sort("reason")
    )
    return (
        ", ".join(
            f"{reason} {n}" + (f" ({missing} missing)" if missing else "")
            for reason, n, missing in reasons.rows()
        )
        or "none"
    )


def _files(folder: Path, series: pl.DataFrame, manifest: Mapping[str, Any]) -> None:
    tables = manifest["tables"]
    _line(f"report     {_near(folder / 'report' / 'index.html')} (a page: open it in a browser)")
    _line(f"series     {_near(folder / 'series.csv')} ({series.height} rows)")
    _line(f"tables     {_near(folder / 'export')} ({len(tables)} tables as CSV, manifest.json)")
    _line(f"truth      {_near(folder / 'truth')}, {_near(folder / 'import')}")
    _line(f"database   {_near(folder / 'data')}")


def _tries(event: str) -> list[list[str]]:
    """Commands that answer without the demo."""
    return [
        ["top", event, "-n", "5"],
        ["series", event, "--by", "network", "--bucket", "6h"],
        ["sql", f"from coverage('{event}') where missing > 0"],
    ]


def _command() -> list[str]:
    script = Path(sys.executable).with_name("monitor")
    return [_near(script)] if script.exists() else [sys.executable, "-m", "monitor"]


def _quoted(word: str) -> str:
    """`word` for a shell; SQL reads better in double quotes."""
    simple = "'" in word and not set(word) & set('"$`\\!')
    return f'"{word}"' if simple else shlex.quote(word)


def _near(path: Path) -> str:
    """`path` as one would type it here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _failures(monitor: Monitor, accounts: list[Account]) -> int:
    """Say what went wrong; the exit code."""
    failed = monitor.query(FAILED).rows()
    wrong = [account for account in accounts if not account.is_exact]
    if failed or wrong:
        _line()
    for source_id, error in failed:
        _line(f"failed     {source_id}: {error}")
    for account in wrong:
        _line(f"not exact  {account.network}: gaps {dict(account.gaps)}, lost {account.lost[:3]}")
    return 1 if failed or wrong else 0


def _table(data: pl.DataFrame) -> None:
    columns = shutil.get_terminal_size((WIDTH, 24)).columns
    write(data, "table", sys.stdout.buffer, width=max(80, min(columns, WIDTH)))


def _line(text: str = "") -> None:
    sys.stdout.buffer.write((visible(text) + "\n").encode())
