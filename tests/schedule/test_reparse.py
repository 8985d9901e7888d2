"""Kept answers give, with a mended parser, what it would have stored then."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.api import Monitor
from monitor.collect.kept import Kept, Recorder, Replay
from monitor.collect.protocol import Answer
from monitor.config import Config
from monitor.errors import Unreachable, UsageError
from monitor.schedule.daemon import run_once
from monitor.store.database import Database
from tests.collect.server import Asked, Reply, serve
from tests.growing import Growing, source
from tests.world import OFFLINE, configured

CONTENT = (
    "select post_id, title, url, created_at, first_seen_at, state, source_id from posts "
    "order by post_id"
)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Three polls of two feeds, which grew meanwhile, and one that only ever answered rubbish."""
    growing = Growing()

    def answer(asked: Asked) -> Reply:
        return Reply(body=b"<html>no feed</html>") if asked.path == "/bad" else growing(asked)

    async def polled() -> Config:
        async with serve(answer) as server:
            names = ("a", "b", "bad")
            toml = OFFLINE + "".join(source(name, f"{server.url}/{name}") for name in names)
            config = configured(tmp_path, toml, allow_private_addresses=True)
            for _ in range(3):
                await run_once(config)
            return config

    return asyncio.run(polled())


def content(m: Monitor) -> list[tuple[Any, ...]]:
    return m.query(CONTENT).rows()


def spoil(config: Config, *statements: str) -> None:
    """As if another parser had read the answers."""
    with Database.open(config.monitor.data_dir / "monitor.duckdb") as database:
        cursor = database.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()


def test_a_parser_that_reads_the_same_changes_nothing(config: Config) -> None:
    with Monitor(config) as m:
        before = content(m)
        done = m.reparse("1d")
        assert (done.polls, done.new_posts, done.changed_posts, done.changed_counters) == (
            9,
            0,
            0,
            0,
        )
        assert len(done.failed) == 3  # the bad one fails as it did
        assert content(m) == before


def test_posts_that_were_not_seen_or_read_otherwise_come_out_as_they_should(config: Config) -> None:
    with Monitor(config) as m:
        before = content(m)
        victims = m.query("select post_key from base.posts order by created_at limit 2")
    lost, wrong = victims["post_key"].to_list()
    spoil(
        config,
        *(
            f"delete from base.{t} where post_key = {lost}"
            for t in ("posts", "versions", "sightings")
        ),
        f"update base.posts set title = 'A &amp; B', content_hash = 1 where post_key = {wrong}",
    )
    with Monitor(config) as m:
        done = m.reparse("1d")
        assert (done.new_posts, done.changed_posts) == (1, 1)
        assert content(m) == before  # also when it was first seen
        assert m.verify() == []
        assert m.query("select max(version) from post_versions").item() == 2  # nothing is hidden
        again = m.reparse("1d")
        assert (again.new_posts, again.changed_posts) == (0, 0)


def test_what_is_gone_stays_gone(config: Config) -> None:
    with Monitor(config) as m:
        (victim,) = m.query("select post_key from base.posts order by created_at limit 1").row(0)
    spoil(
        config,
        "update base.posts set state = 'deleted', title = null, content_hash = null "
        f"where post_key = {victim}",
    )
    with Monitor(config) as m:
        m.reparse("1d")
        rows = m.query("select state, title from base.posts where post_key = ?", [victim]).rows()
        assert rows == [("deleted", None)]


def test_only_polls_since_then_are_read(config: Config) -> None:
    with Monitor(config) as m:
        assert m.reparse("2030-01-01").polls == 0
        with pytest.raises(UsageError):
            m.reparse("last week")


def test_answers_are_kept_as_long_as_the_configuration_says(config: Config, tmp_path: Path) -> None:
    spoil(config, "update base.answers set recorded_at = recorded_at - interval 3 day")
    text = (config.path or tmp_path).read_text()
    asyncio.run(run_once(config))
    with Monitor(config) as m:  # no host answers any more, but there was a commit
        assert m.query("from base.answers").height == 0
    assert "keep_answers" not in text


def test_none_are_kept_where_the_configuration_wants_none(tmp_path: Path) -> None:
    async def polled() -> Config:
        async with serve(Growing()) as server:
            config = configured(
                tmp_path, OFFLINE + source("a", f"{server.url}/a"),
                allow_private_addresses=True, keep_answers="0s",
            )  # fmt: skip
            await run_once(config)
            return config

    with Monitor(asyncio.run(polled())) as m:
        assert m.query("from posts").height == 1
        assert m.query("from base.answers").height == 0


# What is kept.


class Answering:
    async def get(self, url: str, **_: Any) -> Answer:
        if "missing" in url:
            raise Unreachable("no answer", url=url)
        body = b"private" if "private" in url else url.encode()
        return Answer(url, 200, {"etag": "1", "set-cookie": "secret"}, body)


async def test_what_came_is_kept_without_secrets_and_answers_again() -> None:
    recorder = Recorder(Answering())
    asked = [
        ("https://a.test/x", {"page": 1, "api_key": "hidden"}),
        ("https://a.test/x", {"page": 2}),
    ]
    answers = [await recorder.get(url, params=params) for url, params in asked]
    with pytest.raises(Unreachable):
        await recorder.get("https://a.test/missing")
    kept = recorder.kept({"cursor": 5})
    assert kept is not None
    packed = kept.pack()
    kept = Kept.unpack(packed)
    assert kept.state == {"cursor": 5}
    assert "hidden" not in str(kept)
    assert "secret" not in str(kept)
    replay = Replay(kept)
    for (url, params), answer in reversed(list(zip(asked, answers, strict=True))):
        assert (await replay.get(url, params=params)).body == answer.body
    for url in ("https://a.test/missing", "https://a.test/never"):
        with pytest.raises(Unreachable):
            await replay.get(url)


async def test_of_a_poll_that_showed_what_must_not_be_kept_nothing_is() -> None:
    recorder = Recorder(Answering(), never=(b"private",))
    await recorder.get("https://a.test/x")
    await recorder.get("https://a.test/private")
    assert recorder.kept({}) is None


def test_the_default_is_two_days() -> None:
    assert Config().monitor.keep_answers == timedelta(days=2)
