from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.durations import MAX_DURATION, format_duration, parse_duration, parse_time
from monitor.errors import UsageError

NOW = datetime(2026, 2, 13, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14d", timedelta(days=14)),
        ("5m", timedelta(minutes=5)),
        ("6h", timedelta(hours=6)),
        ("90s", timedelta(seconds=90)),
        ("1.5h", timedelta(minutes=90)),
        ("2w", timedelta(weeks=2)),
        ("1h30m", timedelta(minutes=90)),
        ("0s", timedelta(0)),
        (" 1d ", timedelta(days=1)),
        ("0.1s", timedelta(milliseconds=100)),
    ],
)
def test_durations_as_people_write_them(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5 minutes", "-5m", "5M", "1e3s", ".5h", "5.h", "٣m", "P1D", "99999999w"]
)
def test_what_is_no_duration_is_refused_in_one_line_with_what_is_possible(text: str) -> None:
    with pytest.raises(UsageError, match=r"90s|36500d") as refused:
        parse_duration(text)
    assert "\n" not in str(refused.value)


@given(st.timedeltas(min_value=timedelta(0), max_value=MAX_DURATION))
def test_a_written_duration_is_read_as_the_same(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


def refusal(parse: Callable[[str], object], text: str) -> str:
    try:
        parse(text)
    except UsageError as error:
        return str(error)
    return ""


@given(st.text(max_size=80))
def test_nothing_but_a_usage_error_of_one_line_comes_out_of_any_text(text: str) -> None:
    assert len(refusal(parse_duration, text).splitlines()) <= 1
    assert len(refusal(lambda t: parse_time(t, NOW), text).splitlines()) <= 1


def test_durations_are_shown_with_days_as_the_longest_unit() -> None:
    assert format_duration(timedelta(weeks=2)) == "14d"
    assert format_duration(timedelta(hours=36)) == "1d12h"
    assert format_duration(timedelta(milliseconds=1500)) == "1.5s"
    assert format_duration(-timedelta(minutes=5)) == "-5m"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-02-12T18:00:00Z", datetime(2026, 2, 12, 18, tzinfo=UTC)),
        ("2026-02-12t18:00:00z", datetime(2026, 2, 12, 18, tzinfo=UTC)),
        ("2026-02-12T19:00+01:00", datetime(2026, 2, 12, 18, tzinfo=UTC)),
        ("2026-02-12", datetime(2026, 2, 12, tzinfo=UTC)),
        ("6h", datetime(2026, 2, 13, 8, tzinfo=UTC)),
        ("now", NOW),
    ],
)
def test_times_are_aware_and_in_utc(text: str, expected: datetime) -> None:
    found = parse_time(text, NOW)
    assert found == expected
    assert found.tzinfo is UTC


def test_a_time_without_a_zone_is_in_the_users_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert parse_time("2026-07-01", NOW, berlin) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert parse_time("2026-07-01T00:00Z", NOW, berlin) == datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "18:00", "0001-01-01T00:00+14:00", ""])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="2026-02-12"):
        parse_time(text, NOW)


def test_a_duration_that_leads_out_of_the_calendar_is_refused() -> None:
    with pytest.raises(UsageError, match="outside the calendar"):
        parse_time("36500d", datetime(50, 1, 1, tzinfo=UTC))
