"""Which days before an event a baseline may learn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitor.analyse.baseline import DAY, MOST_DAYS, Baseline, Seconds, learn
from monitor.analyse.estimate import Floats

__all__ = ["AFTERMATH", "OBSERVED", "baseline_before"]

AFTERMATH = 72 * 3600
"""So many seconds of another event of the same company are no ordinary days."""
OBSERVED = 0.9
"""A bucket of which less was observed is partial."""


def baseline_before(
    until: float,
    starts: Seconds,
    counts: Floats,
    observed: Floats,
    *,
    bucket: int,
    others: Sequence[float] = (),
) -> Baseline | None:
    """The baseline of the latest 14 days, counted back from `until`, that were wholly observed.

    Days that touch the aftermath of another event are passed over. What was not observed is not
    estimated: a day with such a bucket is not used, nor one before the first post there is, for an
    import says of all time before it that it was observed.

    Args:
        until: the announcement, or earlier where news leaked, in seconds since 1970.
        starts, counts, observed: consecutive buckets, shape (n,), with the posts in each and the
            share of it that was observed.
        bucket: their length in seconds; it divides a day.
        others: when other events of the company were announced.

    Returns:
        None where there are fewer than 7 such days, or fewer than 50 posts in them.
    """
    if not counts.any():
        return None
    width = DAY // bucket
    usable = observed >= OBSERVED
    for moment in others:
        usable &= (starts + bucket <= moment) | (starts >= moment + AFTERMATH)
    first_post = int(np.argmax(counts > 0))
    end = int(np.searchsorted(starts + bucket, until, "right"))
    days = [
        slice(first, first + width)
        for first in range(end - width, -1, -width)
        if first + width > first_post
        and usable[first : first + width].all()
        and _are_a_day(starts[first : first + width], bucket)
    ][:MOST_DAYS]
    if not days:
        return None
    days.reverse()
    return learn(
        np.stack([starts[day] for day in days]), np.stack([counts[day] for day in days]), bucket
    )


def _are_a_day(starts: Seconds, bucket: int) -> bool:
    """Not where clocks changed, in days of a zone of their own."""
    return int(starts[-1] - starts[0]) == DAY - bucket
