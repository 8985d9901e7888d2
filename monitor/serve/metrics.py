"""Prometheus metrics, on loopback: what a daemon did, and how its sources are."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.serve.server import serving
from monitor.types import Outcome, Poll

__all__ = ["Metrics", "serving_metrics"]

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

log = structlog.get_logger("monitor")


class Metrics:
    """The numbers of one life of a daemon."""

    def __init__(self) -> None:
        self._registry = mine = CollectorRegistry()
        self._polls = Counter(
            "monitor_polls", "Polls that were stored", ["source", "outcome"], registry=mine
        )
        self._posts = Counter("monitor_posts", "Posts first shown", ["source"], registry=mine)
        self._success = Gauge(
            "monitor_last_success_timestamp_seconds", "Start of the last good poll", ["source"],
            registry=mine,
        )  # fmt: skip
        self._commit = Histogram(
            "monitor_commit_seconds", "Time of a commit", buckets=_SECONDS, registry=mine
        )
        self._silent = Gauge(
            "monitor_source_silent", "1: no post for longer than is usual", ["source"],
            registry=mine,
        )  # fmt: skip
        self._coverage = Gauge(
            "monitor_coverage_ratio", "Replies collected, of those that networks claim", ["event"],
            registry=mine,
        )  # fmt: skip

    def polled(self, poll: Poll, new: int) -> None:
        """A poll was stored."""
        source = poll.source.source_id
        self._polls.labels(source, str(poll.outcome)).inc()
        self._posts.labels(source).inc(new)
        if poll.outcome in (Outcome.OK, Outcome.UNCHANGED):
            self._success.labels(source).set(poll.started_at.timestamp())

    def committed(self, seconds: float) -> None:
        """A commit was made."""
        self._commit.observe(seconds)

    def looked(
        self, status: Iterable[Mapping[str, Any]], coverage: Iterable[tuple[str, float | None]]
    ) -> None:
        """The rows of `source_status`, and the coverage of each event (None: nothing claimed)."""
        self._silent.clear()
        self._coverage.clear()
        for row in status:
            if row["is_silent"] is not None:
                self._silent.labels(row["source_id"]).set(row["is_silent"])
            if row["last_success_at"] is not None:
                at = row["last_success_at"].replace(tzinfo=UTC).timestamp()
                self._success.labels(row["source_id"]).set(at)
        for event, ratio in coverage:
            if ratio is not None:
                self._coverage.labels(event).set(ratio)

    def text(self) -> bytes:
        """The numbers as Prometheus reads them."""
        return generate_latest(self._registry)


@asynccontextmanager
async def serving_metrics(metrics: Metrics, port: int | None) -> AsyncIterator[None]:
    """Answer `GET /metrics` on a port of loopback; None: on none. A port that is taken is told."""
    if port is None:
        yield
        return
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
    except OSError as error:
        sock.close()
        log.warning("no metrics", port=port, error=str(error))
        yield
        return

    async def answer(_: Request) -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    log.info("metrics", url=f"http://127.0.0.1:{sock.getsockname()[1]}/metrics")
    async with serving(Starlette(routes=[Route("/metrics", answer)]), sock):
        yield
