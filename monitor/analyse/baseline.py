"""What a company's stream would have been without the event.

A negative binomial regression with a log link on the buckets of whole days before it: an intercept,
daily harmonics, and the weekend. Its variance is μ + αμ² (NB2; Cameron & Trivedi 2013, Regression
Analysis of Count Data, ch. 3.3), α by the method of moments on Pearson's statistic. Each training
day is also predicted by the regression without it; what is wrong then is what bands are made of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.analyse.estimate import Floats

__all__ = ["DAY", "FEWEST_DAYS", "FEWEST_POSTS", "MOST_DAYS", "Baseline", "Regression", "learn"]

DAY = 86_400
FEWEST_DAYS, MOST_DAYS = 7, 14
FEWEST_POSTS = 50

_HARMONICS, _MORE_HARMONICS, _MANY_A_DAY = 2, 3, 200
_STEPS, _SAME = 50, 1e-9
_SMALLEST_MEAN, _LARGEST_LOG = 1e-9, 30.0

Seconds = npt.NDArray[np.int64]
"""Starts of buckets, seconds since 1970 in UTC."""


@dataclass(frozen=True, slots=True)
class Regression:
    """Expected posts a bucket: log μ = xβ, with dispersion α."""

    coefficients: Floats
    dispersion: float
    harmonics: int
    bucket: int  # its length in seconds

    def mean(self, starts: Seconds) -> Floats:
        """Posts expected in each bucket."""
        return _mean(_design(starts, self.bucket, self.harmonics) @ self.coefficients)

    def deviation(self, mean: Floats) -> Floats:
        """The standard deviation of a bucket with this mean: √(μ + αμ²)."""
        return np.sqrt(mean + self.dispersion * mean**2)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A regression on D training days of B buckets, and what each of these days was without it.

    Attributes:
        starts, counts, left_out: buckets, their posts, and the posts that the regression on the
            other days expects in them, shape (D, B).
        residuals: (y − μ) / √(μ + αμ²) of all left-out buckets, in ascending order.
    """

    regression: Regression
    starts: Seconds
    counts: Floats
    left_out: Floats
    residuals: Floats

    @property
    def days(self) -> int:
        """How many days were learned from."""
        return len(self.starts)

    def blocks(self, size: int) -> tuple[Floats, Floats]:
        """Runs of `size` training days in a row, the latest first: posts, and what was expected.

        Returns:
            Two arrays of shape (runs, size x B); a run is expected by the regression without it.
        """
        if size == 1:
            return self.counts[::-1], self.left_out[::-1]
        counts, expected, last = [], [], self.days
        while last >= size:
            first = last - size
            if self.starts[last - 1, 0] - self.starts[first, 0] != (size - 1) * DAY:
                last -= 1  # a day between was not learned from
                continue
            run = slice(first, last)
            counts.append(self.counts[run].ravel())
            others = _without(self.regression, self.starts, self.counts, run)
            expected.append(others.mean(self.starts[run].ravel()))
            last = first
        return np.array(counts), np.array(expected)

    def expected(self, starts: Seconds) -> Floats:
        """Posts expected in each bucket: in training days by the regression without that day."""
        mean = self.regression.mean(starts)
        known = dict(zip(self.starts.ravel().tolist(), self.left_out.ravel(), strict=True))
        for place, start in enumerate(starts.tolist()):
            mean[place] = known.get(start, mean[place])
        return mean


