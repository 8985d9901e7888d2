"""Scoring beside a daemon: it survives a kill, and delays no commit."""

from __future__ import annotations

import asyncio
import csv
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.api import Monitor
from monitor.clock import SystemClock
from monitor.enrich.protocol import Mood
from monitor.enrich.score import Scorer
from monitor.errors import MonitorError, StoreError, UsageError
from monitor.schedule import scoring
from monitor.schedule.assembly import assembled
from monitor.store.database import Database
from monitor.store.verify import verify
from tests.world import ACME, OFFLINE, Process, a_poll, a_post, a_source, configured

POSTS = 6000
ONCE = (
    "select count(*) as scores, count(distinct post_id) as posts, count(distinct model) as models "
    "from sentiment"
)
MARKS = "select count(*) as marks, count(distinct post_key) as posts from base.scored"


def written(path: Path, posts: int) -> Path:
    start = datetime(2026, 2, 13, tzinfo=UTC)
    with path.open("w", newline="", encoding="utf8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["post_id", "network", "created_at", "text"])
        for n in range(posts):
            moment = (start + timedelta(seconds=n)).isoformat()
            text = f"The company announced number {n} of its good new products this week"
            writer.writerow([f"x:{n}", "x", moment, text])
    return path


def test_a_kill_in_the_middle_of_scoring_loses_no_score_and_doubles_none(tmp_path: Path) -> None:
    config = configured(tmp_path, ACME + OFFLINE, serve_sql=False)
    file = written(tmp_path / "posts.csv", POSTS)

    def bring() -> None:
        with suppress(MonitorError), Monitor(config) as monitor:
            monitor.bring([file])

    with Process(config) as daemon:
        remote = daemon.ready()
        importing = threading.Thread(target=bring)
        importing.start()
        while remote.query("select count(*) from base.scored").item() < POSTS / 10:
            time.sleep(0.01)
        remote.close()
        daemon.end(signal.SIGKILL)
        importing.join()
    with Database.open(config.monitor.data_dir / "monitor.duckdb") as database:
        done = database.query(MARKS).row(0)
        assert verify(database.query) == []
    assert done[0] == done[1]
    with Process(config) as daemon, daemon.ready() as remote, Monitor(config) as monitor:
        report = monitor.bring([file])  # returns when all is scored, too
        assert (report.posts, report.bad_rows) == (POSTS, 0)
        assert remote.query(ONCE).row(0) == (POSTS, POSTS, 1)
        assert remote.query(MARKS).row(0) == (POSTS, POSTS)
        assert remote.query("select count(*) from posts where language = 'en'").item() == POSTS
        assert daemon.end() == 0


def test_with_none_only_what_was_imported_stands(tmp_path: Path) -> None:
    none = '[enrich]\nlanguage = "none"\nsentiment = "none"\n'
    config = configured(tmp_path, ACME + OFFLINE + none)
    file = tmp_path / "posts.csv"
    file.write_text(
        "post_id,network,created_at,text,language,score\n"
        "x:1,x,2026-02-13T10:00:00Z,good,de,-0.5\nx:2,x,2026-02-13T10:00:00Z,good,,\n"
    )
    with Monitor(config) as monitor:
        monitor.bring([file])
        rows = monitor.query(
            "select post_id, language, model, score from posts left join sentiment using (post_id) "
            "order by post_id"
        ).rows()
    assert rows == [("x:1", "de", "import", -0.5), ("x:2", None, None, None)]


def test_a_stated_language_stands_beside_scores(tmp_path: Path) -> None:
    config = configured(tmp_path, ACME + OFFLINE)
    file = tmp_path / "posts.csv"
    file.write_text(
        "post_id,network,created_at,text,language\n"
        'x:1,x,2026-02-13T10:00:00Z,"This is a great and wonderful product",de\n'
        'x:2,x,2026-02-13T10:00:00Z,"This is a great and wonderful product",\n'
    )
    with Monitor(config) as monitor:
        for _ in range(2):  # the second time nothing changes
            monitor.bring([file])
            rows = monitor.query(
                "select post_id, language, model, label from posts "
                "left join sentiment using (post_id) order by post_id"
            ).rows()
            assert [row[1] for row in rows] == ["de", "en"]
            assert [row[2] for row in rows] == ["linear-1", "linear-1"]
            assert rows[1][3] == "positive"


class Stuck:
    """A model that answers when it is allowed to."""

    name = "stuck"
    version = "1"

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.may_answer = threading.Event()

    def score(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[Mood | None]:
        self.asked.set()
        self.may_answer.wait()
        return [Mood(0.2, 0.6, 0.2) for _ in texts]


async def test_a_model_that_takes_for_ever_delays_no_commit(tmp_path: Path) -> None:
    config = configured(tmp_path, ACME + OFFLINE)
    model = Stuck()
    async with assembled(
        config, SystemClock(), 5, lambda _poll, _new: None, scorer=Scorer(None, model)
    ) as running:
        source = a_source("hand", origin="config")
        running.writer.synchronise([(source, None)])
        await running.committer.commit(a_poll([a_post("one")], source=source))
        await asyncio.to_thread(model.asked.wait)
        for n in range(3):  # while it thinks
            await running.committer.commit(a_poll([a_post(f"more{n}")], source=source))
        stored = running.database.query("select count(*) from posts").item()
        assert (stored, running.scoring.waiting > 0) == (4, True)
        assert running.database.query(ONCE).row(0)[0] == 0
        model.may_answer.set()
        await running.scoring.settle()
        assert running.scoring.waiting == 0
        assert running.database.query(ONCE).row(0) == (4, 4, 1)


async def test_scores_that_can_not_be_written_are_tried_again_and_wait_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "PAUSE_SECONDS", 0.01)
    config = configured(tmp_path, ACME + OFFLINE)
    model = Stuck()
    model.may_answer.set()
    async with assembled(
        config, SystemClock(), 5, lambda _poll, _new: None, scorer=Scorer(None, model)
    ) as running:
        source = a_source("hand", origin="config")
        running.writer.synchronise([(source, None)])
        keep, tries = running.writer.keep_scores, []

        def full(*given: object) -> None:
            tries.append(given)
            if len(tries) <= 3:
                raise StoreError("no space left on the disk")
            keep(*given)  # type: ignore[arg-type]

        running.writer.keep_scores = full  # type: ignore[method-assign]
        await running.committer.commit(a_poll([a_post("one")], source=source))
        await running.scoring.settle()  # it gives up, and does not hang
        assert len(tries) == 3
        assert running.database.query(ONCE).row(0)[0] == 0
        await running.committer.commit(a_poll([a_post("two")], source=source))
        await running.scoring.settle()
        assert running.database.query(ONCE).row(0) == (2, 2, 1)


@pytest.mark.parametrize("daemon_runs", [False, True])
def test_another_model_scores_all_posts_beside_the_first(tmp_path: Path, daemon_runs: bool) -> None:
    """Once each, however often it is asked for; also while a daemon runs."""
    config = configured(tmp_path, ACME + OFFLINE, serve_sql=False)
    posts = written(tmp_path / "posts.csv", 1200)

    def rescored() -> list[tuple[str, int]]:
        with Monitor(config) as monitor:
            assert monitor.rescore("lexicon") == "lexicon-1"
            rows = monitor.query("select model, count(*) from sentiment group by all order by all")
            assert monitor.models()["posts"].to_list() == rows.to_series(1).to_list()
            return rows.rows()

    with Monitor(config) as monitor:
        monitor.bring([posts])
    if daemon_runs:
        with Process(config) as daemon:
            daemon.ready().close()
            found = [rescored(), rescored()]
    else:
        found = [rescored(), rescored()]
    assert found == [[("lexicon-1", 1200), ("linear-1", 1200)]] * 2


def test_no_model_scores_nothing_and_says_so(tmp_path: Path) -> None:
    config = configured(tmp_path, ACME + OFFLINE, serve_sql=False)
    with Monitor(config) as monitor, pytest.raises(UsageError, match="name a model"):
        monitor.rescore("none")


def test_a_stopped_rescoring_goes_on_where_it_was(tmp_path: Path) -> None:
    config = configured(tmp_path, ACME + OFFLINE, serve_sql=False)
    with Monitor(config) as monitor:
        monitor.bring([written(tmp_path / "posts.csv", 1200)])

        def stop(_left: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            monitor.rescore("lexicon", progress=stop)
    scored = "select count(*) from sentiment where model = 'lexicon-1'"
    again: list[int] = []
    with Monitor(config) as monitor:
        assert monitor.query(scored).item() == 500
        monitor.rescore("lexicon", progress=again.append)
        assert monitor.query(scored).item() == 1200
    assert len(again) == 2, "two batches were left"
