"""What polls have taught about when sources post: one shared model, one state per source.

The expected rate of a source, some time after its last poll, is a sum of eight terms with weights
that all sources share: four decaying excitations (a post draws others), two terms of newness (a
fresh thread is busy), a constant, and the source's own long-run rate. The excitations are those of
a Hawkes process with a sum of exponentials as its kernel (Hawkes 1971, Biometrika 58:83); the
weights are learned by EM for superposed Poisson processes (Veen & Schoenberg 2008, JASA 103:614),
one step a poll. Times within are hours since the first source was added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from monitor.schedule.budget import ALL

__all__ = ["Fact", "Floats", "History"]

Floats = npt.NDArray[np.float64]

_EXCITATION = np.log(2) / np.array([5 / 60, 0.5, 3.0, 24.0])
_NEWNESS = np.log(2) / np.array([1.0, 12.0])
_DECAY = np.concatenate([_EXCITATION, _NEWNESS])[:, None]
"""How fast each term fades, per hour; the two after them (constant, long-run rate) do not."""

_EXCITED, _NEW, _CONSTANT, _OWN = slice(0, 4), slice(4, 6), 6, 7
_TERMS = 8
_PAYERS = 2

_START = np.array([0.2, 0.2, 0.2, 0.2, 0.5, 0.1, 0.02, 0.3])
_TRUST = np.array([5.0, 5.0, 5.0, 5.0, 20.0, 20.0, 20.0, 5.0])
"""The weights to begin with, and the exposure for which they count."""

_MEMORY = 1 - 1 / 20_000
"""The weights follow the last 20,000 polls or so."""

_OWN_POSTS = 0.5
"""A source's own long-run rate begins with so many posts at the rate of all."""


class Fact:
    """Rows of what is known of each source; times and intervals in hours."""

    STARTED, POLLED, HELD, INTERVAL, IMPORTANCE, POLLS, POSTS, REQUESTS = range(8)
    COUNT = 8


