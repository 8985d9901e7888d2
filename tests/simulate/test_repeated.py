"""The same world collected again, and by processes that are killed on the way.

For ten hours of the loudest scenario: two runs leave the same database, and a run that is
killed and goes on leaves what an undisturbed one leaves.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import polars as pl

from monitor.api import Monitor
from monitor.config import Config
from monitor.simulate.compare import compare
from monitor.simulate.run import collect
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import load as scenario
from monitor.simulate.worlds.world import World

# What a restart may change: numbers given in the order of work, and the moment of writing.
OF_THE_RUN = {"recorded_at", "poll_id", "gap_id"}
TABLES = (
    "posts", "post_versions", "sightings", "engagement", "claims", "reactions", "company_mentions",
    "announcements", "polls", "gaps", "sources",
)  # fmt: skip


def content(config: Config, *, left_out: set[str] = frozenset()) -> dict[str, pl.DataFrame]:
    """Every table in one order, whatever the order of writing was."""
    found = {}
    with Monitor(config) as monitor:
        for table in TABLES:
            frame = monitor.query(f"from {table}").drop(*left_out, strict=False)
            found[table] = frame.sort(pl.all().cast(pl.String, strict=False).fill_null(""))
    return found


def assert_equal(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> None:
    for table in TABLES:
        assert one[table].height > 0
        assert one[table].equals(other[table]), table


def small(*, faults: bool) -> World:
    """Ten hours of the loudest scenario."""
    loud = scenario("crisis")
    return make(
        msgspec.structs.replace(
            loud,
            before=timedelta(hours=3),
            after=timedelta(hours=7),
            fault=loud.fault if faults else (),
            limit=loud.limit if faults else (),
        )
    )


def test_two_runs_leave_the_same_database(tmp_path: Path) -> None:
    world = small(faults=True)
    one, other = (collect(world, tmp_path / name) for name in ("one", "other"))
    assert_equal(content(one), content(other))


KILLED = """
import sys
from pathlib import Path
from tests.simulate.test_repeated import small
from monitor.simulate.run import collect
collect(small(faults=False), Path(sys.argv[1]), progress=lambda p: print(p.polls, flush=True))
"""


def test_a_kill_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    """No faults here: late answers move later polls, and limits forget what was spent."""
    world = small(faults=False)
    undisturbed = collect(world, tmp_path / "undisturbed")
    for polls in (1, 20, 90, 50, 110):
        killed_after(polls, tmp_path / "killed")
    config = collect(world, tmp_path / "killed")
    assert_equal(content(undisturbed, left_out=OF_THE_RUN), content(config, left_out=OF_THE_RUN))
    with Monitor(config) as monitor:
        assert all(account.is_exact for account in compare(world, monitor.query))


def killed_after(polls: int, folder: Path) -> None:
    """Collect in a process that is killed when so many polls were stored, in one of its lives."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    told = next(line for line in process.stdout if int(line) >= polls)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert told
