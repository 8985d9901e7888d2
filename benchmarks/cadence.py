"""How soon posts are seen: polling that follows them, against fixed intervals at the same budget.

    .venv/bin/python benchmarks/cadence.py

Prints, for each made world and each seed's mean, the ratios to fixed intervals, and what one
decision costs. Lower is better.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np

from monitor.schedule import next_polls
from monitor.schedule.budget import ALL, Budget
from monitor.schedule.history import History
from monitor.simulate.arrivals import streams, threads
from monitor.simulate.cadence import Figures, compare

WORLDS = (
    ("streams", streams, 200, 96, 400),
    ("threads", threads, 200, 168, 400),
    ("streams", streams, 500, 96, 300),
    ("threads", threads, 500, 168, 300),
)
SEEDS = (1, 2, 3)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def ratios(row: Figures, fixed: Figures) -> list[float]:
    names = ("mean_delay_seconds", "p95_delay_seconds", "burst_notice_seconds")
    return [getattr(row, name) / getattr(fixed, name) for name in names]


def worlds() -> None:
    print("world, sources, polls/h | policy | mean | p95 | burst | mean of each seed")
    for name, make, sources, hours, budget in WORLDS:
        by_seed = [
            compare([make(sources, hours, s)], hours, budget, ["fixed", "backoff", "adaptive"])
            for s in SEEDS
        ]
        for n in (1, 2):
            each = np.array([ratios(rows[n], rows[0]) for rows in by_seed])
            mean = " | ".join(f"{value:.2f}" for value in each.mean(0))
            seeds = " ".join(f"{value:.2f}" for value in each[:, 0])
            print(f"{name}, {sources}, {budget} | {by_seed[0][n].policy} | {mean} | {seeds}")


def decisions() -> None:
    rng = np.random.default_rng(1)
    for sources in (500, 10_000):
        history = History()
        for number in range(sources):
            history.add(f"s{number}", NOW, budgets=[f"host{number % 50}"])
            posted = [NOW + timedelta(minutes=m) for m in rng.uniform(0, 30, rng.poisson(1))]
            history.observe(f"s{number}", NOW + timedelta(minutes=30), posted)
        now = NOW + timedelta(hours=1)
        budgets = {ALL: Budget(1000, now, 1.0, 1.0)}
        begun = time.perf_counter()
        for _ in range(200):
            next_polls(history, now, budgets)
        print(f"one decision, {sources} sources: {(time.perf_counter() - begun) * 5:.2f} ms")


if __name__ == "__main__":
    worlds()
    decisions()
