"""The days that a baseline learns from."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.analyse.baseline import DAY
from monitor.analyse.training import baseline_before

HOUR = 3600
BEGIN = 1_769_990_400
STARTS = BEGIN + np.arange(30 * 24) * HOUR
COUNTS = np.full(30 * 24, 5.0)
SEEN = np.ones(30 * 24)
UNTIL = BEGIN + 30 * DAY


def days(until: float = UNTIL, observed: np.ndarray = SEEN, others: tuple[float, ...] = ()) -> list:
    found = baseline_before(until, STARTS, COUNTS, observed, bucket=HOUR, others=others)
    return [] if found is None else [(first - BEGIN) / DAY for first in found.starts[:, 0]]


def test_the_latest_fourteen_before_the_announcement() -> None:
    assert days() == list(range(16, 30))


def test_days_are_counted_back_from_the_announcement() -> None:
    until = BEGIN + 20 * DAY + 18.4 * HOUR  # the hour of the announcement is no ordinary one
    assert days(until) == pytest.approx([n + 18 / 24 for n in range(6, 20)])


def test_a_day_with_a_hole_is_passed_over() -> None:
    observed = SEEN.copy()
    observed[25 * 24 + 3] = 0.89
    assert days(observed=observed) == [*range(15, 25), *range(26, 30)]
    observed[25 * 24 + 3] = 0.9
    assert days(observed=observed) == list(range(16, 30))


def test_the_aftermath_of_another_event_is_passed_over() -> None:
    other = BEGIN + 20 * DAY + 5.5 * HOUR
    assert days(others=(other,)) == [*range(12, 20), *range(24, 30)]


def test_days_before_the_first_post_were_hardly_watched() -> None:
    counts = np.where(STARTS < BEGIN + 20.5 * DAY, 0.0, 5.0)
    found = baseline_before(UNTIL, STARTS, counts, SEEN, bucket=HOUR)
    assert found is not None
    assert found.starts[0, 0] == BEGIN + 20 * DAY


def test_fewer_than_seven_are_none() -> None:
    assert days(BEGIN + 7 * DAY) == list(range(7))
    assert days(BEGIN + 7 * DAY - 1) == []
    assert days(BEGIN - DAY) == []
