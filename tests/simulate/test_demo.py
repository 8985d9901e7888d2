"""The demo as users run it: what it prints is what its database and its files say."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.api import Monitor
from monitor.config import load
from monitor.errors import StoreBusy, UsageError
from monitor.report.chart import columns
from monitor.simulate import demo
from monitor.simulate.compare import NOBODY_SAYS, compare
from monitor.simulate.folder import MARKER, cleared
from monitor.simulate.truth import COUNTED, tables
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import load as scenario
from monitor.store.lock import DataLock

ROOT = Path(__file__).parents[2]
SECONDS = 300
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("MONITOR_")},
    "PYTHONPATH": str(ROOT),
    "COLUMNS": "100",
}


@dataclass(frozen=True)
class Played:
    """A demo that has ended."""

    folder: Path
    out: str
    err: str
    monitor: Monitor

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.monitor.query(sql).rows()


def start(folder: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "monitor", "demo", str(folder)],
        cwd=folder.parent, env={**ENVIRONMENT, **environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("played") / "demo"
    elsewhere = folder.parent / "elsewhere"
    process = start(folder, MONITOR_DATA_DIR=str(elsewhere))
    try:
        out, err = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert not elsewhere.exists(), "the demo must leave the user's own data alone"
    assert process.returncode == 0, out + err
    config = load(folder / "monitor.toml", env={})
    with Monitor(config) as monitor:
        yield Played(folder, out, err, monitor)


def test_the_truth_beside_it_is_exact(played: Played) -> None:
    accounts = compare(make(scenario(demo.SCENARIO)), played.monitor.query)
    assert all(account.is_exact for account in accounts), accounts
    table = played.out.partition("Beside the truth")[2].partition("All of it is")[0]
    printed = {
        line[:24].strip(): [int(n) for n in line[24:].split()]
        for line in table.splitlines()
        if re.match(r"(in the world|collected|unseen: \w+|lost) ", line)
    }
    assert printed["in the world"] == [account.truth for account in accounts]
    assert printed["collected"] == [account.collected for account in accounts]
    assert printed["lost"] == [0] * len(accounts)
    for reason in {reason for account in accounts for reason in account.unseen}:
        counts = [account.unseen[reason] for account in accounts]
        assert printed[f"unseen: {reason}"] == counts
    nobody = Counter({r: n for a in accounts for r, n in a.unseen.items() if r in NOBODY_SAYS})
    assert nobody == {"uncounted": 2, "unnoticed": 6}


def test_the_event_stands_beside_its_truth(played: Played) -> None:
    table = played.out.partition("And of the event:")[2]
    printed = {
        line[:26].strip(): line[26:].split()
        for line in table.splitlines()
        if re.match(r"[a-z ]+ {2,}\d+h? +\d+h?$", line)
    }
    (event,) = tables(make(scenario(demo.SCENARIO)))["events"].rows(named=True)
    counts = dict(played.rows("select relation, count(*) from reactions group by relation"))
    for name, relation in COUNTED.items():
        assert printed[name] == [str(event[name]), str(counts[relation])]
    assert printed["competitor replied after"] == ["21h", "21h"]
    assert printed["company answered after"] == ["9h", "9h"]


def test_the_store_keeps_its_promises(played: Played) -> None:
    assert played.monitor.verify() == []


def test_the_chart_shows_the_stream(played: Played) -> None:
    steps = played.monitor.series(demo.EVENT, bucket="6h")
    chart = columns(steps["stream_posts"].to_list())
    for line in chart:
        assert line in played.out.splitlines()
    assert any("▲" in line for line in played.out.splitlines())


def test_the_hours_are_those_of_the_database(played: Played) -> None:
    hours = re.findall(
        r"^(\d{4}-\d\d-\d\d \d\d:00) +([\d.]+) +(\d+)", played.out, flags=re.MULTILINE
    )
    series = played.rows(
        "select strftime(bucket_start_utc, '%Y-%m-%d %H:%M'), posts from event_series("
        f"'{demo.EVENT}', '1h') where hours_since_announcement >= -1 "
        "and hours_since_announcement < 8"
    )
    assert [(hour, int(n)) for hour, _, n in hours] == series
    assert len(hours) == 9
    assert max(map(len, played.out.split("Try:")[0].splitlines())) <= 110


def test_the_summary_is_that_of_the_database(played: Played) -> None:
    ((posts, deleted),) = played.rows(
        "select (select count(*) from reactions where relation <> 'announcement'),"
        " (select count(*) from posts where state = 'deleted')"
    )
    assert f"reactions  {posts}: " in played.out
    assert f"changes    {deleted} deleted, " in played.out


def test_the_files_hold_what_the_database_says(played: Played) -> None:
    with (played.folder / "series.csv").open(newline="", encoding="utf8") as stream:
        rows = list(csv.DictReader(stream))
    expected = played.rows(f"select posts, replies from event_series('{demo.EVENT}', '1h')")
    assert [(r["posts"], r["replies"]) for r in rows] == [
        tuple("" if n is None else str(n) for n in row) for row in expected
    ]
    manifest = json.loads((played.folder / "export" / "manifest.json").read_text("utf8"))
    ((count,),) = played.rows("select count(*) from posts")
    assert manifest["tables"]["posts"]["rows"] == count
    assert (played.folder / "truth" / "posts.csv").is_file()
    page = (played.folder / "report" / "index.html").read_text("utf8")
    assert "scored by <code>linear-1</code>" in page


def test_the_commands_to_try_work_when_the_demo_has_ended(played: Played) -> None:
    commands = [line.strip() for line in played.out.split("Try:")[1].splitlines() if line.strip()]
    assert len(commands) == 3
    for command in commands:
        assert "--config demo/monitor.toml " in command
        done = subprocess.run(
            command, shell=True, cwd=played.folder.parent, env=ENVIRONMENT, timeout=60,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stderr)
        assert len(done.stdout.splitlines()) > 1


def test_nothing_is_said_on_standard_error_that_is_no_terminal(played: Played) -> None:
    assert played.err == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupting_it_ends_it_and_lets_the_data_go(
    tmp_path: Path, number: int, code: int
) -> None:
    process = start(tmp_path / "demo")
    try:
        data, end = tmp_path / "demo" / "data", time.monotonic() + 60
        while not (data / "monitor.duckdb").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode in (code, -number), err
    assert "Traceback" not in err
    DataLock(data).acquire().close()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="was not made by a simulation"):
        demo.run(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def test_its_own_folder_is_cleared_unless_it_is_in_use(tmp_path: Path) -> None:
    world = scenario("quiet")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    folder = tmp_path / "demo"
    cleared(folder, world)
    (folder / "data").mkdir()
    (folder / "series.csv").write_text("old")
    (folder / "truth").symlink_to(outside)
    (folder / "notes.txt").write_text("mine")
    with DataLock(folder / "data").acquire(), pytest.raises(StoreBusy):
        cleared(folder, world)
    assert (folder / "series.csv").exists()
    cleared(folder, world)
    assert {one.name for one in folder.iterdir()} == {MARKER, "notes.txt"}
    assert (outside / "kept").exists()


def test_a_chart_draws_holes_as_holes() -> None:
    assert columns([0, 4, None, 8], height=2, mark=1) == [
        "    8    █",
        "    0  █·█",
        "       ▲",
    ]
    assert columns([], height=1) == ["    1"]
