"""`--as-of T` prints what was printed at T: a world collected in stages, asked at each of them.

Between the stages posts are edited, deleted, hidden and found late, counters rise, gaps open and
close, and somebody says of posts that they are not about the event. Imports stand apart: what they
bring was known when it was said, and so stands in what is asked of earlier moments, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import msgspec
import polars as pl
import pytest

from monitor.api import Monitor
from monitor.clock import Clock
from monitor.config import Config, Enrich
from monitor.enrich.score import Scorer
from monitor.report.ask import GROUPS
from monitor.schedule.scoring import Queue, score_all
from monitor.session import DATABASE
from monitor.simulate.run import _run, _written
from monitor.simulate.virtual import run_virtually
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import load
from monitor.simulate.worlds.world import World
from monitor.store.database import Database
from monitor.store.writer import Writer

STOPS = [timedelta(hours=hours) for hours in (0.5, 2, 5, 11, 23, 40)]
WORKED = timedelta(seconds=30)  # until the polls of a moment are stored
SCORED = Scorer.of(Enrich())

Printed = dict[str, str]


@dataclass
class At(Clock):
    moment: datetime

    def now(self) -> datetime:
        return self.moment


def printed(m: Monitor, event: str, actor: str, posts: list[str], as_of: str | None) -> Printed:
    """Everything that commands print, as CSV."""
    asked: dict[str, Callable[[], pl.DataFrame]] = {
        "events": lambda: m.events(as_of=as_of),
        "summary": lambda: m.summary(event, as_of=as_of),
        "series": lambda: m.series(event, bucket="1h", as_of=as_of),
        "series of days": lambda: m.series(event, bucket="1d", tz="Asia/Kolkata", as_of=as_of),
        "top": lambda: m.top(event, 50, as_of=as_of),
        "gaps": lambda: m.gaps(event, as_of=as_of),
        "open gaps": lambda: m.gaps(event, only_open=True, as_of=as_of),
        "actor": lambda: m.actor(actor, as_of=as_of),
    }
    for by in GROUPS:
        asked[f"series by {by}"] = partial(m.series_by, event, by, bucket="6h", as_of=as_of)
    for post in posts:
        asked[f"post {post}"] = partial(m.counters, post, as_of=as_of)
    return {name: ask().write_csv() for name, ask in asked.items()}


@dataclass
class Asked:
    """A moment, and what was printed then."""

    moment: datetime
    posts: list[str]
    said: Printed
    report: dict[str, bytes]


def reported(m: Monitor, event: str, folder: Path, as_of: str | None) -> dict[str, bytes]:
    """The CSV files of a report."""
    m.report(event, folder, as_of=as_of)
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.csv"))}


@dataclass
class Told:
    """A world that was collected in stages."""

    config: Config
    event: str
    actor: str
    asked: list[Asked]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    world = small()
    (event,) = world.scenario.event
    folder, start = tmp_path_factory.mktemp("as-of"), world.announced_at(event)
    actor, asked = f"{event.company}-account", []
    edges = [world.scenario.starts_at, *(start + stop for stop in STOPS)]
    for n, (begin, until) in enumerate(pairwise(edges)):
        config = _written(world, folder, until)
        run_virtually(begin + WORKED, partial(_run, world, config, until, lambda _: None))
        now = until + WORKED
        with Database.open(config.monitor.data_dir / DATABASE) as database:
            _after_work(database, config, event.id, now, exclude=n == 2)
        with Monitor(config, clock=At(now)) as m:
            posts = m.top(event.id, 3)["post_id"].to_list()
            said = printed(m, event.id, actor, posts, None)
            report = reported(m, event.id, folder / f"report{n}", None)
            asked.append(Asked(now, posts, said, report))
    return Told(config, event.id, actor, asked)


def small() -> World:
    """Two days of a loud world in which everything happens."""
    scenario = load("crisis")
    trouble = msgspec.structs.replace(scenario.trouble, hidden=0.1, withheld=0.1)
    (event,) = scenario.event
    before = timedelta(hours=12)
    return make(msgspec.structs.replace(scenario, before=before, trouble=trouble, event=(event,)))


def _after_work(
    database: Database, config: Config, event: str, now: datetime, *, exclude: bool
) -> None:
    writer = Writer(database, config, At(now))
    queue = Queue(database, writer, SCORED)
    score_all(queue, writer, SCORED)
    queue.close()
    if exclude:
        top = database.query("select post_id from top_reactions(?, 2)", [event])["post_id"]
        assert writer.exclude(event, top.to_list(), undo=False) == 2
    writer.close()


@pytest.fixture
def later(told: Told) -> Iterator[Monitor]:
    """When everything has happened."""
    with Monitor(told.config, clock=At(told.asked[-1].moment)) as m:
        yield m


def test_things_happened_between_the_stages(told: Told, later: Monitor) -> None:
    states = set(later.query("select distinct state from post_versions")["state"])
    assert {"live", "deleted"} <= states
    assert later.query("select count(*) from post_versions where version > 1").item() > 3
    assert later.query("select count(*) from gaps where filled_at is not null").item() >= 0
    assert later.query("select count(*) from reactions where excluded_by is not null").item() == 2
    assert later.query("select count(distinct language) from posts").item() > 1
    said = [one.said["series"] for one in told.asked]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize("n", range(len(STOPS)))
def test_as_of_a_moment_is_what_was_printed_then(told: Told, later: Monitor, n: int) -> None:
    then = told.asked[n]
    now = printed(later, told.event, told.actor, then.posts, then.moment.isoformat())
    differing = [name for name in then.said if now[name] != then.said[name]]
    assert differing == [], _first_difference(then.said[differing[0]], now[differing[0]])


@pytest.mark.parametrize("n", range(len(STOPS)))
def test_a_report_as_of_a_moment_is_the_report_of_then(
    told: Told, later: Monitor, tmp_path: Path, n: int
) -> None:
    then = told.asked[n]
    now = reported(later, told.event, tmp_path / "r", then.moment.isoformat())
    assert [name for name in now if now[name] != then.report[name]] == []


def _first_difference(then: str, now: str) -> str:
    lines = list(zip(then.splitlines(), now.splitlines(), strict=False))
    found = next((pair for pair in lines if pair[0] != pair[1]), ("one has more lines", ""))
    return f"\n{then.splitlines()[0]}\nthen {found[0]}\nnow  {found[1]}"
