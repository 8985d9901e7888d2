"""When to poll what: what holds whatever was learned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.schedule import next_polls
from monitor.schedule.budget import ALL, Budget
from monitor.schedule.cadence import GAPS_OF_THE_MEAN, LONGEST_GAP, SHORTEST_GAP, pay
from monitor.schedule.history import History

NOW = datetime(2026, 2, 12, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)

minutes = st.integers(0, 240)
habits = st.lists(st.tuples(minutes, st.lists(minutes, max_size=6)), min_size=1, max_size=8)
"""Per source: when it was polled, and when its posts were written, in minutes before now."""


def history(sources: list[tuple[int, list[int]]], *, shift: timedelta = timedelta(0)) -> History:
    made = History()
    for number, (polled, posted) in enumerate(sources):
        _add(made, f"s{number}", polled, posted, shift)
    return made


def _add(made: History, name: str, polled: int, posted: list[int], shift: timedelta) -> None:
    made.add(name, NOW + shift - 12 * HOUR, budgets=[f"host of {name}"])
    at = NOW + shift - timedelta(minutes=polled)
    times = [NOW + shift - timedelta(minutes=m) for m in posted if m >= polled]
    made.observe(name, at, times, learn=False)


def budget(tokens: float = 1.0, per_hour: float = 60.0, *, at: datetime = NOW) -> Budget:
    return Budget(per_hour, at, burst=5.0, tokens=tokens)


def test_the_source_whose_posts_wait_longest_is_first() -> None:
    made = history([(30, [30, 31, 32, 40]), (30, [200]), (2, [3, 4, 5])])
    assert next_polls(made, NOW, {ALL: budget()})[0] == ("s0", NOW)


@given(habits, st.floats(0, 5))
def test_the_same_question_has_the_same_answer(
    sources: list[tuple[int, list[int]]], tokens: float
) -> None:
    made, budgets = history(sources), {ALL: budget(tokens)}
    first = next_polls(made, NOW, budgets)
    assert next_polls(made, NOW, budgets) == first
    assert budgets == {ALL: budget(tokens)}


@given(habits, st.randoms())
def test_the_order_of_sources_changes_nothing(sources: list[tuple[int, list[int]]], random) -> None:
    named = [(f"s{n}", *source) for n, source in enumerate(sources)]
    polls = []
    for _ in range(2):
        made = History()
        made.add("s0", NOW - 12 * HOUR)  # times count from the first one's beginning
        for name, polled, posted in named:
            _add(made, name, polled, posted, timedelta(0))
        polls.append(next_polls(made, NOW, {ALL: budget(3.0)}))
        random.shuffle(named)
    assert polls[0] == polls[1]


@given(habits, st.integers(-(10**6), 10**6))
def test_a_shift_of_time_shifts_the_answer(
    sources: list[tuple[int, list[int]]], hours: int
) -> None:
    shift = timedelta(hours=hours / 1000)
    before = next_polls(history(sources), NOW, {ALL: budget(2.0)})
    after = next_polls(
        history(sources, shift=shift), NOW + shift, {ALL: budget(2.0, at=NOW + shift)}
    )
    assert [name for name, _ in before] == [name for name, _ in after]
    assert all(
        abs(a + shift - b) <= timedelta(microseconds=2)
        for (_, a), (_, b) in zip(before, after, strict=True)
    )


@given(habits, st.integers(0, 7), st.integers(1, 600))
def test_more_posts_or_a_longer_wait_make_a_source_more_urgent(
    sources: list[tuple[int, list[int]]], number: int, later: int
) -> None:
    number %= len(sources)
    made, hour = history(sources), made_hour(NOW)
    polled, posted = sources[number]
    more = history([*sources[:number], (polled, [*posted, polled + 1]), *sources[number + 1 :]])
    before = made.waiting(hour)[number]
    assert made.waiting(hour + later / 60)[number] > before
    assert more.waiting(hour)[number] >= before


def made_hour(moment: datetime) -> float:
    """An hour of the histories here: they begin twelve hours before now."""
    return (moment - (NOW - 12 * HOUR)) / HOUR


@settings(max_examples=30)
@given(
    st.integers(1, 12), st.floats(20, 2000), st.floats(10, 500),
    st.lists(st.booleans(), min_size=60, max_size=60),
)  # fmt: skip
def test_no_budget_is_passed_and_no_source_is_starved(
    count: int, per_hour: float, of_host: float, answers: list[bool]
) -> None:
    made, now = History(), NOW
    for number in range(count):
        made.add(f"s{number}", NOW, budgets=[f"host{number % 2}"])
    budgets = {
        ALL: Budget(per_hour, NOW, burst=1.0, tokens=1.0),
        "host0": Budget(of_host, NOW), "host1": Budget(10_000.0, NOW),
    }  # fmt: skip
    asked: list[tuple[datetime, str]] = []
    for busy in answers:
        polls = next_polls(made, now, budgets)
        for source_id, at in polls:
            if at <= now:
                asked.append((now, source_id))
                pay(made, source_id, now, budgets)
                made.observe(source_id, now, [now] * 3 if busy and source_id == "s0" else [])
        now = max(polls[-1][1], now + timedelta(microseconds=1))
    last: dict[str, datetime] = {}
    for at, source_id in asked:
        assert source_id not in last or at - last[source_id] >= SHORTEST_GAP
        last[source_id] = at
    hours = (now - NOW) / HOUR
    assert len(asked) <= 1 + per_hour * hours + 1e-6
    of_host0 = sum(int(source_id[1:]) % 2 == 0 for _, source_id in asked)
    assert of_host0 <= 5 + of_host * hours + 1e-6
    if of_host >= per_hour:  # else the host's own limit decides
        longest = min(LONGEST_GAP / HOUR, GAPS_OF_THE_MEAN * count / per_hour)
        bound = max(longest, SHORTEST_GAP / HOUR) + (count + 1) / per_hour
        names = [f"s{number}" for number in range(count)]
        assert all((now - last.get(name, NOW)) / HOUR <= bound + 1e-6 for name in names)


def test_an_interval_is_taken_as_written_whatever_the_budget() -> None:
    made = History()
    made.add("often", NOW, interval=timedelta(seconds=1))
    made.add("never", NOW, interval=timedelta(days=30))
    at = NOW + timedelta(seconds=1)
    empty = {ALL: Budget(1e-9, at, tokens=0.0)}
    assert next_polls(made, at, empty)[0] == ("often", at)
    made.observe("often", at)
    ((name, when),) = next_polls(made, at, empty)
    assert name == "often"
    assert timedelta(0) <= when - at - timedelta(seconds=1) < timedelta(milliseconds=1)


def test_a_source_that_is_held_waits_and_pages_are_paid_for() -> None:
    made = history([(60, [61, 62, 63]), (60, [])])
    made.hold("s0", NOW + HOUR)
    assert next_polls(made, NOW, {ALL: budget()})[0] == ("s1", NOW)
    for _ in range(20):
        made.observe("s1", NOW - HOUR, requests=40, learn=False)
    assert made.costs("s1") == {ALL: 1.0, "host of s1": pytest.approx(40, abs=0.1)}
    ((name, at),) = next_polls(made, NOW, {"host of s1": budget(4.0)})
    assert (name, at > NOW) == ("s1", True)  # it needs a full bucket
    spent = {"host of s1": budget(5.0)}
    pay(made, "s1", NOW, spent)
    assert spent["host of s1"].tokens == pytest.approx(-35, abs=0.1)


def test_what_is_dropped_is_forgotten_and_the_others_stay() -> None:
    made = history([(60, [61]), (50, [51, 52]), (40, [])])
    waiting = made.waiting(made.hour(NOW))[2]
    made.drop("s0")
    made.drop("s0")
    assert sorted(made.ids) == ["s1", "s2"]
    assert made.waiting(made.hour(NOW))[list(made.ids).index("s2")] == waiting
    assert next_polls(History(), NOW, {}) == []


@pytest.mark.parametrize("factor", [0.1, 1.0, 10.0])
def test_weights_are_learned_whatever_they_began_with(factor: float) -> None:
    made = History([factor * w for w in (0.2, 0.2, 0.2, 0.2, 0.5, 0.1, 0.02, 0.3)])
    for number in range(40):
        made.add(f"s{number}", NOW)
    for step in range(1, 60):
        at = NOW + step * timedelta(minutes=30)
        for number in range(40):  # each posts every two hours
            posted = [at - timedelta(minutes=7)] if (step + number) % 4 == 0 else []
            made.observe(f"s{number}", at, posted)
    per_hour = made.waiting(made.hour(at + HOUR)).mean() * 2  # J = λ/2 after an hour
    assert per_hour == pytest.approx(0.5, rel=0.3)