class History:
    """What is known of all sources. Only `add`, `drop`, `shift`, `hold` and `observe` change it.

    Args:
        start: the weights to begin with, shape (8,); see `weights`.
    """

    def __init__(self, start: Sequence[float] | None = None) -> None:
        self._epoch: datetime | None = None
        self._column: dict[str, int] = {}
        self._ids: list[str] = []
        self._levels = np.zeros((_TERMS, 64))  # without weights, at the last poll
        self._facts = np.zeros((Fact.COUNT, 64))
        self._payers = np.zeros((_PAYERS, 64), dtype=np.intp)  # numbers of `_names`
        self._names: dict[str, int] = {ALL: 0}
        self._caused = (_START if start is None else np.array(start)) * _TRUST
        self._exposed = _TRUST.copy()
        self._posts, self._hours = 0.0, 0.0

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, source_id: str) -> bool:
        return source_id in self._column

    @property
    def ids(self) -> Sequence[str]:
        """The sources, in the order of all arrays here."""
        return self._ids

    @property
    def weights(self) -> Floats:
        """The shared weights: four excitations, two newness (per hour), constant, long-run."""
        weights: Floats = self._caused / self._exposed
        return weights

    def add(
        self,
        source_id: str,
        started_at: datetime,
        *,
        interval: timedelta | None = None,
        importance: float = 1.0,
        budgets: Sequence[str] = (),
    ) -> None:
        """A source that begins to post at `started_at`; of one that is known, all else is changed.

        Args:
            interval: a fixed cadence, taken as written; None: one that follows the posts.
            importance: how much one of its posts counts that waits, against 1.
            budgets: up to two that its polls are paid from, beside the one of all.
        """
        column = self._column.get(source_id)
        if column is None:
            column = self._column[source_id] = len(self._ids)
            self._ids.append(source_id)
            if column >= self._levels.shape[1]:
                self._levels = np.concatenate([self._levels, np.zeros_like(self._levels)], 1)
                self._facts = np.concatenate([self._facts, np.zeros_like(self._facts)], 1)
                self._payers = np.concatenate([self._payers, np.zeros_like(self._payers)], 1)
            started = self.hour(started_at)
            self._levels[:, column] = 0.0
            self._levels[_NEW, column] = 1.0
            self._levels[_CONSTANT, column] = 1.0
            self._facts[:, column] = 0.0
            self._facts[[Fact.STARTED, Fact.POLLED, Fact.HELD], column] = started
            self._facts[Fact.REQUESTS, column] = 1.0
        numbers = [self._names.setdefault(name, len(self._names)) for name in budgets]
        self._payers[:, column] = [*numbers, *[0] * (_PAYERS - len(numbers))]
        fixed = np.nan if interval is None else interval / timedelta(hours=1)
        self._facts[[Fact.INTERVAL, Fact.IMPORTANCE], column] = fixed, importance

    def drop(self, source_id: str) -> None:
        """Forget a source; what it taught stays."""
        column = self._column.pop(source_id, None)
        if column is None:
            return
        last = len(self._ids) - 1
        for rows in (self._levels, self._facts, self._payers):
            rows[:, column] = rows[:, last]
        self._ids[column] = self._ids[last]
        self._ids.pop()
        if column != last:
            self._column[self._ids[column]] = column

    def shift(self, by: timedelta) -> None:
        """Move all that is known in time, as when the clock was set."""
        if self._epoch is not None:
            self._epoch += by

    def hold(self, source_id: str, until: datetime | None) -> None:
        """Not before `until`, as its host asked to wait; None: not at all, until held anew."""
        held = np.inf if until is None else self.hour(until)
        self._facts[Fact.HELD, self._column[source_id]] = held

    def observe(
        self,
        source_id: str,
        polled_at: datetime,
        posted_at: Iterable[datetime] = (),
        *,
        requests: float = 1.0,
        learn: bool = True,
    ) -> None:
        """A poll that began at `polled_at` found posts, new to us, that were written `posted_at`.

        Args:
            requests: what the poll cost; the next ones are expected to cost about that.
            learn: whether it was a poll of this history's; else only the source's state is set.
        """
        column = self._column[source_id]
        now = self.hour(polled_at)
        facts = self._facts[:, column]
        before = facts[Fact.POLLED]
        age = max(now - before, 0.0)
        times = np.array([self.hour(at) for at in posted_at])
        times = np.minimum(times, now)
        within = times[times > before] - before
        if learn:
            levels = self._all_levels(slice(column, column + 1))[:, 0]
            self._learn(levels, age, within)
        fading = self._levels[:6, column]
        fading *= np.exp(-_DECAY[:, 0] * age)
        for at in times:
            fading[_EXCITED] += _EXCITATION * np.exp(-_EXCITATION * (now - at))
        facts[Fact.POLLED] = max(now, before)
        facts[Fact.POLLS] += 1
        facts[Fact.POSTS] += len(within)
        facts[Fact.REQUESTS] += 0.3 * (max(requests, 1.0) - facts[Fact.REQUESTS])
        self._posts += len(within)
        self._hours += age

    def _learn(self, levels: Floats, age: float, within: Floats) -> None:
        """One step of EM: each post is shared out among the terms that may have caused it."""
        self._caused *= _MEMORY
        self._exposed *= _MEMORY
        exposure = np.full(_TERMS, age)
        exposure[:6] = -np.expm1(-_DECAY[:, 0] * age) / _DECAY[:, 0]
        if len(within):
            rates = (self.weights * levels)[:, None] * np.ones(len(within))
            rates[:6] *= np.exp(-_DECAY * within)
            self._caused += (rates / np.maximum(rates.sum(0), 1e-300)).sum(1)
        self._exposed += levels * exposure

    def _all_levels(self, columns: slice) -> Floats:
        """The terms without weights, shape (8, sources), the long-run rate filled in."""
        levels = self._levels[:, columns]
        facts = self._facts[:, columns]
        pooled = (self._posts + 1) / (self._hours + 24)
        hours = facts[Fact.POLLED] - facts[Fact.STARTED]
        levels[_OWN] = (facts[Fact.POSTS] + _OWN_POSTS) / (hours + _OWN_POSTS / pooled)
        return levels

    def hour(self, moment: datetime) -> float:
        """A moment, in the hours of this history."""
        if self._epoch is None:
            self._epoch = moment
        return (moment - self._epoch) / timedelta(hours=1)

    def moment(self, hour: float) -> datetime:
        """The moment of an hour of this history; it must know a source."""
        if self._epoch is None:
            raise ValueError("a history without sources has no time")
        return self._epoch + timedelta(hours=hour)

    def fact(self, which: int) -> Floats:
        """One `Fact` of all sources, shape (sources,)."""
        return self._facts[which, : len(self._ids)]

    def costs(self, source_id: str) -> dict[str, float]:
        """What a poll of a source is expected to cost, by budget.

        One poll of the budget of all if its cadence is adaptive, and requests of its own.
        """
        column = self._column[source_id]
        names, requests = self.budget_names, float(self._facts[Fact.REQUESTS, column])
        own = {names[number]: requests for number in self._payers[:, column] if number}
        return {ALL: 1.0, **own} if np.isnan(self._facts[Fact.INTERVAL, column]) else own

    @property
    def budget_names(self) -> Sequence[str]:
        """The names of all budgets; `payers` counts along them."""
        return list(self._names)

    @property
    def payers(self) -> npt.NDArray[np.intp]:
        """What polls are paid from beside the budget of all (0), shape (2, sources)."""
        return self._payers[:, : len(self._ids)]

    def waiting(self, hour: float) -> Floats:
        """Expected post-hours of waiting at an hour, J = ∫₀ᵃ λ(u)(a - u) du, shape (sources,)."""
        levels = self._all_levels(slice(0, len(self._ids))) * self.weights[:, None]
        ages = np.maximum(hour - self.fact(Fact.POLLED), 0.0)
        fading = (ages + np.expm1(-_DECAY * ages) / _DECAY) / _DECAY
        lasting = (levels[_CONSTANT] + levels[_OWN]) * ages**2 / 2
        expected: Floats = np.maximum((levels[:6] * fading).sum(0) + lasting, 0.0)
        return expected
