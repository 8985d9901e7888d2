"""The course of a reaction: how fast half of it has come."""

from __future__ import annotations

import numpy as np

from monitor.analyse.estimate import Estimate, Floats

__all__ = ["HALF_LIFE_HOURS", "half_life"]

HALF_LIFE_HOURS = 72
_LAST, _STILL_GAINS = 6, 0.1


def half_life(abnormal: Floats) -> Estimate:
    """Hours until half of what came within three days of the announcement had come.

    The first h with C(h) ≥ C(72 h)/2, where C is the running maximum of the cumulative abnormal
    posts; straight between hours. None with the flag `not_yet` where the last six hours still
    brought more than a tenth of all.

    Args:
        abnormal: posts above the expected in each hour since the announcement; NaN where an hour
            was not observed.
    """
    method = "half of the running maximum of 72 hours"

    def no(flag: str) -> Estimate:
        return Estimate(method=method, n=len(abnormal), flag=flag)

    if len(abnormal) < HALF_LIFE_HOURS:
        return no("window_short")
    hours = abnormal[:HALF_LIFE_HOURS]
    if np.isnan(hours).any():
        return no("partial")
    curve = np.concatenate([[0.0], np.maximum.accumulate(np.cumsum(hours))])
    curve = np.maximum(curve, 0.0)
    if curve[-1] <= 0:
        return no("no_reaction")
    if curve[-1] - curve[-1 - _LAST] > _STILL_GAINS * curve[-1]:
        return no("not_yet")
    half = curve[-1] / 2
    after = int(np.argmax(curve >= half))
    share = (half - curve[after - 1]) / (curve[after] - curve[after - 1])
    return Estimate(value=after - 1 + float(share), method=method, n=HALF_LIFE_HOURS)