def learn(starts: Seconds, counts: Floats, bucket: int) -> Baseline | None:
    """Learn from days that were wholly observed; None where they are too few to learn from.

    Args:
        starts, counts: shape (D, B), a row a day of B buckets.
        bucket: length in seconds; it divides a day.
    """
    days = len(starts)
    if days < FEWEST_DAYS or counts.sum() < FEWEST_POSTS:
        return None
    many = counts.sum() / days > _MANY_A_DAY
    # More harmonics than half the buckets of a day could not be told apart.
    harmonics = min(_MORE_HARMONICS if many else _HARMONICS, (DAY // bucket - 1) // 2)
    whole = _regress(starts.ravel(), counts.ravel(), bucket, harmonics)
    left_out, residuals = np.empty_like(counts), np.empty_like(counts)
    for day in range(days):
        without = _without(whole, starts, counts, slice(day, day + 1))
        left_out[day] = mean = without.mean(starts[day])
        residuals[day] = (counts[day] - mean) / without.deviation(mean)
    return Baseline(whole, starts, counts, left_out, np.sort(residuals, axis=None))


def _design(starts: Seconds, bucket: int, harmonics: int) -> Floats:
    """Columns: one, the harmonics of the day, whether it is the weekend; by buckets' middles."""
    middle = starts + bucket / 2
    angle = 2 * np.pi * middle / DAY
    # 1970 began on a Thursday. A bucket of several days is no case here.
    weekend = (middle // DAY + 3) % 7 >= 5  # noqa: PLR2004 - Monday is 0
    waves = [wave(k * angle) for k in range(1, harmonics + 1) for wave in (np.cos, np.sin)]
    return np.column_stack([np.ones(len(starts)), *waves, weekend.astype(float)])


def _mean(log: Floats) -> Floats:
    return np.exp(np.clip(log, np.log(_SMALLEST_MEAN), _LARGEST_LOG))


def _without(whole: Regression, starts: Seconds, counts: Floats, run: slice) -> Regression:
    """The regression on all days but a run of them."""
    others = np.delete(starts, run, axis=0).ravel(), np.delete(counts, run, axis=0).ravel()
    # A day less changes little: the search begins at what all of them gave.
    return _regress(*others, whole.bucket, whole.harmonics, whole)


def _regress(
    starts: Seconds, counts: Floats, bucket: int, harmonics: int, near: Regression | None = None
) -> Regression:
    """Coefficients and dispersion in turn, until neither changes; sought from those `near`."""
    design = _design(starts, bucket, harmonics)
    used = np.ptp(design, axis=0) > 0
    used[0] = True  # the intercept; of days without a weekend nothing is learned about it
    columns = design[:, used]
    degrees = len(counts) - columns.shape[1]
    if near is None:
        found, dispersion = np.zeros(columns.shape[1]), 0.0
        found[0] = np.log(max(counts.mean(), _SMALLEST_MEAN))
    else:
        found, dispersion = near.coefficients[used], near.dispersion
    for _ in range(_STEPS):
        found, before = _maximise(columns, counts, dispersion, found), found
        mean = _mean(columns @ found)
        dispersion, earlier = _dispersion(counts, mean, degrees), dispersion
        if np.abs(found - before).max() < _SAME and abs(dispersion - earlier) < _SAME:
            break
    coefficients = np.zeros(design.shape[1])
    coefficients[used] = found
    return Regression(coefficients, dispersion, harmonics, bucket)


def _maximise(columns: Floats, counts: Floats, dispersion: float, start: Floats) -> Floats:
    """The likeliest coefficients for a dispersion, by iteratively reweighted least squares."""
    found = start
    for _ in range(_STEPS):
        mean = _mean(columns @ found)
        weights = mean / (1 + dispersion * mean)
        score = columns.T @ (weights * (counts - mean) / mean)
        information = columns.T @ (weights[:, None] * columns)
        step = np.linalg.lstsq(information, score, rcond=None)[0]
        step *= min(1.0, 2.0 / max(np.abs(step).max(), _SMALLEST_MEAN))  # hours without any post
        found = found + step
        if np.abs(step).max() < _SAME / 10:
            break
    return found


def _dispersion(counts: Floats, mean: Floats, degrees: int) -> float:
    """α for which Pearson's Σ(y−μ)²/(μ+αμ²) is its degrees of freedom; 0 if it is less at 0.

    The sum falls in α and is convex, so that Newton's steps from 0 come up to the root from below.
    """
    if degrees <= 0:
        return 0.0
    squares, dispersion = (counts - mean) ** 2, 0.0
    for _ in range(_STEPS):
        variance = mean + dispersion * mean**2
        excess = float(np.sum(squares / variance)) - degrees
        if excess <= 0:
            break
        step = excess / float(np.sum(squares * (mean / variance) ** 2))
        dispersion += step
        if step <= _SAME / 1000 * dispersion:
            break
    return dispersion
