"""Which source is polled when: the cadence, with the store's sources and what polls cost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from monitor.collect.http.pace import allowed_per_minute
from monitor.collect.http.url import authority
from monitor.config import Config
from monitor.schedule.budget import ALL, BURST, Budget
from monitor.schedule.cadence import next_polls, pay
from monitor.schedule.history import History
from monitor.types import Outcome, Poll, Source

__all__ = ["REMEMBERED", "Planner", "Pollable"]

REMEMBERED = timedelta(days=4)
"""Posts that are older say nothing about when the next one comes."""

REACTION = 2.0
"""A post that waits in a thread of an event counts so much against one of the background."""

_HOUR = timedelta(hours=1)


class Pollable(Protocol):
    """A source as the schedule sees it."""

    @property
    def source(self) -> Source: ...
    @property
    def state(self) -> str: ...
    @property
    def next_at(self) -> datetime | None: ...
    @property
    def created_at(self) -> datetime: ...


class Planner:
    """Knows the history and the budgets of a daemon's sources.

    Args:
        config: for the limits of networks and hosts.
        is_adaptive: whether sources without an interval of their own follow their posts; else all
            are polled at their `next_at`.
    """

    def __init__(self, config: Config, *, is_adaptive: bool = True) -> None:
        self.config = config
        self._is_adaptive = is_adaptive
        self._history = History()
        self._budgets: dict[str, Budget] = {}
        self._known: dict[str, Source] = {}
        self._hosts: dict[str, float] = {}  # those with a limit, in requests a minute
        self._is_allowed = False  # do the budgets fit what is known?
        self._failed: set[str] = set()
        self._expected: dict[str, Mapping[str, float]] = {}

    def remember(self, entry: Pollable, polled_at: datetime, posted_at: Iterable[datetime]) -> None:
        """What an earlier life left: the last poll of a source, and its posts of late."""
        self._add(entry, max(entry.created_at, polled_at - REMEMBERED))
        self._history.observe(entry.source.source_id, polled_at, posted_at, learn=False)

    def plan(
        self, entries: Collection[Pollable], now: datetime, running: Collection[str]
    ) -> list[tuple[str, datetime]]:
        """The polls to begin now and the first one after them, as `next_polls`."""
        planned = {
            entry.source.source_id: entry
            for entry in entries
            if entry.state == "active" and entry.next_at is not None
        }
        for source_id in [one for one in self._known if one not in planned]:
            self._history.drop(source_id)
            del self._known[source_id]
            self._is_allowed = False
        for source_id, entry in planned.items():
            if self._known.get(source_id) is not entry.source:
                self._add(entry, min(entry.created_at, now))
            self._history.hold(source_id, self._held(entry, running))
        if not self._is_allowed:
            self._allow(now)
        return next_polls(self._history, now, self._budgets)

    def begin(self, source_id: str, now: datetime) -> None:
        """A poll begins: it is paid for."""
        if source_id in self._known:
            self._expected[source_id] = self._history.costs(source_id)
            pay(self._history, source_id, now, self._budgets)

    def end(self, poll: Poll, fresh: Iterable[datetime]) -> None:
        """A poll has ended; `fresh`: when the posts were written that its source never showed."""
        source_id, requests = poll.source.source_id, float(poll.harvest.requests)
        is_good = poll.outcome in (Outcome.OK, Outcome.UNCHANGED)
        self._failed -= {source_id}
        if not is_good:
            self._failed.add(source_id)
        for name, cost in self._expected.pop(source_id, {}).items():
            if name != ALL and name in self._budgets:  # the difference
                paid = self._budgets[name].paid(requests - cost, poll.finished_at)
                self._budgets[name] = paid
        if is_good and source_id in self._known:
            self._history.observe(source_id, poll.started_at, fresh, requests=requests)

    def fail(self, source_id: str) -> None:
        """A poll did not end well, by a fault of ours: not before the source's `next_at`."""
        self._failed.add(source_id)

    def shift(self, by: timedelta) -> None:
        """Move all that is known in time, as when the clock was set."""
        self._history.shift(by)
        self._budgets = {
            name: replace(budget, since=budget.since + by) for name, budget in self._budgets.items()
        }

    def _add(self, entry: Pollable, started_at: datetime) -> None:
        source = entry.source
        host = self._host(source)
        self._known[source.source_id] = source
        self._is_allowed = False
        self._history.add(
            source.source_id,
            started_at,
            interval=None if self._follows(source) else timedelta(0),
            importance=REACTION if source.events else 1.0,
            budgets=[host] if host else [],
        )

    def _follows(self, source: Source) -> bool:
        return self._is_adaptive and not source.is_fixed

    def _held(self, entry: Pollable, running: Collection[str]) -> datetime | None:
        source_id = entry.source.source_id
        if source_id in running:
            return None
        if self._follows(entry.source) and source_id not in self._failed:
            return entry.created_at
        return entry.next_at

    def _host(self, source: Source) -> str | None:
        """The host that a source asks, as far as it can be told; None for one without limit.

        A network whose host only its collector knows counts as one host.
        """
        network = self.config.networks.get(source.network)
        url = source.target
        if not url.startswith(("http://", "https://")):
            url = (network.base_url if network else None) or f"https://{source.network}"
        allowed = allowed_per_minute(url, network.requests_per_minute if network else None)
        if allowed is None:
            return None
        host = authority(url)
        self._hosts[host] = min(allowed, self._hosts.get(host, allowed))  # the strictest holds
        return host

    def _allow(self, now: datetime) -> None:
        """Budgets for what there is: on average, each adaptive source at its interval."""
        free = [source for source in self._known.values() if self._follows(source)]
        self._set(ALL, sum(_HOUR / source.interval for source in free), max(BURST, len(free)), now)
        for host, per_minute in self._hosts.items():
            self._set(host, 60 * per_minute, BURST, now)
        self._is_allowed = True

    def _set(self, name: str, per_hour: float, burst: float, now: datetime) -> None:
        budget = self._budgets.get(name)
        if budget is None:
            self._budgets[name] = Budget(per_hour, now, burst, burst)
        elif (budget.per_hour, budget.burst) != (per_hour, burst):
            more = max(burst - budget.burst, 0.0)  # new sources are looked at soon
            kept = budget.paid(0.0, now)
            self._budgets[name] = replace(
                kept, per_hour=per_hour, burst=burst, tokens=min(kept.tokens + more, burst)
            )
