"""How much more than expected: a band around each bucket, and the sum over a window.

Bands are conformal (Vovk, Gammerman & Shafer 2005; leave-one-day-out): where each training day
lay when the regression did not know it. Sums are judged by sums: posts draw posts, so the hours of
a day are not independent, and bands that take them for such are too narrow.
"""

from __future__ import annotations

import math

import numpy as np

from monitor.analyse.baseline import DAY, FEWEST_DAYS, Baseline, Seconds
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
    """The abnormal posts of a window: A = Σ(y − μ) and its interval A ± t·s·M.

    M = Σμ; s² = Σ r²/(n−1), where r is the relative residual of the same hours of the clock on
    each of the n left-out training days (of windows longer than a day: of runs of as many days).
    The p-value is that of |A/M|/s under Student's t with n−1 degrees of freedom. With fewer than
    seven runs the sum stands without interval, and the flag `no_band`.

    Args:
        starts, counts: the buckets of the window, in the order of time, without holes.
    """
    expected = baseline.regression.mean(starts)
    total, mean = float(np.sum(counts - expected)), float(expected.sum())
    bucket = baseline.regression.bucket
    posts, left_out = baseline.blocks(-(-len(starts) * bucket // DAY))
    runs = len(posts)
    if runs < FEWEST_DAYS:
        return Estimate(value=total, method="sum", n=len(starts), flag="no_band")
    # Where training ends some hours before the window, its days begin elsewhere on the clock.
    shift = int((starts[0] - baseline.starts[0, 0]) % DAY // bucket)
    hours = (shift + np.arange(len(starts))) % posts.shape[1]
    relative = posts[:, hours].sum(axis=1) / left_out[:, hours].sum(axis=1) - 1
    spread = math.sqrt(float(np.sum(relative**2)) / (runs - 1))
    error = spread * mean
    low, high = t_interval(total, error, runs - 1)
    # Days without any deviation leave no doubt about one.
    statistic = total / error if error > 0 else math.inf if total else 0.0
    return Estimate(
        value=total, low=low, high=high, method="left-out days, Student's t", n=runs,
        n_eff=float(runs), p_value=t_p_value(statistic, runs - 1),
    )  # fmt: skip
