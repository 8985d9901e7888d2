"""What an event is followed by: polled at once, and told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.collect.registry import collector, networks
from monitor.config import Config, Event
from monitor.schedule.daemon import run_once
from monitor.session import Session
from monitor.types import Poll, Source
from monitor.watch.announcement import Announcement

__all__ = ["Told", "poll_now", "told", "wait_for_daemon"]

WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.3
BASELINE = timedelta(days=7)
"""A baseline needs so much of the stream before the announcement."""

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_OF_STREAM = ("account", "feed", "search", "site")
_FOLLOWED = "from base.followed([?])"
_WAITING = (
    "select s.source_id from base.sources as s join base.event_sources as x using (source_id) "
    "where x.event_id = ? and s.state = 'active' and not exists "
    "(select 1 from base.polls as p where p.source_id = s.source_id)"
)


@dataclass(frozen=True, slots=True)
class Told:
    """One line of what `watch` says.

    `part`: event, company, announcement, follows, not asked or not known. `posts`: how many a
    source has shown so far; `since`: from when on it observes.
    """

    part: str
    network: str | None
    what: str
    posts: int | None = None
    since: datetime | None = None
    detail: str | None = None


def poll_now(
    config: Config, event: Event, *, wait: float, progress: Callable[[str], None]
) -> dict[str, str]:
    """Poll everything that follows an event, once, to its end; what failed (source: why).

    No session may be open.
    """

    def serves(source: Source) -> bool:
        return event.id in source.events or (
            not source.events and event.company in source.companies
        )

    def done(poll: Poll, new: int) -> None:
        progress(f"{poll.source.source_id}: {poll.outcome}, {new} new posts")

    report = asyncio.run(run_once(config, wait=wait, only=serves, on_done=done))
    return report.failed


def wait_for_daemon(
    session: Session,
    event: Event,
    *,
    progress: Callable[[str], None],
) -> bool:
    """Wait until the daemon has polled all that follows an event; False if it takes too long."""
    end = time.monotonic() + WAIT_SECONDS
    before = -1
    while True:
        waiting = session.query(_WAITING, [event.id]).height
        if waiting != before:
            progress(f"{event.id}: {waiting} sources wait for their first poll")
            before = waiting
        if not waiting:
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(LOOK_SECONDS)


def told(
    session: Session, config: Config, event: Event, found: list[Announcement], *, is_new: bool
) -> list[Told]:
    """What is followed, what could not be asked, and what can't be known yet."""
    sources = session.query(_FOLLOWED, [event.id]).to_dicts()
    return [
        _event(session, event, is_new=is_new),
        _company(session, event),
        *(_announcement(one) for one in found),
        *_follows(sources),
        *_not_asked(config, sources),
        *_not_known(sources, event),
    ]


def _event(session: Session, event: Event, *, is_new: bool) -> Told:
    row = session.query("from events where event_id = ?", [event.id]).row(0, named=True)
    money = " at ".join(
        f"{row['currency'] or ''} {row[name]:,.0f}{word}".strip()
        for name, word in (("amount", ""), ("valuation", " valuation"))
        if row[name] is not None
    )
    parts = [row["kind"], row["title"], money or None]
    said = "; ".join(part for part in parts if part)
    since = row["announced_at"].replace(tzinfo=UTC)
    return Told("event", None, event.id, None, since, f"{'opened' if is_new else 'joined'}: {said}")


def _company(session: Session, event: Event) -> Told:
    row = session.query(
        "select name, array_to_string(aliases, ', ') as aliases from companies "
        "where company_id = ?",
        [event.company],
    ).row(0, named=True)
    names = ", ".join(name for name in (row["name"], row["aliases"]) if name)
    return Told("company", None, event.company, detail=f"posts that name: {names}")


def _announcement(one: Announcement) -> Told:
    detail = f"can't be asked: {one.why_not}" if one.why_not else _author(one)
    return Told("announcement", one.network, one.post_id or one.url, None, one.at, detail)


def _author(one: Announcement) -> str | None:
    post = one.post
    name = post.author_name or post.author_handle if post else None
    return f"by {name}" if name else None


def _follows(sources: list[dict[str, Any]]) -> Iterator[Told]:
    for one in sources:
        if one["outcome"] in ("ok", "unchanged"):
            since = _since(one)
            detail = "all that it holds" if since is None else None
            yield Told("follows", one["network"], _what(one), one["posts"], since, detail)


def _not_asked(config: Config, sources: list[dict[str, Any]]) -> Iterator[Told]:
    for one in sources:
        if one["state"] == "unavailable":
            why = _why_not(config, one["network"]) or "it can't be asked"
        elif one["outcome"] in ("error", "throttled"):
            why = one["error"] or one["outcome"]
        elif one["outcome"] is None and one["state"] == "active":
            why = "not polled yet; `monitor status` shows when it was"
        else:
            continue
        yield Told("not asked", one["network"], _what(one), None, None, why)
    for network in networks():
        if all(one["network"] != network for one in sources):
            why = _why_not(config, network) or "nothing to ask: name an account or a [[source]]"
            yield Told("not asked", network, "the whole network", None, None, why)


def _why_not(config: Config, network: str) -> str | None:
    if not config.is_on(network):
        return "switched off"
    return None if collector(network) else "no collector reads it yet"


def _what(one: dict[str, Any]) -> str:
    what = one["queries"] if one["kind"] == "search" else one["target"]
    return f"{one['kind']} {what}"


def _not_known(sources: list[dict[str, Any]], event: Event) -> Iterator[Told]:
    """The stream before the first look, and with it the baseline."""
    stream = [
        one
        for one in sources
        if one["kind"] in _OF_STREAM
        and one["since"] is not None
        and one["origin"] not in ("found", "event")
    ]
    begins = max((_since(one) or _EVER for one in stream), default=None)
    if begins is None:
        yield Told(
            "not known", None, "the company's stream", None, None,
            "nothing that follows the company has answered: name its accounts and feeds in "
            "[[company]]; counts of this event only, no baseline",
        )  # fmt: skip
        return
    for one in stream:
        since = _since(one)
        if since is not None and since > event.announced_at - event.window_before:
            yield Told(
                "not known", one["network"], f"{_what(one)}, before", None, since,
                "it shows nothing older: a gap `not_yet_watched`",
            )  # fmt: skip
    if begins > event.announced_at - BASELINE:
        days = max((event.announced_at - begins) / timedelta(days=1), 0)
        yield Told(
            "not known", None, "baseline", None, begins,
            f"needs {BASELINE.days} days of the stream before the announcement, "
            f"{days:.1f} are observed; counts only",
        )  # fmt: skip


def _since(one: dict[str, Any]) -> datetime | None:
    """Since when a source observes; None: it showed all that it ever held."""
    moment: datetime = one["since"].replace(tzinfo=UTC)
    return moment if moment > _EVER else None
