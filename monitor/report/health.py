"""Is the daemon polling well? A pure judgement on the rows of `source_status`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Health", "judge"]

_PATIENCE = timedelta(minutes=15)
_MISSED = 3  # so many polls of the most frequent source may be late


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the daemon runs and polls well, and why that is said."""

    ok: bool
    reason: str


def judge(status: pl.DataFrame | None, now: datetime, trouble: str | None = None) -> Health:
    """Judge a daemon.

    Args:
        status: the rows of `source_status`; None: no daemon answered.
        trouble: why it can store nothing at present.
    """
    if status is None:
        return Health(ok=False, reason="no daemon runs on this data directory; start: monitor run")
    if trouble is not None:
        return Health(ok=False, reason=f"what is read can't be stored: {trouble}")
    sources = [row for row in status.iter_rows(named=True) if row["state"] == "active"]
    if not sources:
        return Health(ok=True, reason="the daemon runs and has no sources to poll")
    failing = [row for row in sources if row["last_outcome"] == "error"]
    if len(failing) == len(sources):
        why = max(failing, key=lambda row: row["last_error_at"])["last_error"]
        return Health(ok=False, reason=f"all {len(sources)} sources fail; the latest says: {why}")
    if silent := [row for row in sources if row["is_silent"]]:
        return Health(ok=False, reason=_silence(silent))
    return _freshness(sources, len(failing), now)


def _silence(silent: list[dict[str, Any]]) -> str:
    """Of the source that is silent for the longest, against its own habit."""
    row = max(silent, key=lambda row: row["newest_post_age_seconds"] / row["longest_pause_seconds"])
    age, pause = (
        _rounded(timedelta(seconds=row[name]))
        for name in ("newest_post_age_seconds", "longest_pause_seconds")
    )
    others = f", and {len(silent) - 1} more" if len(silent) > 1 else ""
    return (
        f"{row['source_id']} is silent: its newest post is {age} old, its longest pause of late "
        f"was {pause}{others}; see monitor status"
    )


def _freshness(sources: list[dict[str, Any]], failing: int, now: datetime) -> Health:
    """Some source must have succeeded within a few of the shortest intervals."""
    often = timedelta(seconds=min(row["interval_seconds"] or 0 for row in sources))
    limit = max(_PATIENCE, _MISSED * often)
    # A source that was added a moment ago has had no chance yet.
    signs = [row["last_success_at"] or row["created_at"] for row in sources]
    age = now - max(signs).replace(tzinfo=UTC)
    if age > limit:
        return Health(
            ok=False,
            reason=f"no source succeeded for {_rounded(age)} (expected within {_rounded(limit)})",
        )
    return Health(ok=True, reason=f"{len(sources)} sources, {failing} of them failing")


def _rounded(span: timedelta) -> str:
    return str(timedelta(seconds=round(span.total_seconds())))
