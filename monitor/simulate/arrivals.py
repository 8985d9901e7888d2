"""Arrivals to try policies of polling on: made worlds, and those of a CSV file."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monitor.errors import UsageError
from monitor.schedule.history import Floats
from monitor.simulate.cadence import POLICIES, Arrivals, compare

__all__ = ["COLUMNS", "compared", "read", "streams", "threads"]

if TYPE_CHECKING:
    import polars as pl

_LARGEST = 5000  # replies of a thread
_LONGEST = 100_000  # hours

COLUMNS = ("source_id", "started_at_hours", "item_at_hours")


def streams(sources: int, hours: float, seed: int) -> list[Arrivals]:
    """Feeds and accounts: Zipf rates (mean 0.5 posts an hour), a daily cycle, bursts.

    A burst comes about every two days to each source, whatever its rate: 10 to 100 posts, half of
    them within half an hour to two hours.
    """
    rng = np.random.default_rng(seed)
    rates = 1.0 / np.arange(1, sources + 1)
    rates *= 0.5 * sources / rates.sum()
    made = []
    for rate in rates:
        # Thinning (Lewis & Shedler 1979) for the daily cycle, 1 + 0.7 sin.
        at = rng.uniform(0, hours, rng.poisson(1.7 * rate * hours))
        keep = rng.uniform(0, 1.7, len(at)) < 1 + 0.7 * np.sin(2 * np.pi * at / 24)
        parts = [at[keep]]
        for begin in rng.uniform(0, hours, rng.poisson(hours / 48)):
            half, size = rng.uniform(0.5, 2.0), int(10 ** rng.uniform(1, 2))
            parts.append(begin + rng.exponential(half / math.log(2), size))
        made.append(_arrivals(0.0, np.concatenate(parts), hours))
    return made


def threads(sources: int, hours: float, seed: int) -> list[Arrivals]:
    """Threads that begin all along: replies draw replies (a branching process, Hawkes).

    The number of direct replies to the root is log-normal (median 8), each reply draws 0.5 more on
    average; waiting times have a heavy tail, P(wait > t) = (1 + t / 0.2 h) ** -0.9.
    """
    rng = np.random.default_rng(seed)
    made = []
    for started in np.sort(rng.uniform(0, hours, sources)):
        found: list[float] = []
        parents = [(float(started), int(np.exp(rng.normal(math.log(8), 1.2))))]
        while parents and len(found) < _LARGEST:
            at, children = parents.pop()
            waits = 0.2 * (rng.uniform(0, 1, children) ** (-1 / 0.9) - 1)
            for when in (at + waits).tolist():
                if when < hours:
                    found.append(when)
                    parents.append((when, int(rng.poisson(0.5))))
        made.append(_arrivals(float(started), np.array(found), hours))
    return made


_WORLDS = {"streams": streams, "threads": threads}


def compared(
    policies: Sequence[str],
    budget: float,
    *,
    seeds: int,
    file: Path | None = None,
    world: str = "streams",
    sources: int | None = None,
    hours: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> pl.DataFrame:
    """One row a policy: `monitor.simulate.cadence.Figures`.

    Args:
        seeds: how many worlds are made; of a file, how often it is run, each time with other slots.

    Raises:
        UsageError: a policy that does not exist, or a file that can't be used.
    """
    import polars as pl

    unknown = [name for name in policies if name not in POLICIES]
    if unknown or not policies:
        named = ", ".join(unknown) or "nothing"
        raise UsageError(f"no policy {named}; there are {', '.join(POLICIES)}")
    if file is not None:
        found = read(file)[:sources]
        ends = [
            float(source.posts[-1]) if len(source.posts) else source.started for source in found
        ]
        hours = hours or math.nextafter(max(ends), math.inf)
        found = [Arrivals(one.started, one.posts[one.posts < hours]) for one in found]
        worlds = [found] * seeds
    else:
        hours = hours or 96.0
        worlds = [_WORLDS[world](sources or 200, hours, seed) for seed in range(1, seeds + 1)]
    rows = compare(worlds, hours, budget, policies, progress)
    return pl.DataFrame([asdict(row) for row in rows])


def _arrivals(started: float, posts: Floats, hours: float) -> Arrivals:
    return Arrivals(started, np.sort(posts[posts < hours]))


def read(path: Path) -> list[Arrivals]:
    """The arrivals of a CSV with the columns of `COLUMNS`; a source may have no item.

    Raises:
        UsageError: the file can't be read, lacks a column, or holds what is no time.
    """
    started: dict[str, float] = {}
    posts: dict[str, list[float]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise UsageError(
                    f"{path}: no column {', '.join(missing)}; it takes {', '.join(COLUMNS)}"
                )
            for row in rows:
                where = f"{path}:{rows.line_num}"
                source = row["source_id"] or ""
                begun = _hours(row["started_at_hours"], "started_at_hours", where)
                if started.setdefault(source, begun) != begun:
                    raise UsageError(f"{where}: {source} began at {started[source]:g} before")
                if row["item_at_hours"]:
                    item = _hours(row["item_at_hours"], "item_at_hours", where)
                    posts.setdefault(source, []).append(item)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: can't be read ({error})") from error
    if not started:
        raise UsageError(f"{path}: holds no source")
    return [_of(source, begun, posts.get(source, ())) for source, begun in started.items()]


def _of(source: str, begun: float, posts: Sequence[float]) -> Arrivals:
    early = [at for at in posts if at < begun]
    if early:
        raise UsageError(f"{source}: an item at {min(early):g} h, before it began at {begun:g} h")
    return Arrivals(begun, np.sort(np.array(posts, dtype=float)))


def _hours(text: str | None, column: str, where: str) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not 0 <= number <= _LONGEST:
        raise UsageError(f"{where}: {column} is {text!r}, not hours from 0 to {_LONGEST}")
    return number
