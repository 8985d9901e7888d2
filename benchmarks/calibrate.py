"""How often intervals hold what they promise, on made streams in which nothing happens.

    make calibrate
    .venv/bin/python benchmarks/calibrate.py --replicates 100

Arrivals of four kinds, slow and fast, with and without days that were not wholly observed: the
share of hours inside the hourly band, of days and of pairs of days whose sum is inside its
interval, and of p-values below .05 though nothing happened. Prints docs/calibration.md; the exit
code is 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from monitor.analyse.abnormal import band, cumulative
from monitor.analyse.baseline import DAY, Baseline
from monitor.analyse.estimate import Estimate, Floats
from monitor.analyse.training import baseline_before

HOUR = 3600
BEGIN = 1_769_990_400  # a Monday
WARM_UP, BEFORE, AFTER = 2, 20, 2  # days; the first settle what depends on the past
RATES = (3, 30)
HOURLY, SUM, FALSE = (0.92, 0.98), (0.91, 0.995), (0.0, 0.09)

Rng = np.random.Generator
Counts = npt.NDArray[np.int64]


def usual(starts: Counts, rate: float) -> Floats:
    """The mean of an hour: by day and by night, on workdays and at the weekend."""
    hour, weekend = starts / HOUR % 24, (starts // DAY + 3) % 7 >= 5
    day = 0.6 * np.cos(2 * np.pi * (hour - 15) / 24) + 0.2 * np.cos(4 * np.pi * (hour - 9) / 24)
    mean: Floats = rate * np.exp(day - 0.3 * weekend)
    return mean


def poisson(_starts: Counts, mean: Floats, rng: Rng) -> Counts:
    return rng.poisson(mean)


def negative_binomial(_starts: Counts, mean: Floats, rng: Rng) -> Counts:
    return rng.poisson(mean * rng.gamma(2.0, 0.5, mean.shape))


def autoregressive(_starts: Counts, mean: Floats, rng: Rng) -> Counts:
    """The logarithm of the rate is AR(1): .7 from hour to hour, standard deviation .4."""
    noise = rng.normal(0, 0.4 * np.sqrt(1 - 0.7**2), mean.shape)
    log, level = np.zeros_like(mean), 0.0
    for n, step in enumerate(noise):
        level = 0.7 * level + step
        log[n] = level
    return rng.poisson(mean * np.exp(log - 0.4**2 / 2))


def hawkes(starts: Counts, mean: Floats, rng: Rng) -> Counts:
    """Each post draws .6 others, after an hour in the mean."""
    drawn = rng.poisson(0.4 * mean)
    current = np.repeat(starts, drawn) + rng.uniform(0, HOUR, drawn.sum())
    times = [current]
    while len(current):
        children = rng.poisson(0.6, len(current))
        current = np.repeat(current, children) + rng.exponential(HOUR, children.sum())
        times.append(current)
    return np.histogram(np.concatenate(times), np.append(starts, starts[-1] + HOUR))[0]


KINDS: dict[str, Callable[[Counts, Floats, Rng], Counts]] = {
    "Poisson": poisson, "negative binomial": negative_binomial, "log-AR(1)": autoregressive,
    "Hawkes": hawkes,
}  # fmt: skip


@dataclass
class Cell:
    """One kind of arrivals at one rate; a row of the table."""

    kind: str
    rate: int
    holes: bool

    def replicate(self, seed: int) -> tuple[float, float, float, float]:
        """The share of hours in the band; whether the day's sum is, and that of two days; whether
        the day looks abnormal. NaN where nothing is estimated.
        """
        rng = np.random.default_rng([seed, self.rate, self.holes, *self.kind.encode()])
        begin = BEGIN + int(rng.integers(7)) * DAY + int(rng.integers(24)) * HOUR
        starts = begin + np.arange((WARM_UP + BEFORE + AFTER) * 24) * HOUR
        counts = KINDS[self.kind](starts, usual(starts, self.rate), rng).astype(float)
        starts, counts = starts[WARM_UP * 24 :], counts[WARM_UP * 24 :]
        observed = np.ones(len(starts))
        if self.holes:  # some days have an hour or more that nobody saw
            for day in rng.choice(BEFORE, rng.integers(1, 10), replace=False):
                first = day * 24 + int(rng.integers(20))
                observed[first : first + int(rng.integers(1, 5))] = 0.0
                counts[observed == 0] = 0
        made = baseline_before(starts[BEFORE * 24], starts, counts, observed, bucket=HOUR)
        if made is None:
            return (np.nan,) * 4
        return self.judged(made, starts[BEFORE * 24 :], counts[BEFORE * 24 :])

    def judged(
        self, made: Baseline, starts: Counts, counts: Floats
    ) -> tuple[float, float, float, float]:
        limits = band(made, made.regression.mean(starts[:24]))
        inside = np.nan
        if limits is not None:
            inside = np.mean((counts[:24] >= limits[0]) & (counts[:24] <= limits[1]))
        day, two = cumulative(made, starts[:24], counts[:24]), cumulative(made, starts, counts)
        false = np.nan if day.p_value is None else float(day.p_value < 0.05)
        return float(inside), holds_none(day), holds_none(two), false


@dataclass
class Row:
    """A cell's shares, each with the interval of the simulation itself."""

    cell: Cell
    found: Floats  # shape (4, replicates)

    def shares(self) -> Iterator[tuple[float, float]]:
        """Share and half-width of its 95% interval."""
        for every in self.found:
            values = every[~np.isnan(every)]
            yield float(values.mean()), 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values))

    def missed(self) -> bool:
        found = zip(self.shares(), (HOURLY, SUM, SUM, FALSE), strict=True)
        return any(not low <= share <= high for (share, _), (low, high) in found)

    def line(self) -> str:
        shares = " | ".join(f"{share:.3f} ± {half:.3f}" for share, half in self.shares())
        cell = self.cell
        holes = "some days with holes" if cell.holes else "none"
        return f"| {cell.kind} | {cell.rate} | {holes} | {self.found.shape[1]} | {shares} |"


def run(cell: Cell, replicates: int) -> Row:
    found = np.array([cell.replicate(seed) for seed in range(replicates)], dtype=float).T
    return Row(cell, found[:, ~np.isnan(found[0])])


def holds_none(total: Estimate) -> float:
    """Whether the interval holds 0; NaN where there is none."""
    if total.low is None or total.high is None:
        return np.nan
    return float(total.low <= 0 <= total.high)


HEAD = """# Calibration

How often intervals hold what they promise, on made streams in which nothing happens: a nominal 95%
that covers less is a defect. Written by

```sh
make calibrate
```

{replicates} replicates a row, less those in which fewer than seven days were wholly observed;
± is the 95% interval of the simulation itself.

Two days are estimated where seven pairs of days in a row were wholly observed.

| arrivals | an hour | holes | replicates | hours in band | days in interval | two days | p < .05 |
| --- | --- | --- | --- | --- | --- | --- | --- |
| *bar* | | | | .92 to .98 | .91 to .995 | .91 to .995 | up to .09 |"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--replicates", type=int, default=1000)
    options = parser.parse_args()
    cells = [Cell(*one) for one in product(KINDS, RATES, (False, True))]
    print(HEAD.format(replicates=f"{options.replicates:,}"))
    missed = False
    with ProcessPoolExecutor() as pool:
        for row in pool.map(run, cells, [options.replicates] * len(cells)):
            print(row.line(), flush=True)
            missed |= row.missed()
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
