"""An eye on the sources of a daemon: which have fallen silent, judged by their own habit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog

from monitor.errors import StoreError
from monitor.serve.metrics import Metrics
from monitor.store.database import Database

__all__ = ["keep_vigil", "tell"]

EVERY_SECONDS = 300.0
FIRST_SECONDS = 60.0
"""What came while nobody ran is fetched by then."""

_STATUS = "select * from source_status where state = 'active'"
_COVERAGE = (
    "select event_id, coverage_ratio "
    "from base.summaries((select list(event_id) from events where state <> 'archived'), null)"
)

log = structlog.get_logger("monitor")


async def keep_vigil(
    database: Database, metrics: Metrics, *, first: float = FIRST_SECONDS,
    every: float = EVERY_SECONDS,
) -> None:  # fmt: skip
    """Look at all sources now and then, until cancelled; times in seconds."""
    silent: frozenset[str] = frozenset()
    await asyncio.sleep(first)
    while True:
        try:
            status = (await asyncio.to_thread(database.query, _STATUS)).to_dicts()
            coverage = (await asyncio.to_thread(database.query, _COVERAGE)).rows()
        except StoreError as error:
            log.error("sources not looked at", error=str(error))  # noqa: TRY400 - it says it all
        else:
            silent = tell(silent, status)
            metrics.looked(status, coverage)
        await asyncio.sleep(every)


def tell(before: frozenset[str], status: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Log which sources fell silent and which post again; those that are silent now."""
    rows = {row["source_id"]: row for row in status if row["is_silent"]}
    for source_id in sorted(rows.keys() - before):
        log.warning(
            "source is silent", source=source_id,
            newest_post_age=_span(rows[source_id]["newest_post_age_seconds"]),
            longest_pause=_span(rows[source_id]["longest_pause_seconds"]),
        )  # fmt: skip
    for source_id in sorted(before - rows.keys()):
        log.info("source is silent no longer", source=source_id)
    return frozenset(rows)


def _span(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
