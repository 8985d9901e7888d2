"""Policies of polling, compared on arrivals that are known: how long posts wait to be seen.

All policies get the same slots, one every 1/budget hours, and poll one source in each of them.
Times are hours since the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from monitor.schedule.budget import ALL, Budget
from monitor.schedule.cadence import LONGEST_GAP, SHORTEST_GAP, next_polls
from monitor.schedule.history import Floats, History

__all__ = ["POLICIES", "Arrivals", "Figures", "compare"]

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_SHORTEST = SHORTEST_GAP / timedelta(hours=1)
_LONGEST = LONGEST_GAP / timedelta(hours=1)

QUIET_HOURS = 6.0
BURST_POSTS = 5
BURST_HOURS = 1.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When a source began, and when its posts were written, in order."""

    started: float
    posts: Floats

    def bursts(self) -> Floats:
        """The first posts of bursts: five within an hour, after six quiet hours or the start."""
        posts = self.posts
        before = np.concatenate([[self.started], posts[:-1]])
        is_quiet = posts - before >= QUIET_HOURS
        if len(posts):
            is_quiet[0] = True
        fifth = np.searchsorted(posts, posts + BURST_HOURS, side="right") - np.arange(len(posts))
        found: Floats = posts[is_quiet & (fifth >= BURST_POSTS)]
        return found


@dataclass(slots=True)
class _Run:
    """What happened to each source under one policy."""

    world: Sequence[Arrivals]
    hours: float
    polled: Floats = field(init=False)
    _seen: list[int] = field(init=False)
    _bursts: list[list[float]] = field(init=False)
    delays: list[Floats] = field(default_factory=list)
    notices: list[float] = field(default_factory=list)
    worst_gap: float = 0.0
    polls: int = 0
    empty: int = 0

    def __post_init__(self) -> None:
        self.polled = np.array([source.started for source in self.world])
        self._seen = [0] * len(self.world)
        self._bursts = [list(source.bursts()[::-1]) for source in self.world]

    def poll(self, number: int, at: float) -> Floats:
        """Poll a source; the posts that are new."""
        self.polls += 1
        new = self._look(number, at)
        self.empty += not len(new)
        return new

    def _look(self, number: int, at: float) -> Floats:
        posts, seen = self.world[number].posts, self._seen[number]
        until = int(np.searchsorted(posts, at, side="right"))
        self._seen[number] = until
        new = posts[seen:until]
        self.delays.append(at - new)
        bursts = self._bursts[number]
        while bursts and bursts[-1] <= at:
            self.notices.append(at - bursts.pop())
        self.worst_gap = max(self.worst_gap, at - self.polled[number])
        self.polled[number] = at
        return new

    def end(self) -> None:
        """What no poll has seen waited until the end at least."""
        for number, source in enumerate(self.world):
            if source.started < self.hours:
                self._look(number, self.hours)


Policy = Callable[["_Run", float, float], None]
"""Runs a world: the run, polls per hour, the time of the first slot."""


def _slots(run: _Run, budget: float, first: float) -> Iterator[float]:
    for number in range(int(run.hours * budget) + 1):
        at = first + number / budget
        if at < run.hours:
            yield at


def _open(run: _Run, started: Floats, at: float) -> npt.NDArray[np.bool_]:
    return (started < at) & (run.polled + _SHORTEST <= at)


def _fixed(run: _Run, budget: float, first: float) -> None:
    """All alike: each slot goes to the source that was not polled for the longest time."""
    started = run.polled.copy()
    for at in _slots(run, budget, first):
        waited = np.where(_open(run, started, at), at - run.polled, -1.0)
        number = int(waited.argmax())
        if waited[number] > 0:
            run.poll(number, at)


def _backoff(run: _Run, budget: float, first: float) -> None:
    """Twice the pause after an empty poll, half of it after another; most overdue first."""
    started, count = run.polled.copy(), len(run.world)
    pause = np.full(count, count / budget)
    longest = min(_LONGEST, 4 * count / budget)
    for at in _slots(run, budget, first):
        waited = np.where(_open(run, started, at), (at - run.polled) / pause, -1.0)
        number = int(waited.argmax())
        if waited[number] > 0:
            found = len(run.poll(number, at)) > 0
            pause[number] = np.clip(pause[number] * (0.5 if found else 2.0), _SHORTEST, longest)


def _adaptive(run: _Run, budget: float, first: float) -> None:
    """What the daemon does: `monitor.schedule.next_polls`."""
    history = History()
    # Sources come in as they begin: nothing is known of a thread that does not exist yet.
    coming = sorted(range(len(run.world)), key=lambda n: run.world[n].started, reverse=True)
    width = len(str(len(run.world)))
    for at in _slots(run, budget, first):
        now = _BEGIN + timedelta(hours=at)
        while coming and run.world[coming[-1]].started < at:
            number = coming.pop()
            started = _BEGIN + timedelta(hours=run.world[number].started)
            history.add(f"{number:0{width}}", started)
        polls = next_polls(history, now, {ALL: Budget(budget, now, burst=1.0, tokens=1.0)})
        for source_id, when in polls:
            if when <= now:
                new = run.poll(int(source_id), at)
                posted = [_BEGIN + timedelta(hours=hour) for hour in new.tolist()]
                history.observe(source_id, now, posted)


POLICIES: Mapping[str, Policy] = {"fixed": _fixed, "backoff": _backoff, "adaptive": _adaptive}


@dataclass(frozen=True, slots=True)
class Figures:
    """How a policy did. Seconds; None where there was nothing to measure."""

    policy: str
    polls: int
    mean_delay_seconds: float | None
    p95_delay_seconds: float | None
    burst_notice_seconds: float | None
    worst_gap_seconds: float
    empty_share: float | None


def compare(
    worlds: Sequence[Sequence[Arrivals]],
    hours: float,
    budget: float,
    policies: Sequence[str],
    progress: Callable[[str], None] = lambda _: None,
) -> list[Figures]:
    """Let each policy poll each world; one row a policy, over all worlds together.

    Args:
        worlds: the arrivals of their sources; each gets slots with a phase of its own.
        hours: how long it goes on.
        budget: polls per hour.
        policies: names out of `POLICIES`.
        progress: hears of every world that is done.
    """
    rows = []
    for policy in policies:
        runs = []
        for number, world in enumerate(worlds):
            run = _Run(world, hours)
            POLICIES[policy](run, budget, (number + 1) / (len(worlds) + 1) / budget)
            run.end()
            runs.append(run)
            progress(f"{policy}: world {number + 1} of {len(worlds)}")
        rows.append(_figures(policy, runs))
    return rows


def _figures(policy: str, runs: Sequence[_Run]) -> Figures:
    delays = np.concatenate([delay for run in runs for delay in run.delays] or [np.zeros(0)])
    notices = [notice for run in runs for notice in run.notices]
    polls = sum(run.polls for run in runs)
    return Figures(
        policy=policy,
        polls=polls,
        mean_delay_seconds=_seconds(delays.mean()) if len(delays) else None,
        p95_delay_seconds=_seconds(np.quantile(delays, 0.95)) if len(delays) else None,
        burst_notice_seconds=_seconds(np.mean(notices)) if notices else None,
        worst_gap_seconds=_seconds(max((run.worst_gap for run in runs), default=0.0)),
        empty_share=round(sum(run.empty for run in runs) / polls, 4) if polls else None,
    )


def _seconds(hours: float | np.floating[npt.NBitBase]) -> float:
    return round(float(hours) * 3600, 1)
