"""How much more than expected: a band around each bucket, and the sum over a window.

Bands are conformal (Vovk, Gammerman & Shafer 2005; leave-one-day-out): where each training day
lay when the regression did not know it. Sums are judged by sums: posts draw posts, so the hours of
a day are not independent, and bands that take them for such are too narrow.
"""

from __future__ import annotations

import math

import numpy as np

from monitor.analyse.baseline import Baseline, Seconds
from monitor.analyse.estimate import LEVEL, Estimate, Floats, t_interval, t_p_value

__all__ = ["band", "cumulative"]


def band(baseline: Baseline, mean: Floats) -> tuple[Floats, Floats] | None:
    """Where a bucket of an ordinary day lies, 95 times in a hundred.

    μ + q·√(μ+αμ²) with the order statistics ⌊.025(n+1)⌋ and ⌈.975(n+1)⌉ of the left-out
    residuals; never below 0.

    Args:
        mean: expected posts of each bucket.

    Returns:
        Low and high, like `mean`; None where there are too few residuals for such quantiles.
    """
    n, tail = len(baseline.residuals), (1 - LEVEL) / 2
    low, high = math.floor(tail * (n + 1)), math.ceil((1 - tail) * (n + 1))
    if low < 1 or high > n:
        return None
    deviation = baseline.regression.deviation(mean)
    lowest = mean + baseline.residuals[low - 1] * deviation
    return np.maximum(lowest, 0.0), mean + baseline.residuals[high - 1] * deviation


def cumulative(baseline: Baseline, starts: Seconds, counts: Floats) -> Estimate:
    """The abnormal posts of a window of up to a day: A = Σ(y − μ) and its interval A ± t·s·M.

    M = Σμ; s² = Σ r_d²/(D−1), where r_d is the relative residual of the same window of the clock
    on each left-out training day. The p-value is that of |A/M|/s under Student's t with D−1
    degrees of freedom.

    Args:
        starts, counts: the buckets of the window, in the order of time; they begin where a
            training day begins, some days later.
    """
    expected = baseline.regression.mean(starts)
    total, mean = float(np.sum(counts - expected)), float(expected.sum())
    width = len(starts)
    same = baseline.counts[:, :width].sum(axis=1), baseline.left_out[:, :width].sum(axis=1)
    relative = same[0] / same[1] - 1
    degrees = baseline.days - 1
    spread = math.sqrt(float(np.sum(relative**2)) / degrees)
    error = spread * mean
    low, high = t_interval(total, error, degrees)
    # Days without any deviation leave no doubt about one.
    statistic = total / error if error > 0 else math.inf if total else 0.0
    return Estimate(
        value=total, low=low, high=high, method="left-out days, Student's t", n=baseline.days,
        n_eff=float(baseline.days), p_value=t_p_value(statistic, degrees),
    )  # fmt: skip
