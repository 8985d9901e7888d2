"""Coverage, reply trees, the ranking of reactions and the summary of an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SUMMARY = (
    "event_id, announced_at_utc, data_as_of_utc, posts, authors, replies, coverage_ratio, "
    "networks_not_observed, abnormal_window_hours, abnormal_total, abnormal_low, abnormal_high, "
    "abnormal_p_value, abnormal_flag, peak_bucket_utc, half_life_hours, half_life_flag, "
    "sentiment_model, sentiment_before, sentiment_after, sentiment_shift, sentiment_shift_low, "
    "sentiment_shift_high, sentiment_shift_p_value, sentiment_flag, views_max, reach_authors, "
    "reach_followers, reach_followers_known, first_reaction_seconds, "
    "company_first_response_seconds, company_response_censored_seconds, "
    "first_competitor_response_seconds, share_of_voice, languages, networks, top_reaction"
)
TOP = (
    "rank, post_id, url, author_handle, relation, role, created_at_utc, likes, reposts, replies, "
    "quotes, views, engagement_total, sentiment, text"
)


def thread(world: Any) -> None:
    """An announcement; below it a and b; below a: a1; below a1: a2. Observed for 5 h."""
    world.event("a")
    world.source("s")
    world.poll("s", -9, 5)
    world.post("root", 0, "announcement", author="acme")
    world.post("a", 0.5, to="root")
    world.post("b", 0.7, to="root", author="bob")
    world.post("a1", 1, to="a", author="cid")
    world.post("a2", 1.5, to="a1", author="dan")


def covered(world: Any, arguments: str = "'a'") -> list[tuple[Any, ...]]:
    rows = world.rows(f"from coverage({arguments})")
    return sorted(tuple(row.values()) for row in rows)


def test_coverage_of_direct_answers(world: Any) -> None:
    thread(world)
    world.claim("root", 5)
    world.claim("a", 1)
    world.claim("a1", 3)
    world.claim("b", 0)
    world.hole("depth_cap", 1, post="a1", missing=1)
    assert covered(world) == [
        ("a", 1, 1, 0, None),
        ("a1", 3, 1, 1, "depth_cap"),
        ("a1", 3, 1, 1, "unexplained"),
        ("b", 0, 0, 0, None),
        ("root", 5, 2, 3, "unexplained"),
    ]
    assert world.one("from event_summary('a')")["coverage_ratio"] == pytest.approx(4 / 9)


def test_a_claim_about_the_tree_replaces_those_below_it(world: Any) -> None:
    thread(world)
    world.claim("root", 6, "tree")
    world.claim("root", 2)
    world.claim("a1", 9)
    world.claim("a", 2, "tree")
    world.hole("hidden", 1, post="a1", missing=1)
    world.hole("hidden", 1, post="b", missing=1)
    assert covered(world) == [("root", 6, 4, 2, "hidden")]
    assert world.one("from event_summary('a')")["coverage_ratio"] == pytest.approx(4 / 6)


def test_a_reply_to_a_withheld_post_counts_for_the_tree(world: Any) -> None:
    thread(world)
    world.post("c", 2, to="withheld", root_id="root", root_key=world.key("root"))
    world.post("c1", 3, to="c", root_id="root", root_key=world.key("root"))
    world.claim("root", 6, "tree")
    assert covered(world) == [("root", 6, 6, 0, None)]


def test_reasons_never_explain_more_than_is_missing(world: Any) -> None:
    thread(world)
    world.claim("root", 4)
    world.hole("depth_cap", 1, post="root", missing=1)
    world.hole("hidden", 1, post="root", missing=9)
    world.hole("hidden", 1, post="root", missing=9, source="t")
    assert covered(world) == [("root", 4, 2, 1, "depth_cap"), ("root", 4, 2, 1, "hidden")]


def test_two_sources_state_the_same_hole(world: Any) -> None:
    thread(world)
    world.claim("root", 6)
    world.hole("hidden", 1, post="root", missing=2)
    world.hole("hidden", 1, post="root", missing=2, source="t")
    assert covered(world) == [("root", 6, 2, 2, "hidden"), ("root", 6, 2, 2, "unexplained")]


def test_missing_quotes_explain_no_missing_answer(world: Any) -> None:
    thread(world)
    world.claim("root", 5)
    world.hole("policy", 1, post="root", missing=2, concerns="posts")
    world.hole("policy", 1, post="root", missing=1)
    assert covered(world) == [("root", 5, 2, 1, "policy"), ("root", 5, 2, 2, "unexplained")]


def test_a_reason_without_a_number_takes_the_rest(world: Any) -> None:
    thread(world)
    world.claim("root", 5)
    world.hole("depth_cap", 1, post="root", missing=1)
    world.hole("access", 1, post="root")
    assert covered(world) == [("root", 5, 2, 1, "depth_cap"), ("root", 5, 2, 2, "access")]


def test_more_than_claimed_is_complete(world: Any) -> None:
    thread(world)
    world.claim("root", 1)
    assert covered(world) == [("root", 1, 2, 0, None)]
    assert world.one("from event_summary('a')")["coverage_ratio"] == 1


def test_nothing_claimed_is_no_ratio(world: Any) -> None:
    thread(world)
    assert covered(world) == []
    assert world.one("from event_summary('a')")["coverage_ratio"] is None


def test_deleted_answers_are_not_claimed_any_more(world: Any) -> None:
    thread(world)
    world.post("gone", 0.6, to="root", deleted=3)
    world.claim("root", 2)
    assert covered(world) == [("root", 2, 2, 0, None)]
    assert covered(world, f"'a', '{world.hour(2.9)}'") == [("root", 2, 3, 0, None)]


def test_what_a_deleted_post_claimed_counts_what_was_there_then(world: Any) -> None:
    """Its answers went with it; before that nothing was missing but one."""
    world.event("a")
    world.source("s")
    world.poll("s", -9, 5)
    world.post("root", 0, "announcement", author="acme")
    world.post("gone", 0.5, to="root", deleted=3)
    world.post("before", 0.7, to="gone", deleted=1.5)
    world.post("with it", 0.8, to="gone", deleted=3)
    world.post("after", 0.9, to="gone", deleted=4)
    world.claim("root", 1, at=1)
    world.claim("root", 0, at=3)
    world.claim("gone", 3, at=2)
    assert covered(world) == [("gone", 3, 2, 1, "unexplained"), ("root", 0, 0, 0, None)]
    then = f"'a', '{world.hour(2.5)}'"
    assert covered(world, then) == [("gone", 3, 2, 1, "unexplained"), ("root", 1, 1, 0, None)]


def test_coverage_as_known_then(world: Any) -> None:
    thread(world)
    world.claim("root", 3, at=1)
    world.claim("root", 2, at=4)
    world.hole("hidden", 1, 4, post="root", missing=1, filled=4)
    assert covered(world) == [("root", 2, 2, 0, None)]
    assert covered(world, f"'a', '{world.hour(3)}'") == [("root", 3, 2, 1, "hidden")]
    assert covered(world, f"'a', '{world.hour(0.6)}'") == []


def test_coverage_of_two_events(world: Any) -> None:
    thread(world)
    world.event("b", company="rival")
    world.post("root2", 0, "announcement", event="b")
    world.claim("root", 2)
    world.claim("root2", 2)
    assert [row[0] for row in covered(world)] == ["root"]
    assert covered(world, "event := 'b'") == [("root2", 2, 0, 2, "unexplained")]


def test_a_reply_tree_is_depth_first(world: Any) -> None:
    thread(world)
    rows = world.rows("from reply_tree('root')")
    assert [(r["post_id"], r["parent_id"], r["depth"]) for r in rows] == [
        ("root", None, 0), ("a", "root", 1), ("a1", "a", 2), ("a2", "a1", 3), ("b", "root", 1),
    ]  # fmt: skip
    assert json.loads(rows[2]["path"]) == ["root", "a", "a1"]
    assert [r["post_id"] for r in world.rows("from reply_tree('a')")] == ["a", "a1", "a2"]
    then = world.rows(f"from reply_tree('root', '{world.hour(0.9)}')")
    assert [r["post_id"] for r in then] == ["root", "a", "b"]


def test_posts_that_answer_each_other_end(world: Any) -> None:
    thread(world)
    world.post("x", 2, to="y")
    world.post("y", 2, to="x")
    world.post("z", 2, to="z")
    world.claim("x", 1, "tree")
    world.claim("z", 1, "tree")
    assert [r["post_id"] for r in world.rows("from reply_tree('x')")] == ["x", "y"]
    assert [r["post_id"] for r in world.rows("from reply_tree('z')")] == ["z"]
    assert covered(world) == [("x", 1, 1, 0, None), ("z", 1, 0, 1, "unexplained")]


def test_top_reactions(world: Any) -> None:
    thread(world)
    world.count("root", 1, likes=999)
    world.count("a", 1, likes=5, views=10)
    world.count("a", 2, likes=3)
    world.count("b", 1, likes=1, reposts=1, replies=1)
    world.count("a1", 1, views=5)
    world.score("b", -0.25)
    rows = world.rows("from top_reactions('a', 3)")
    assert ", ".join(rows[0]) == TOP
    found = [(r["rank"], r["post_id"], r["engagement_total"], r["views"]) for r in rows]
    assert found == [(1, "a", 3, 10), (2, "b", 3, None), (3, "a1", None, 5)]
    assert [r["sentiment"] for r in rows] == [None, -0.25, None]
    assert rows[1]["text"] == "text of b"
    then = world.rows(f"from top_reactions('a', 1, '{world.hour(1.2)}')")
    assert (then[0]["post_id"], then[0]["engagement_total"]) == ("a", 5)


def test_the_text_that_was_known_then(world: Any) -> None:
    thread(world)
    world.post("edit", 1, text="after", recorded=3, known=1)
    world.post("erased", 1, state="erased")
    now = {r["post_id"]: r["text"] for r in world.rows("from top_reactions('a', 99)")}
    assert (now["edit"], now["erased"]) == ("after", None)
    tree = world.one(f"from reply_tree('edit', '{world.hour(2)}')")
    assert tree["text"] == "text of edit"


def test_the_summary(world: Any) -> None:
    thread(world)
    world.post("c", 0.8, "mention", network="feed", author=None, source="f", language="de")
    world.source("f", network="feed")
    world.source("nope", network="x", state="unavailable")
    world.poll("nope", 0, 1, outcome="error")
    world.count("b", 1, likes=4, views=70)
    world.count("root", 1, views=50)
    world.mention("a")
    world.mention("b")
    world.mention("b", "rival")
    row = world.one("from event_summary('a')")
    assert ", ".join(row) == SUMMARY
    assert (row["posts"], row["authors"], row["replies"]) == (5, 4, 4)
    assert row["data_as_of_utc"] == world.hour(5)
    assert json.loads(row["networks_not_observed"]) == ["feed", "x"]
    assert row["peak_bucket_utc"] == world.T0
    assert row["first_reaction_seconds"] == 1800
    assert row["views_max"] == 70
    assert json.loads(row["networks"]) == {"bluesky": 4, "feed": 1}
    assert json.loads(row["languages"]) == {"unknown": 4, "de": 1}
    assert json.loads(row["share_of_voice"]) == {"acme": 1, "rival": 0.5}
    top = json.loads(row["top_reaction"])
    assert (top["post_id"], top["engagement_total"]) == ("b", 4)
    assert top["created_at_utc"] == "2026-02-12T18:42:00Z"
    assert row["abnormal_flag"] == row["half_life_flag"] == row["sentiment_flag"] == "not_computed"
    assert row["reach_followers"] is None


def test_summaries_of_all_events_are_those_of_each(world: Any) -> None:
    thread(world)
    world.event("b", company="rival", at=1)
    world.post("other", 1.5, "quote", event="b", author="eve", author_followers=40)
    world.post("other2", 1.6, "quote", event="b", author="fay")
    world.claim("root", 9)
    both = {row["event_id"]: row for row in world.rows("from event_summaries")}
    for name in ("a", "b"):
        assert both[name] == world.one(f"from event_summary('{name}')")
    assert (both["a"]["posts"], both["b"]["posts"]) == (4, 2)
    assert (both["b"]["reach_followers"], both["b"]["reach_followers_known"]) == (40, 0.5)


def test_before_the_first_poll_nothing_is_known(world: Any) -> None:
    world.event("a")
    row = world.one("from event_summary('a')")
    assert (row["posts"], row["data_as_of_utc"], row["authors"]) == (None, None, None)


def people(world: Any) -> None:
    """The company, and a competitor whose quote is the top reaction, 2 h after."""
    thread(world)
    for name, role in (("chief", "own"), ("rival", "competitor"), ("bob", "press")):
        world.add("actor_roles", actor_id=name, company_id="acme", role=role)
        world.add("base.accounts", account=f"bluesky:{name}", actor_id=name)
    world.add("base.accounts", account="bluesky:acme", company_id="acme")
    world.post("attack", 2, "quote", author="Rival", quotes="root")
    world.count("attack", 3, likes=1000)
    world.count("b", 3, likes=9000)  # further, but nobody's competitor
    world.post("jab", 1.1, "quote", author="Rival", quotes="root")


def test_the_company_is_silent(world: Any) -> None:
    people(world)
    world.post("more", 2.5, to="root", author="acme")  # goes on with its own thread
    world.post("thanks", 2.6, to="a", author="acme")  # answers somebody else
    world.post("before", 1.5, to="jab", author="acme")  # answers what came before the attack
    row = world.one("from event_summary('a')")
    assert row["first_competitor_response_seconds"] == 3960
    assert row["company_first_response_seconds"] is None
    assert row["company_response_censored_seconds"] == 3 * 3600


def test_the_company_answers_its_competitor(world: Any) -> None:
    people(world)
    world.post("late", 4, to="attack", author="acme")
    world.post("reply", 3.5, "mention", quotes="attack", author="chief")
    row = world.one("from event_summary('a')")
    assert row["company_first_response_seconds"] == 1.5 * 3600
    assert row["company_response_censored_seconds"] is None


def test_without_a_competitor_any_reaction_counts(world: Any) -> None:
    thread(world)
    world.add("base.accounts", account="bluesky:acme", company_id="acme")
    row = world.one("from event_summary('a')")
    assert row["company_response_censored_seconds"] == 4.5 * 3600
    world.post("thanks", 1.25, to="a1", author="acme")
    row = world.one("from event_summary('a')")
    assert row["company_first_response_seconds"] == 900
    assert row["first_competitor_response_seconds"] is None


@settings(max_examples=15)
@given(
    parents=st.lists(st.integers(0, 9), min_size=1, max_size=9),
    claims=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6), st.booleans()), max_size=6),
    holes=st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from(["hidden", "depth_cap"]), st.integers(0, 4)),
        max_size=4,
    ),
    seed=st.integers(0, 99),
)
def test_what_is_missing_adds_up(
    new_world: Callable[[], Any],
    parents: list[int],
    claims: list[tuple[int, int, bool]],
    holes: list[tuple[int, str, int]],
    seed: int,
) -> None:
    def build(*, shuffled: bool) -> list[tuple[Any, ...]]:
        world = new_world()
        world.event("a")
        world.source("s")
        world.post("p0", 0, "announcement")
        for n, parent in enumerate(parents, 1):
            world.post(f"p{n}", n / 10, to=f"p{parent % n}")
        for n, (post, claimed, whole) in enumerate(claims):
            world.claim(f"p{post % (len(parents) + 1)}", claimed, "tree" if whole else "direct",
                        at=n)  # fmt: skip
        for post, reason, missing in holes:
            world.hole(reason, 1, post=f"p{post % (len(parents) + 1)}", missing=missing)
        if shuffled:
            world.shuffle(seed)
        return covered(world)

    rows = build(shuffled=False)
    assert build(shuffled=True) == rows
    for post_id, claimed, collected, _, _ in rows:
        mine = [row for row in rows if row[0] == post_id]
        assert sum(row[3] for row in mine) == max(claimed - collected, 0)
        assert len({row[4] for row in mine}) == len(mine)
        assert all((row[3] == 0) == (row[4] is None) for row in mine)
