"""The files of a simulation: an import that follows the contract, and tables of the truth."""

from __future__ import annotations

import csv
import hashlib
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.config import load as load_config
from monitor.simulate.truth import write
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import load
from monitor.simulate.worlds.world import Kind, World

POSTS = {
    *("post_id", "network", "url", "author_id", "author_handle", "author_name"),
    *("author_followers", "title", "text", "created_at", "claimed_at", "clock", "first_seen_at"),
    *("edited_at", "deleted_at", "state", "reply_to_id", "root_id", "quoted_id", "language"),
    *("language_confidence", "source_id", "event_id", "relation", "score"),
}
COUNTERS = ["post_id", "observed_at", "likes", "reposts", "replies", "quotes"]
RELATIONS = {"announcement", "reply", "quote", "repost", "link", "press", "mention"}


Written = tuple[World, Path, dict[str, int]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    world = make(load("funding"))
    folder = tmp_path_factory.mktemp("world")
    return world, folder, write(world, folder)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="", encoding="utf8") as stream:
        return list(csv.DictReader(stream))


def moment(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


def test_every_file_has_as_many_rows_as_it_is_said_to_have(
    written: Written,
) -> None:
    _, folder, files = written
    assert {str(p.relative_to(folder)) for p in folder.rglob("*.csv")} == set(files)
    for name, number in files.items():
        assert len(rows(folder, name.removesuffix(".csv"))) == number
    assert files["truth/events.csv"] == 1
    assert files["truth/companies.csv"] == 2


def test_posts_to_import_follow_the_contract(written: Written) -> None:
    world, folder, _ = written
    posts = rows(folder, "import/posts")
    assert set(posts[0]) <= POSTS
    assert len({row["post_id"] for row in posts}) == len(posts)
    for row in posts:
        assert row["post_id"].startswith(row["network"] + ":")
        assert moment(row["created_at"]) <= world.scenario.ends_at
        assert row["state"] in {"live", "deleted", "hidden"}
        assert (row["event_id"] == "") == (row["relation"] == "")
        assert row["relation"] in RELATIONS | {""}
        assert row["score"] == "" or -1 <= float(row["score"]) <= 1
    assert {row["relation"] for row in posts} == RELATIONS | {""}


def test_scores_are_the_known_moods(written: Written) -> None:
    world, folder, _ = written
    moods = {item.post_id: item.words.mood for item in world.items}
    for row in rows(folder, "import/posts"):
        if row["score"]:
            score = float(row["score"])
            label = "neutral" if abs(score) < 0.05 else "positive" if score > 0 else "negative"
            assert label == moods[row["post_id"]]


def test_counters_to_import_follow_their_curves(
    written: Written,
) -> None:
    world, folder, _ = written
    counters = rows(folder, "import/counters")
    assert list(counters[0]) == COUNTERS
    curves = {row["post_id"]: row for row in rows(folder, "truth/curves")}
    reposts: dict[str, list[datetime]] = {}
    for row in rows(folder, "truth/reposts"):
        reposts.setdefault(row["post_id"], []).append(moment(row["reposted_at"]))
    for row in counters:
        curve, at = curves[row["post_id"]], moment(row["observed_at"])
        age = (at - moment(curve["created_at"])).total_seconds()
        share = 1 - (1 + age / float(curve["likes_scale_seconds"])) ** -float(curve["likes_shape"])
        assert int(row["likes"]) == math.floor(int(curve["likes_final"]) * share)
        passed_on = sum(when <= at for when in reposts.get(row["post_id"], []))
        assert int(row["reposts"]) == passed_on
        assert at <= world.scenario.ends_at


def test_edges_lead_to_posts_of_the_world(written: Written) -> None:
    _, folder, _ = written
    truth = {row["post_id"]: row for row in rows(folder, "truth/posts")}
    for row in truth.values():
        for edge in ("reply_to_id", "root_id", "quoted_id"):
            assert row[edge] == "" or row[edge] in truth
        assert (row["reply_to_id"] == "") == (row["root_id"] == "")
        if row["reply_to_id"]:
            above = truth[row["reply_to_id"]]
            assert moment(above["created_at"]) <= moment(row["created_at"])


def test_reasons_for_what_is_not_seen_are_those_of_the_world(
    written: Written,
) -> None:
    world, folder, _ = written
    items = {item.post_id: item for item in world.items}
    reasons = {row["post_id"]: row["unseen_reason"] for row in rows(folder, "truth/posts")}
    end = world.scenario.ends_at
    for post_id, reason in reasons.items():
        item = items[post_id]
        gone = item.gone_at is not None and item.gone_at <= end
        assert (reason == "deleted") == gone
        assert (reason == "not_published") == (item.shown_from > end)
        if reason == "policy":
            assert item.is_withheld
        if reason == "unexplained":
            assert item.is_blocked(end)
    assert set(reasons.values()) >= {"", "deleted", "policy", "unexplained"}


def test_an_events_truth_counts_what_the_posts_say(
    written: Written,
) -> None:
    world, folder, _ = written
    (event,) = rows(folder, "truth/events")
    relations = [row["relation"] for row in rows(folder, "import/posts")]
    late = sum(item.shown_from > world.scenario.ends_at for item in world.items)
    assert relations.count("reply") <= int(event["replies"]) <= relations.count("reply") + late
    assert relations.count("repost") == int(event["reposts"])
    assert float(event["expected_total"]) == pytest.approx(220.0)
    # One drawing of a number whose spread is about a fifth of it.
    assert float(event["expected_answers"]) == pytest.approx(int(event["answers"]), rel=0.6)
    assert float(event["first_competitor_response_seconds"]) == 21 * 3600
    assert float(event["company_first_response_seconds"]) == 9 * 3600
    assert moment(event["announced_at"]) == world.scenario.announced_at


def test_the_configuration_is_one_that_is_accepted(
    written: Written,
) -> None:
    world, folder, _ = written
    config = load_config(folder / "monitor.toml", env={})
    assert {company.id for company in config.companies} == {"exampla", "samplix"}
    (event,) = config.events
    announced = {i.place.url for i in world.items if i.kind is Kind.ANNOUNCEMENT and i.place}
    assert announced < set(event.announcements)
    assert event.window_before == timedelta(days=15)
    assert event.announced_at == datetime(2026, 2, 12, 18, tzinfo=UTC)


def test_the_same_seed_writes_the_same_bytes(written: Written, tmp_path: Path) -> None:
    _, folder, _ = written
    write(make(load("funding")), tmp_path)
    for file in sorted(folder.rglob("*.csv")):
        again = tmp_path / file.relative_to(folder)
        one, other = (hashlib.sha256(p.read_bytes()).hexdigest() for p in (file, again))
        assert one == other, file
