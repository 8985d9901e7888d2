"""All cuts of a Mastodon thread at once, through the store: each missing answer has its reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from monitor.simulate.platforms.protocol import Reply
from monitor.store.database import Database
from tests.collect.mastodon_case import OTHER, TOP, Fediverse, Watch, at, source, uri
from tests.world import a_poll, a_store, configured

EVENT = f"""
[[company]]
id = "acme"
name = "Acme"

[[event]]
id = "acme-a"
company = "acme"
announced_at = 2026-02-12T18:00:00Z
window_before = "1h"
window_after = "7d"
announcements = ["{uri(TOP)}"]
"""
SOURCE = source(companies=frozenset({"acme"}), events=frozenset({"acme-a"}))
DIRECT, BELOW = 70, 6  # answers, and answers to the first of them
PRIVATE = TOP + 100
FAR = {TOP + 200, TOP + 201, TOP + 202}


def thread() -> Fediverse:
    """More answers than are listed, talks below them, and some that stayed on another server."""
    verse = Fediverse()
    verse.post()
    for n in range(1, DIRECT + 1):
        verse.post(TOP + n, n / 10, TOP, by=n % 20 + 2)
    for n in range(BELOW):
        verse.post(TOP + 100 + n, 20 + n, TOP + 1, by=3)
    for number in FAR:  # HOME counts what its own people are answered, and never got these
        verse.post(number, 30, TOP + 3, by=6, host=OTHER)
    verse.unfetched |= FAR
    return verse


def private(url: str, reply: Reply) -> Reply | None:
    """One answer below another is for followers: counted, and shown to nobody here."""
    if not url.endswith("context"):
        return None
    head, name, tail = reply.body.partition(f'"id":"{PRIVATE}"'.encode())
    tail = tail.replace(b'"visibility":"public"', b'"visibility":"private"', 1)
    return Reply(reply.status, reply.headers, head + name + tail)


async def test_every_missing_answer_stands_under_its_reason(
    database: Database, tmp_path: Path
) -> None:
    verse = thread()
    watch = Watch(verse, SOURCE)
    config = configured(tmp_path, EVENT)
    with a_store(database, config, SOURCE) as store:
        for minutes in (60, 120):
            harvest = await watch.poll(minutes, private)
            assert harvest.error is None
            poll = a_poll(source=SOURCE, when=at(minutes))
            store.commit(replace(poll, harvest=harvest))
        seen = set(store.column("select post_id from posts"))
        unseen = {n for n, item in verse.items.items() if item.post_id not in seen}
        # The server lists sixty: some of the first answers, with what is below them.
        behind = set(range(TOP + 1 + 60 - BELOW, TOP + DIRECT + 1))
        assert unseen == {PRIVATE} | FAR | behind
        truth = Counter({"depth_cap": len(behind), "unexplained": 1 + len(FAR)})
        told: Counter[str] = Counter()
        for row in store.rows("from coverage('acme-a')"):
            told[row["reason"]] += row["missing"]
        assert +told == truth
        gaps = "select reason, sum(missing)::bigint as n from gaps where post_id is not null "
        assert {
            row["reason"]: row["n"]
            for row in store.rows(gaps + "and ended_at is null group by all")
        } == truth
        assert store.problems() == []
