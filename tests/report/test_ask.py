"""What the facade accepts as moments, lengths, zones and groups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from monitor.errors import UsageError
from monitor.report import ask

NOW = datetime(2026, 2, 13, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-02-12T18:00:00Z", "2026-02-12T18:00:00+00:00"),
        ("2026-02-12T18:00:00+05:30", "2026-02-12T12:30:00+00:00"),
        ("2026-02-12T18:00", "2026-02-12T18:00:00+00:00"),
        ("2026-02-12", "2026-02-12T00:00:00+00:00"),
        ("6h", "2026-02-13T06:00:00+00:00"),
        (timedelta(days=1), "2026-02-12T12:00:00+00:00"),
        (datetime(2026, 2, 12), "2026-02-12T00:00:00+00:00"),  # noqa: DTZ001 - naive is what is tested
        (datetime(2026, 2, 12, tzinfo=timezone(timedelta(hours=2))), "2026-02-11T22:00:00+00:00"),
    ],
)
def test_a_moment_is_utc(given: str | datetime | timedelta, expected: str) -> None:
    assert ask.moment_text(given, NOW) == expected


@pytest.mark.parametrize("given", ["", "noon", "99999d", timedelta(days=10**6)])
def test_what_is_no_moment_is_refused(given: str | timedelta) -> None:
    with pytest.raises(UsageError):
        ask.moment_text(given, NOW)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("15m", timedelta(minutes=15)), (timedelta(hours=1), timedelta(hours=1))],
)
def test_a_bucket_is_exact(given: str | timedelta, expected: timedelta) -> None:
    assert ask.bucket(given) == f"{expected // timedelta(microseconds=1)} microseconds"


def test_groups_are_a_fixed_set() -> None:
    with pytest.raises(UsageError, match="network, language, relation, actor, company"):
        ask.series_by("text; drop table posts")


def test_a_missing_event_is_helped_with() -> None:
    assert "add an [[event]]" in ask.no_event("a", [])
    assert 'did you mean "acme-a"?' in ask.no_event("acme-b", ["acme-a"])
