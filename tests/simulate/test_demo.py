"""The demo as users run it, and what it must find in its recordings.

`truth.json` was written by those who wrote the posts, edits and deletions that were recorded.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.config import Config, load
from monitor.errors import MonitorError, StoreBusy, UsageError
from monitor.serve.place import NAME as SOCKET
from monitor.session import Session, connect
from monitor.simulate import demo
from monitor.store.lock import DataLock
from monitor.store.verify import verify

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "tests" / "recordings" / "demo"
TRUTH = json.loads((DEMO / "truth.json").read_text("utf8"))
SECONDS = 60
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("MONITOR_")},
    "PYTHONPATH": str(ROOT),
    "PYTHONWARNINGS": "default",
    "COLUMNS": "100",
}


@dataclass(frozen=True)
class Played:
    """A demo that has ended."""

    folder: Path
    code: int
    out: str
    err: str
    config: Config
    session: Session

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return self.session.query(sql, list(params)).rows()

    def column(self, sql: str) -> set[Any]:
        return {row[0] for row in self.rows(sql)}


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
    with connect(config) as session:
        yield Played(folder, process.returncode, out, err, config, session)


def test_every_request_was_answered_and_no_source_failed(played: Played) -> None:
    assert played.code == 0
    assert "unrecorded" not in played.out
    assert "failed" not in played.out
    assert played.rows("select source_id, error from polls where error is not null") == []
    states = played.column("select last_outcome from source_status where state = 'active'")
    assert states <= {"ok", "unchanged"}


def test_the_store_keeps_its_promises(played: Played) -> None:
    assert verify(played.session.query) == []


def test_every_bluesky_post_that_can_be_seen_is_stored(played: Played) -> None:
    truth = TRUTH["bluesky"]
    stored = played.column("select post_id from posts where network = 'bluesky'")
    seen = {one.removeprefix("bluesky:") for one in stored}
    assert set(truth["stored"]) <= seen
    assert seen <= {*truth["stored"], *truth["perhaps"]}
    assert not seen & set(truth["never"])
    for state in ("deleted", "hidden"):
        found = played.column(
            f"select post_id from posts where network = 'bluesky' and state = '{state}'"
        )
        assert found == {f"bluesky:{uri}" for uri in truth[state]}


def test_every_wordpress_post_and_comment_is_stored(played: Played) -> None:
    truth = TRUTH["wordpress"]
    stored = played.column(
        "select regexp_extract(post_id, '[a-z]+/\\d+$') from posts where network = 'wordpress'"
    )
    comments = {*truth["comments_first"], *truth["comments_added"], truth["late"]}
    assert stored == {
        *(f"post/{number}" for number in truth["posts"]),
        *(f"comment/{number}" for number in comments),
    }
    deleted = played.column(
        "select post_id from posts where network = 'wordpress' and state = 'deleted'"
    )
    assert [one.rpartition("/")[2] for one in deleted] == [str(truth["trashed"])]


def test_every_isso_comment_is_stored(played: Played) -> None:
    stored = played.column(
        "select regexp_extract(post_id, '\\d+$')::int from posts where network = 'isso'"
    )
    assert stored == {*TRUTH["isso"]["first"], *TRUTH["isso"]["added"]}


def test_deleted_posts_lost_their_words_and_count_on(played: Played) -> None:
    rows = played.rows(
        "select text, author_name, deleted_at is not null from posts where state = 'deleted'"
    )
    assert len(rows) == len(TRUTH["bluesky"]["deleted"]) + 1
    assert set(rows) == {(None, None, True)}
    ((counted,),) = played.rows(
        "select count(*) from reactions join posts using (post_id) where state = 'deleted'"
    )
    assert counted == len(rows)


def test_the_edit_is_a_second_version(played: Played) -> None:
    truth = TRUTH["wordpress"]
    texts = played.rows(
        "select version, text from post_versions where post_id like ? order by version",
        f"wordpress:%/comment/{truth['edited']}",
    )
    assert [version for version, _ in texts] == [1, 2]
    assert texts[1][1] == truth["edited_text"] != texts[0][1]


def test_the_late_approval_stands_at_its_old_date(played: Played) -> None:
    truth = TRUTH["wordpress"]
    ((created, first_seen, clock),) = played.rows(
        "select created_at, first_seen_at, clock from posts where post_id like ?",
        f"wordpress:%/comment/{truth['late']}",
    )
    late = datetime.fromisoformat(truth["late_gmt"]).astimezone(UTC).replace(tzinfo=None)
    assert created == late + moved(played)
    assert clock != "first_seen"
    assert first_seen > created + timedelta(hours=3)


def test_the_second_phase_was_seen_after_the_first(played: Played) -> None:
    added = [f"bluesky:{uri}" for uri in TRUTH["bluesky"]["added"]]
    ((first, second),) = played.rows(
        "select max(first_seen_at) filter (not added), min(first_seen_at) filter (added) from ("
        " select first_seen_at, list_contains(?, post_id) as added from posts"
        " where network = 'bluesky')",
        added,
    )
    assert first < second


def test_it_happens_within_the_last_hours(played: Played) -> None:
    ((newest, announced, now),) = played.rows(
        "select max(p.created_at), any_value(e.announced_at), max(p.first_seen_at) "
        "from posts as p, events as e where p.state = 'live'"
    )
    assert announced < newest < now
    assert now - newest < timedelta(hours=1, minutes=5)
    assert newest - announced == pytest.approx(timedelta(hours=6), abs=timedelta(minutes=10))


def test_all_replies_are_reactions(played: Played) -> None:
    relations = dict(
        played.rows(
            "select network, count(*) from reactions join posts using (post_id) "
            "where relation = 'reply' group by all"
        )
    )
    assert relations["isso"] == 17
    # On the article: all that are stored, but for the comment on another post.
    truth = TRUTH["wordpress"]
    assert relations["wordpress"] == (
        len(truth["comments_first"]) - 1 + len(truth["comments_added"]) + 1
    )


def test_what_is_printed_is_what_the_database_says(played: Played) -> None:
    ((posts, deleted),) = played.rows(
        "select (select count(*) from reactions where relation <> 'announcement'),"
        " (select count(*) from posts where state = 'deleted')"
    )
    assert f"reactions  {posts}: " in played.out
    assert f"changes    {deleted} deleted, 1 edited, 1 hidden" in played.out
    hours = re.findall(
        r"^(\d{4}-\d\d-\d\d \d\d:00) +([\d.]+) +(\d+)", played.out, flags=re.MULTILINE
    )
    series = played.rows(
        "select strftime(bucket_start_utc, '%Y-%m-%d %H:%M'), posts "
        "from event_series(?, '1h') where posts > 0 or stream_posts > 0",
        demo.EVENT,
    )
    assert [(hour, int(n)) for hour, _, n in hours] == series
    assert sum(n for _, n in series) == posts
    assert max(map(len, played.out.split("Try:")[0].splitlines())) <= 100


def test_the_files_hold_what_the_database_says(played: Played) -> None:
    with (played.folder / "series.csv").open(newline="", encoding="utf8") as stream:
        rows = list(csv.DictReader(stream))
    expected = played.rows("select posts, replies from event_series(?, '1h')", demo.EVENT)
    assert [(int(r["posts"] or 0), int(r["replies"] or 0)) for r in rows] == [
        (posts or 0, replies or 0) for posts, replies in expected
    ]
    assert str(Path("demo", "series.csv")) in played.out
    manifest = json.loads((played.folder / "export" / "manifest.json").read_text("utf8"))
    ((count,),) = played.rows("select count(*) from posts")
    assert manifest["tables"]["posts"]["rows"] == count


def test_the_commands_to_try_work_when_the_demo_has_ended(played: Played) -> None:
    commands = [line.strip() for line in played.out.split("Try:")[1].splitlines() if line.strip()]
    assert len(commands) == 3
    for command in commands:
        assert "--config demo/monitor.toml " in command
        done = subprocess.run(
            command, shell=True, cwd=played.folder.parent, env=ENVIRONMENT, timeout=SECONDS,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stderr)
        assert len(done.stdout.splitlines()) > 1


def test_the_daemon_has_ended_with_it(played: Played) -> None:
    assert played.session.live is False
    assert not (played.folder / "data" / SOCKET).exists()
    assert "event=stopping" in (played.folder / "daemon.log").read_text("utf8")


def test_nothing_is_said_on_standard_error_that_is_no_terminal(played: Played) -> None:
    assert played.err == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupting_it_ends_the_daemon(tmp_path: Path, number: int, code: int) -> None:
    process = start(tmp_path / "demo")
    try:
        data, end = tmp_path / "demo" / "data", time.monotonic() + SECONDS
        while not (data / SOCKET).exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert process.returncode in (code, -number), err  # a shell says the same of both
    assert "Traceback" not in err
    DataLock(data).acquire().close()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="no folder of an earlier demo"):
        demo.run(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def test_a_demos_own_folder_is_cleared_unless_it_is_in_use(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    folder = tmp_path / "demo"
    (folder / "data").mkdir(parents=True)
    (folder / ".monitor-demo").touch()
    (folder / "series.csv").write_text("old")
    (folder / "link").symlink_to(outside)
    with DataLock(folder / "data").acquire(), pytest.raises(StoreBusy):
        demo._cleared(folder)
    assert (folder / "series.csv").exists()
    assert demo._cleared(folder) == folder
    assert [one.name for one in folder.iterdir()] == [".monitor-demo"]
    assert (outside / "kept").exists()


def test_without_the_checkout_it_says_what_it_needs(tmp_path: Path) -> None:
    installed = tmp_path / "site-packages"
    shutil.copytree(ROOT / "monitor", installed / "monitor")
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "demo", str(tmp_path / "demo")],
        cwd=installed, env={**ENVIRONMENT, "PYTHONPATH": str(installed)}, timeout=SECONDS,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (MonitorError.exit_code, "")
    assert done.stderr.startswith("monitor: the demo plays back recordings that only the project's")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "demo").exists()


def moved(played: Played) -> timedelta:
    """By how much the times were moved; whole hours."""
    event = json.loads((DEMO / "event.json").read_text("utf8"))
    span = played.config.events[0].announced_at - datetime.fromisoformat(event["announced_at"])
    assert span % timedelta(hours=1) == timedelta(0)
    return span
