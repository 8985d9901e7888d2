"""Parsing apart: the answers are the same, and whatever a document does ends with its worker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from monitor.collect.feed import worker as feed_worker
from monitor.collect.feed.parse import parse
from monitor.collect.feed.worker import ParsePool
from monitor.errors import BadAnswer, TooLarge
from tests.collect.feed_case import URL, item, rss

# Built: one root that declares names for a hundred thousand prefixes keeps feedparser busy.
SLOW = rss("".join(f"<a{n}:b xmlns:a{n}='u{n}'/>" for n in range(100_000)))


def environment_of(pid: int) -> bytes:
    """What a process was started with, where the system shows it (Linux)."""
    shown = Path(f"/proc/{pid}/environ")
    return shown.read_bytes() if shown.exists() else b""


@pytest.fixture
def pool():
    made = ParsePool(workers=1, seconds=1.0)
    yield made
    made.close()


async def test_a_worker_answers_as_the_parser_does(pool, recordings):
    for name in ("feed_rss2.xml", "comments_feed_atom.xml"):
        body = (recordings / "wordpress" / name).read_bytes()
        assert await pool.parse(body, url=URL) == parse(body, url=URL)


async def test_errors_cross_the_process_with_their_payload(pool):
    with pytest.raises(BadAnswer, match="HTML page") as caught:
        await pool.parse(b"<html>", url=URL)
    assert (caught.value.payload, caught.value.url) == (b"<html>", URL)
    with pytest.raises(TooLarge, match="200 elements"):
        await pool.parse(rss("<a>" * 300 + "</a>" * 300), url=URL)


async def test_a_stuck_worker_is_replaced_while_the_loop_goes_on(pool):
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    beside = asyncio.create_task(others())
    with pytest.raises(BadAnswer, match="took over 1 s"):
        await pool.parse(SLOW, url=URL)
    beside.cancel()
    assert turns > 10
    assert len((await pool.parse(rss(item(1)), url=URL)).entries) == 1


async def test_a_worker_that_died_is_replaced(pool):
    await pool.parse(rss(item(1)), url=URL)
    (worker,) = pool._running
    worker.kill()
    worker.wait()
    assert len((await pool.parse(rss(item(1)), url=URL)).entries) == 1


async def test_workers_see_no_secrets_and_end_with_us(pool, monkeypatch):
    monkeypatch.setenv("X_BEARER_TOKEN", "secret")
    await pool.parse(rss(item(1)), url=URL)
    (worker,) = pool._running
    assert b"secret" not in environment_of(worker.pid)
    worker.stdin.close()
    assert worker.wait(timeout=10) == 0


async def test_many_feeds_share_the_process_s_own_pool():
    bodies = [rss(item(number)) for number in range(8)]
    documents = await asyncio.gather(*(feed_worker.parse_apart(body, url=URL) for body in bodies))
    assert [one.entries[0].title for one in documents] == [f"Headline {n}" for n in range(8)]
