"""When to poll what: as often as the posts of a source are worth it, within budgets. Pure.

Each slot of the budget goes to the source whose posts are expected to have waited longest, all
together: an index policy over J = ∫₀ᵃ λ(p + u)(a - u) du, with p the last poll, a its age and λ as
`history` expects it; a bonus for what is long unseen keeps quiet sources in view. For a known
constant rate J = λa²/2, whose greedy polling leads to intervals in proportion to 1/√λ: the optimum
of Cho & Garcia-Molina (2003, ACM TODS 28:390) for the waiting of independent posts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np

from monitor.schedule.budget import ALL, Budget
from monitor.schedule.history import Fact, Floats, History

__all__ = ["LONGEST_GAP", "SHORTEST_GAP", "next_polls", "pay"]

SHORTEST_GAP = timedelta(seconds=10)
LONGEST_GAP = timedelta(hours=6)
GAPS_OF_THE_MEAN = 4.0
"""No source waits longer than four times what it would if all were polled alike."""

EXPLORATION = 0.3
"""Weight of the bonus a·√J, tried from 0 to 3 on made worlds.

More of it notices bursts in quiet streams sooner (1.95 to 1.50 of fixed intervals), hardly moves
the mean there (.62 to .64) and costs threads (.15 to .24).
"""

_HOUR = timedelta(hours=1)
_TICK = timedelta(microseconds=1)
_LATE, _NEVER = 1e100, 1e200


def next_polls(
    history: History, now: datetime, budgets: Mapping[str, Budget]
) -> list[tuple[str, datetime]]:
    """The polls to begin now, and the first one after them.

    The one that is meant for later tells when to ask again; what is learned until then may change
    which source it is.

    Args:
        history: the sources and what is known of them.
        now: the moment, not before the budgets' own.
        budgets: by name: that of all adaptive polls (`budget.ALL`) and those that sources name.
            One that is missing has no limit. The former count polls, the latter requests: as
            many as polls of the source made lately.

    Returns:
        (source, at) in order of time; all but the last are for `now`. Empty if there is nothing to
        wait for.
    """
    if not len(history):
        return []
    left = dict(budgets)
    hour, adaptive = history.hour(now), np.isnan(history.fact(Fact.INTERVAL))
    begun, later = _fixed(history, hour, adaptive)
    for source in begun:
        pay(history, history.ids[source], now, left)
    score = np.where(adaptive & (_ready(history, hour, left) <= hour), 1.0, 0.0)
    score *= _worth(history, hour, left)
    while (column := _best(history, score)) is not None:
        score[column] = 0.0
        if _affordable(history, column, now, left):
            pay(history, history.ids[column], now, left)
            adaptive[column] = False
            begun.append(column)
        elif ALL in left and left[ALL].ready() > now:
            break
    if adaptive.any():
        ready = np.where(adaptive, _ready(history, hour, left), np.inf)
        soonest = float(ready.min())
        if np.isfinite(soonest):
            worth = np.where(ready <= soonest, _worth(history, soonest, left), 0.0)
            column = _best(history, worth)
            if column is not None:
                later.append((history.moment(soonest) + _TICK, column))  # rounded up
    polls = [(history.ids[column], now) for column in begun]
    if later:
        at, source_id = min((at, history.ids[source]) for at, source in later)
        polls.append((source_id, max(at, now)))
    return polls


def pay(history: History, source_id: str, at: datetime, budgets: dict[str, Budget]) -> None:
    """Take what a poll of a source is expected to cost out of the budgets that it is paid from."""
    for name, cost in history.costs(source_id).items():
        if name in budgets:
            budgets[name] = budgets[name].paid(cost, at)


def _fixed(
    history: History, hour: float, adaptive: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[list[int], list[tuple[datetime, int]]]:
    """Of the sources with an interval of their own: those that are due, and the others' time."""
    due = np.maximum(
        history.fact(Fact.POLLED) + history.fact(Fact.INTERVAL), history.fact(Fact.HELD)
    )
    fixed = map(int, np.flatnonzero(~adaptive))
    order = sorted((float(due[column]), history.ids[column], column) for column in fixed)
    begun = [column for at, _, column in order if at <= hour]
    waits = [(at, column) for at, _, column in order if hour < at < np.inf]
    return begun, [(history.moment(at), column) for at, column in waits[:1]]


def _ready(history: History, hour: float, budgets: Mapping[str, Budget]) -> Floats:
    """From which hour on each source may be polled, shape (sources,)."""
    moment = history.moment(hour)
    names = history.budget_names
    held = np.full(len(names), np.inf)
    rate = np.ones(len(names))
    burst = np.full(len(names), np.inf)
    for number, name in enumerate(names):
        if (budget := budgets.get(name)) is not None:
            held[number], rate[number] = budget.holds(moment), max(budget.per_hour, 1e-12)
            burst[number] = budget.burst
    wait = np.full(len(history), max((min(1.0, burst[0]) - held[0]) / rate[0], 0.0))
    for payer in history.payers:
        missing = np.minimum(history.fact(Fact.REQUESTS), burst[payer]) - held[payer]
        wait = np.maximum(wait, np.where(payer > 0, missing / rate[payer], 0.0))
    gap = np.where(history.fact(Fact.POLLS) > 0, SHORTEST_GAP / _HOUR, 0.0)
    soonest = np.maximum(history.fact(Fact.POLLED) + gap, history.fact(Fact.HELD))
    return np.maximum(soonest, hour + wait)


def _worth(history: History, hour: float, budgets: Mapping[str, Budget]) -> Floats:
    """How much a poll is worth at an hour, shape (sources,).

    What was never polled comes first, then what waits too long.
    """
    waiting = history.waiting(hour) * history.fact(Fact.IMPORTANCE)
    ages = np.maximum(hour - history.fact(Fact.POLLED), 0.0)
    worth = waiting + EXPLORATION * ages * np.sqrt(waiting) + 1e-300
    longest = LONGEST_GAP / _HOUR
    if ALL in budgets:
        count = np.isnan(history.fact(Fact.INTERVAL)).sum()
        longest = min(longest, GAPS_OF_THE_MEAN * count / max(budgets[ALL].per_hour, 1e-12))
    worth = np.where(ages >= longest, _LATE * (1 + ages), worth)
    return np.where(history.fact(Fact.POLLS) == 0, _NEVER + worth, worth)


def _best(history: History, worth: Floats) -> int | None:
    """The source of the greatest worth, by name among equals; None if nothing is worth a poll."""
    most = worth.max()
    if most <= 0:
        return None
    return min(map(int, np.flatnonzero(worth == most)), key=lambda column: history.ids[column])


def _affordable(
    history: History, column: int, now: datetime, budgets: Mapping[str, Budget]
) -> bool:
    costs = history.costs(history.ids[column])
    return all(budgets[name].ready(cost) <= now for name, cost in costs.items() if name in budgets)
