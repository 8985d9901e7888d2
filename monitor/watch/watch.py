"""`watch`: an address is asked, an event opened or joined, everything polled once, and told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from monitor.clock import Clock
from monitor.config import Config, Watched
from monitor.session import Session
from monitor.store.watched import WATCHED, watched_of
from monitor.watch.announcement import resolve
from monitor.watch.decide import Wanted, company_of, event_of
from monitor.watch.follow import Told, poll_now, told, wait_for_daemon

__all__ = ["effective", "watch"]


def effective(session: Session, config: Config) -> Config:
    """The configuration with what commands put beside it."""
    return config.joined(watched_of(session.query(WATCHED).rows()))


def watch(
    session: Session,
    config: Config,
    urls: Sequence[str],
    wanted: Wanted,
    clock: Clock,
    *,
    wait: float,
    progress: Callable[[str], None],
) -> list[Told]:
    """Open or join the event that `urls` announce, and follow it from now on.

    With a daemon its polls are waited for; without one everything is polled here, once.

    Raises:
        UsageError: an address is none, or nothing says whose announcement it is, or when it was.
        SourceError: the announcement can't be read.
    """
    full = effective(session, config)
    progress(f"asking for {', '.join(urls)}")
    found = asyncio.run(resolve(urls, full, clock))
    company = company_of(found, wanted, full)
    event, is_new = event_of(found, company, wanted, full, clock.now())
    progress(f"event {event.id} of {company.id}: looking for what there is already")
    more = Watched(company=(company,), event=(event,))
    session.call("watch", watched=msgspec.to_builtins(more))
    if session.live:
        wait_for_daemon(session, event, progress=progress)
        session.score(lambda left: progress(f"{left} posts to score"))
    else:
        poll_now(config, event, wait=wait, progress=progress)
    return told(session, config, event, found, is_new=is_new)
