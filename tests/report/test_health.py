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
    "created_at": pl.Datetime("us"), "source_id": pl.String, "is_silent": pl.Boolean,
    "newest_post_age_seconds": pl.Float64, "longest_pause_seconds": pl.Float64,
}  # fmt: skip


def before(**span: float) -> datetime:
    return (NOW - timedelta(**span)).replace(tzinfo=None)


def source(**given: Any) -> dict[str, Any]:
    well = {
        "state": "active", "last_outcome": "ok", "last_success_at": before(minutes=1),
        "last_error_at": None, "last_error": None, "interval_seconds": 60.0,
        "created_at": before(days=30), "source_id": "blog", "is_silent": None,
        "newest_post_age_seconds": None, "longest_pause_seconds": None,
    }  # fmt: skip
    return well | given


SILENT = source(is_silent=True, newest_post_age_seconds=3 * 86400, longest_pause_seconds=6 * 3600)
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
        ([source(), SILENT], False, "blog is silent: its newest post is 3 days, 0:00:00 old"),
        ([source(is_silent=False)], True, "1 sources"),
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
