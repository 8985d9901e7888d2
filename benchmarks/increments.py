"""How well increments of counters are told from few readings, beside two simpler rules.

    make calibrate
    .venv/bin/python benchmarks/increments.py --posts 100

Made posts gain likes one by one, fast at first, as several laws have it. They are read rarely; what
each hour of three days brought is asked of `counter_series` and compared with what came. The error
of a post is the sum of what the hours are wrong by, divided by all its likes. Prints a part of
docs/calibration.md; the exit code is 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from monitor.analyse.estimate import Floats
from monitor.api import Monitor

BORN = datetime(2026, 2, 12, 18, tzinfo=UTC)
HOUR, HOURS = 3600.0, 72
BAR = 0.25
SHAPES, SCALES = (0.5, 0.8, 1.3), (600.0, 1800.0, 7200.0)
FEWEST = 50  # likes; of fewer, chance decides in which hour one falls
CONFIG = """
[monitor]
contact = "mailto:someone@example.org"
[enrich]
language = "none"
sentiment = "none"
"""

Rng = np.random.Generator


def growing(rng: Rng) -> Floats:
    """When each like came, in seconds since the post."""
    final = int(np.exp(rng.uniform(np.log(FEWEST), np.log(20_000))))
    shape, scale = rng.choice(SHAPES), rng.choice(SCALES)
    return np.sort(scale * (rng.uniform(size=final) ** (-1 / shape) - 1))


def often(rng: Rng) -> Floats:
    """After five minutes, then at twice the age, at most six hours later; never on the dot."""
    ages, age = [], 300.0
    while age < HOURS * HOUR:
        ages.append(age)
        age += min(age, 6 * HOUR) * rng.uniform(0.7, 1.3)
    return np.array([*ages, HOURS * HOUR])


def every(hours: float) -> Callable[[Rng], Floats]:
    """Every so many hours, whenever the post came."""
    return lambda rng: np.append(
        np.arange(rng.uniform(0.02, hours), HOURS, hours) * HOUR, HOURS * HOUR
    )


READ: dict[str, tuple[Callable[[Rng], Floats], float]] = {
    "at twice the age": (often, BAR), "every hour": (every(1), BAR),
    "every six hours": (every(6), np.inf),
}  # fmt: skip
"""Readings, and the bar; of six hours in which most likes come, no rule can tell the first."""


def by_hour(curve: Floats) -> Floats:
    """What each hour brought, of the curve at full hours."""
    return np.diff(curve)


def straight(ages: Floats, counts: Floats) -> Floats:
    """The same of straight lines between readings."""
    return by_hour(np.interp(np.arange(HOURS + 1) * HOUR, [0, *ages], [0, *counts]))


def stepwise(ages: Floats, counts: Floats) -> Floats:
    """The same of a counter that stands still until it is read."""
    places = np.searchsorted(ages, np.arange(HOURS + 1) * HOUR, "right")
    return by_hour(np.array([0.0, *counts])[places])


def measured(
    folder: Path, posts: int, read: Callable[[Rng], Floats], glitches: float
) -> list[Floats]:
    """Errors of ours, of straight lines and of steps, an array of all posts each."""
    rng = np.random.default_rng(1)
    truths, simple = [], []
    config = folder / "monitor.toml"
    config.write_text(CONFIG)
    with (folder / "posts.csv").open("w") as p, (folder / "counters.csv").open("w") as c:
        to_posts, to_counters = csv.writer(p), csv.writer(c)
        to_posts.writerow(["post_id", "network", "created_at"])
        to_counters.writerow(["post_id", "observed_at", "likes"])
        for n in range(posts):
            times, ages = growing(rng), read(rng)
            counts = np.searchsorted(times, ages, "right").astype(float)
            wrong = rng.uniform(size=len(ages)) < glitches
            wrong[-1] = False
            truths.append(np.histogram(times, np.arange(HOURS + 1) * HOUR)[0])
            simple.append((straight(ages, counts), stepwise(ages, counts)))
            to_posts.writerow([f"x:{n}", "x", BORN.isoformat()])
            for age, count in zip(ages, np.where(wrong, 3 * counts, counts), strict=True):
                moment = (BORN + timedelta(seconds=float(age))).isoformat()
                to_counters.writerow([f"x:{n}", moment, int(count)])
    with Monitor(config, data_dir=folder / "data") as monitor:
        monitor.bring([folder / "posts.csv", folder / "counters.csv"])
        ours = [monitor.counters(f"x:{n}")["likes_delta"].to_numpy()[:HOURS] for n in range(posts)]
    if any((found < 0).any() for found in ours):
        raise ValueError("an increment below nothing")
    rules = (ours, [a for a, _ in simple], [b for _, b in simple])
    return [np.array(list(map(error, found, truths))) for found in rules]


def error(found: Floats, true: Floats) -> float:
    """What the hours are wrong by, as a share of all."""
    return float(np.abs(found - true).sum() / true.sum())


HEAD = """
## Increments of counters

How much the likes of single hours, as `counter_series` tells them from few readings, are wrong by:
the sum over 72 hours, divided by all likes of the post; mean of {posts} posts with 50 to 20,000
likes that come by laws of three shapes and three speeds. Beside them straight lines between the
readings, and a counter that stands still until it is read, both without glitches (a reading three
times too high; the last one never is). Written by

```sh
.venv/bin/python benchmarks/increments.py
```

| read | glitches | ours | straight lines | steps |
| --- | --- | --- | --- | --- |
| *bar, but for the last two* | | up to .25, none negative | | |"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--posts", type=int, default=300)
    options = parser.parse_args()
    print(HEAD.format(posts=options.posts))
    missed = False
    for name, (read, bar) in READ.items():
        for glitches in (0.0, 0.01):
            with tempfile.TemporaryDirectory() as folder:
                errors = measured(Path(folder), options.posts, read, glitches)
            means = [float(one.mean()) for one in errors]
            cells = [name, f"{glitches:.0%}" if glitches else "none", *(f"{m:.3f}" for m in means)]
            print("| " + " | ".join(cells) + " |", flush=True)
            missed |= means[0] > bar
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
