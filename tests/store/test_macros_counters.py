"""Counters as curves: increments against a second, independent implementation of the rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

Points = list[tuple[float, int | None]]
DELTAS = ("likes_delta", "reposts_delta", "replies_delta", "quotes_delta", "views_delta")


class Curve:
    """The rule of one post and source, in plain Python; times are hours after the post."""

    def __init__(self, points: Points, *, anchored: bool = True) -> None:
        shown = [(at, v) for at, v in sorted(points) if v is not None]
        kept: Points = []
        for n, (at, value) in enumerate(shown):
            after = [v for _, v in shown[n + 1 : n + 3]]
            if not (after and all(v < value * 0.95 for v in after)):
                kept.append((at, value))
        self.knots: list[tuple[float, float]] = [(0.0, 0.0)] if anchored else []
        top = 0
        for at, value in kept:
            top = max(top, value or 0)
            self.knots.append((at, float(top)))

    def at(self, age: float) -> float:
        for (t0, v0), (t1, v1) in zip(self.knots, self.knots[1:], strict=False):
            if t0 <= age <= t1:
                a, b, x = (math.log(1 + t * 2) for t in (t0, t1, age))
                return v0 + (v1 - v0) * (x - a) / (b - a)
        raise AssertionError(age)

    def increment(self, start: float, end: float) -> float | None:
        """The growth in [start, end), as far as the curve goes."""
        if len(self.knots) < 2:
            return None
        low, high = max(start, self.knots[0][0]), min(end, self.knots[-1][0])
        return self.at(high) - self.at(low) if low < high else None


def setting(world: Any, *, posts: dict[str, float] | None = None) -> None:
    world.event("a")
    world.source("s")
    world.source("t", network="x")
    world.poll("s", -9, 7.9)
    world.post("root", 0, "announcement", author="acme")
    for name, at in (posts or {}).items():
        world.post(name, at)


def deltas(world: Any, counter: str = "likes", *, event: str = "a") -> dict[float, float | None]:
    rows = world.rows(f"from engagement_series('{event}', '1h')")
    t0 = world.T0 if event == "a" else world.hour(1)
    return {
        (r["bucket_start_utc"] - t0).total_seconds() / 3600: r[f"{counter}_delta"] for r in rows
    }


def total(found: dict[float, float | None]) -> float:
    return sum(v for v in found.values() if v is not None)


def test_increments_spread_over_the_log_of_age(world: Any) -> None:
    setting(world, posts={"r": 0.25})
    world.count("r", 3.25, likes=70)
    found = deltas(world)
    whole = math.log(1 + 3 * 2)
    assert found[0] == pytest.approx(70 * math.log(1 + 0.75 * 2) / whole)
    assert found[3] == pytest.approx(70 * (whole - math.log(1 + 2.75 * 2)) / whole)
    assert found[4] is None  # nothing beyond the last reading
    assert found[-1] is None  # nor before the post
    assert total(found) == pytest.approx(70, abs=1e-9)
    assert set(deltas(world, "views").values()) == {None}  # never shown is not 0


def test_a_glitch_is_dropped_and_a_fall_is_no_increment(world: Any) -> None:
    setting(world)
    for at, likes in ((0.5, 1000), (1.5, 9000), (2.5, 1200), (3.5, 1400), (4.5, 1350)):
        world.count("root", at, likes=likes)
    assert total(deltas(world)) == pytest.approx(1400)
    world.count("root", 5.5, likes=9000)
    world.count("root", 6.5, likes=1500)  # at the end one later value is enough
    assert total(deltas(world)) == pytest.approx(1500)


@pytest.mark.parametrize("after", [[95], [95, 95], [95, 90], [90, 95]])
def test_exactly_five_percent_is_no_glitch(world: Any, after: list[int]) -> None:
    setting(world)
    for at, likes in enumerate([100, *after], 1):
        world.count("root", at, likes=likes)
    assert total(deltas(world)) == pytest.approx(100)


def test_without_the_anchor_the_first_value_is_a_level(world: Any) -> None:
    setting(world)
    world.post("old", -3, "quote", seen=22)
    world.count("old", 22, likes=500)
    assert set(deltas(world).values()) == {None}
    world.event("b", company="rival", at=1, before=4, after=40)
    world.post("old2", -2, "quote", event="b", seen=23)
    world.poll("s", 7.9, 50)
    world.count("old2", 23, likes=500)
    world.count("old2", 26, likes=530)
    found = deltas(world, event="b")
    assert total(found) == pytest.approx(30)
    assert found[20] is None
    assert found[22] is not None


def test_a_post_seen_within_a_day_is_anchored(world: Any) -> None:
    setting(world)
    world.post("late", -3, "quote", seen=20)
    world.count("late", 20, likes=500)
    assert 0 < total(deltas(world)) < 500  # the rest grew after the window


def test_an_imported_post_has_no_delay_of_detection(world: Any) -> None:
    setting(world)
    world.post("old", 0.5, source="import", network="x", seen=9999, known=0.5, recorded=0.5)
    world.count("old", 2, source="import", likes=40)
    assert total(deltas(world)) == pytest.approx(40)


def test_the_source_that_shows_most_counts_per_counter(world: Any) -> None:
    setting(world)
    world.count("root", 1, source="s", likes=10, replies=9)
    world.count("root", 2, source="s", likes=20, replies=9)
    world.count("root", 1.5, source="t", likes=30, replies=1)  # looked less recently
    assert total(deltas(world)) == pytest.approx(30)
    assert total(deltas(world, "replies")) == pytest.approx(9)


def test_a_deleted_post_is_frozen(world: Any) -> None:
    setting(world)
    world.post("gone", 0.5, deleted=3)
    world.count("gone", 2, likes=40)
    world.count("gone", 4, likes=400)  # what is shown after the deletion counts for nothing
    found = deltas(world)
    assert total(found) == pytest.approx(40)
    assert found[6] == 0
    then = world.rows(f"from engagement_series('a', '1h', '{world.hour(2.5)}')")
    assert sum(row["likes_delta"] or 0 for row in then) == pytest.approx(40)


def test_a_later_sighting_confirms_the_last_reading(world: Any) -> None:
    setting(world)
    world.post("r", 0.5)
    world.count("r", 1, likes=4)
    world.add("base.sightings", post_key=world.key("r"), source_id="s", first_at=world.hour(0.5),
              last_at=world.hour(4.5))  # fmt: skip
    found = deltas(world)
    assert [found[n] for n in (1, 4, 5)] == [0, 0, None]


def test_what_was_known_then(world: Any) -> None:
    setting(world)
    world.count("root", 1, likes=10)
    world.count("root", 3, likes=30)
    world.poll("s", -9, 2)
    then = world.rows(f"from engagement_series('a', '1h', '{world.hour(2.5)}')")
    assert sum(r["likes_delta"] or 0 for r in then) == pytest.approx(10)


def test_two_events_do_not_mix(world: Any) -> None:
    setting(world)
    world.event("b", company="rival", at=1)
    world.post("root2", 1, "announcement", event="b")
    world.count("root", 2, likes=5)
    world.count("root2", 2, likes=7)
    assert total(deltas(world)) == pytest.approx(5)
    assert total(deltas(world, event="b")) == pytest.approx(7)


def test_posts_outside_the_window_and_excluded_ones_add_nothing(world: Any) -> None:
    setting(world, posts={"early": -4.5, "out": 1})
    world.add("base.exclusions", event_id="a", post_key=world.key("out"), excluded_by="user",
              recorded_at=world.hour(2))  # fmt: skip
    for name in ("early", "out", "root"):
        world.count(name, 2, likes=5)
    assert total(deltas(world)) == pytest.approx(5)


def test_counters_are_observed_between_polls_but_not_in_holes(world: Any) -> None:
    world.event("a")
    world.source("s")
    world.source("silent")  # never showed a counter
    world.post("root", 0, "announcement")
    world.count("root", 1, likes=1)
    for at in (0, 1, 2, 3.5, 4, 5):
        world.poll("s", at - 1, at)
    world.hole("not_running", 2, 3.5, filled=3.5)  # posts came back, counters did not
    world.hole("page_cap", 4, 4.5)
    rows = world.rows("from engagement_series('a', '1h')")
    ratios = {
        (r["bucket_start_utc"] - world.T0).total_seconds() / 3600: r["counters_observed_ratio"]
        for r in rows
    }
    assert [ratios[n] for n in (-1, 0, 1, 2, 3, 4, 5)] == [0, 1, 1, 0, 0.5, 1, None]


def test_the_counters_of_one_post(world: Any) -> None:
    setting(world)
    world.post("other", 0)
    world.count("other", 2, likes=999)
    for at, views in ((0.5, 10), (1.5, 40), (2.5, 40)):
        world.count("root", at, views=views)
    rows = world.rows("from counter_series('root', '1h')")
    curve = Curve([(0.5, 10), (1.5, 40), (2.5, 40)])
    assert [r["bucket_start_utc"] for r in rows] == [world.hour(n) for n in range(3)]
    assert [r["views"] for r in rows] == pytest.approx([curve.at(1), curve.at(2), curve.at(2.5)])
    assert [r["views_delta"] for r in rows] == pytest.approx(
        [curve.increment(n, n + 1) for n in range(3)]
    )
    assert {r["likes"] for r in rows} == {None}
    assert len(world.rows(f"from counter_series('root', '1h', '{world.hour(1)}')")) == 1
    assert world.rows("from counter_series('nobody', '1h')") == []


@pytest.mark.parametrize(
    ("readings", "removed"),
    [
        # Removed for good, and more came since. The highest reading alone might be a glitch.
        ([10, 49, 50, 30, 35, 38], [0, 0, 0, 11, 11, 11]),
        ([10, 40, 50, 41, 42, 41], [0, 0, 0, 0, 0, 0]),  # by less than a fifth
        ([10, 40, 50, 60, 61, 30], [0, 0, 0, 0, 0, 0]),  # one low reading: it may be a glitch
        ([10, 49, 50, 20, 21, 60], [0, 0, 0, 0, 0, 0]),  # came back
        ([10, 50, 50, None, 20, 21], [0, 0, 0, 0, 29, 29]),
    ],
)
def test_what_falls_for_good_was_removed(
    world: Any, readings: list[int | None], removed: list[int]
) -> None:
    setting(world)
    for n, likes in enumerate(readings):
        world.count("root", n + 0.5, likes=likes, views=1)
    rows = world.rows("from counter_series('root', '1h')")
    assert [row["likes_removed"] for row in rows] == removed
    levels = [row["likes"] for row in rows]
    assert levels == sorted(levels), "the curve itself never falls"


def test_one_level_is_shown_without_an_increment(world: Any) -> None:
    setting(world)
    world.post("old", -30, "quote", seen=2)
    world.count("old", 2, views=7)
    (row,) = world.rows("from counter_series('old', '1h')")
    assert (row["views"], row["views_delta"], row["bucket_start_utc"]) == (7, None, world.hour(2))


points = st.lists(
    st.tuples(st.integers(0, 75), st.one_of(st.none(), st.integers(0, 10_000))),
    min_size=1, max_size=8, unique_by=lambda p: p[0],
).map(lambda ps: [(at / 10, v) for at, v in ps])  # fmt: skip


@settings(max_examples=15)
@given(curves=st.lists(points, min_size=1, max_size=3), seed=st.integers(0, 9))
def test_increments_equal_a_second_implementation(
    new_world: Callable[[], Any], curves: list[Points], seed: int
) -> None:
    def build(change: Callable[[Any], None]) -> dict[float, float | None]:
        world = new_world()
        setting(world)
        for n, curve in enumerate(curves):
            world.post(f"p{n}", 0)
            for at, value in curve:
                world.count(f"p{n}", at or 1e-9, likes=value, views=1)
        change(world)
        return deltas(world)

    found = build(lambda _: None)
    models = [Curve([(at or 1e-9, v) for at, v in curve]) for curve in curves]
    for hour, value in found.items():
        parts = [p for m in models if (p := m.increment(hour, hour + 1)) is not None]
        if not parts:
            assert value is None
        else:
            assert value == pytest.approx(sum(parts), abs=1e-6)
            assert value >= 0
    for change in (lambda w: w.shuffle(seed), lambda w: w.double("base.engagement")):
        again = build(change)
        for hour, value in found.items():
            assert again[hour] == (None if value is None else pytest.approx(value, rel=1e-9))


@settings(max_examples=15)
@given(
    steps=st.lists(st.integers(0, 500), min_size=2, max_size=8),
    gone=st.integers(0, 7),
    seen=st.sampled_from([0.0, 25.0]),
)
def test_a_poll_less_never_raises_a_total(
    new_world: Callable[[], Any], steps: list[int], gone: int, seen: float
) -> None:
    def build(skipped: int | None) -> float:
        world = new_world()
        world.event("a", after=48)
        world.source("s")
        world.poll("s", -9, 40)
        world.post("p", 0, seen=seen)
        value = 0
        for n, step in enumerate(steps):
            value += step
            if n != skipped:
                world.count("p", seen + n + 0.5, likes=value)
        return total(deltas(world))

    assert build(gone % len(steps)) <= build(None) + 1e-6  # each bucket is rounded to nine digits
