"""When a daemon is well, judged from the rows of `source_status`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from monitor.report.health import judge

NOW = datetime(2026, 2, 13, 12, tzinfo=UTC)
SCHEMA = {
    "state": pl.String, "last_outcome": pl.String, "last_success_at": pl.Datetime("us"),
    "last_error_at": pl.Datetime("us"), "last_error": pl.String, "interval_seconds": pl.Float64,
    "created_at": pl.Datetime("us"),
}  # fmt: skip


def before(**span: float) -> datetime:
    return (NOW - timedelta(**span)).replace(tzinfo=None)


def source(**given: Any) -> dict[str, Any]:
    well = {
        "state": "active", "last_outcome": "ok", "last_success_at": before(minutes=1),
        "last_error_at": None, "last_error": None, "interval_seconds": 60.0,
        "created_at": before(days=30),
    }  # fmt: skip
    return well | given


FAILING = source(last_outcome="error", last_error_at=before(minutes=1), last_error="refused")


@pytest.mark.parametrize(
    ("sources", "ok", "reason"),
    [
        ([], True, "the daemon runs and has no sources to poll"),
        ([source()], True, "1 sources, 0 of them failing"),
        ([source(), FAILING], True, "2 sources, 1 of them failing"),
        ([FAILING, FAILING], False, "all 2 sources fail; the latest says: refused"),
        ([FAILING, source(state="unavailable")], False, "all 1 sources fail"),
        ([source(last_success_at=before(hours=2))], False, "no source succeeded for 2:00:00"),
        ([source(last_success_at=before(hours=2), interval_seconds=3600)], True, "1 sources"),
        ([source(last_success_at=None, last_outcome=None)], False, "no source succeeded for 30 d"),
        ([source(last_success_at=None, created_at=before(minutes=1))], True, "1 sources"),
    ],
)
def test_health_follows_from_the_sources(
    sources: list[dict[str, Any]], ok: bool, reason: str
) -> None:
    got = judge(pl.DataFrame(sources, schema=SCHEMA), NOW)
    assert got.ok == ok
    assert got.reason.startswith(reason)


def test_without_a_daemon_nothing_is_well() -> None:
    got = judge(None, NOW)
    assert not got.ok
    assert "monitor run" in got.reason


def test_a_daemon_that_can_store_nothing_is_not_well() -> None:
    got = judge(pl.DataFrame([source()], schema=SCHEMA), NOW, "the disk is full")
    assert (got.ok, got.reason) == (False, "what is read can't be stored: the disk is full")
