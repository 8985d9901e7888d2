"""The abnormal reaction to events as a whole: how much more came, and how fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from monitor.analyse.abnormal import cumulative
from monitor.analyse.baseline import DAY, Seconds
from monitor.analyse.course import HALF_LIFE_HOURS, half_life
from monitor.analyse.estimate import Estimate, Floats
from monitor.analyse.expected import Announced
from monitor.analyse.training import AFTERMATH, OBSERVED, baseline_before

__all__ = ["with_reaction"]

HOUR = 3600


def with_reaction(
    summaries: pl.DataFrame,
    hours: pl.DataFrame,
    streams: pl.DataFrame,
    announced: Mapping[str, Announced],
) -> pl.DataFrame:
    """Summaries with the abnormal reaction of their windows and its half-life filled in.

    Hours are counted from the announcement, whatever the clock shows.

    Args:
        summaries: one row an event, as `base.summaries` gives it.
        hours: posts by hours since the announcement, as `base.stream_hours` gives them.
        streams: hours of the clock and how much of them was observed, as `base.streams_over`
            gives them.
    """
    found = [
        _of_event(hours.filter(event_id=event), streams.filter(event_id=event), announced[event])
        for event in summaries["event_id"]
    ]
    columns: dict[str, list[float | str | None]] = {
        "abnormal_window_hours": [float(_window(announced[e])) for e in summaries["event_id"]],
        "abnormal_total": [a.value for a, _ in found],
        "abnormal_low": [a.low for a, _ in found],
        "abnormal_high": [a.high for a, _ in found],
        "abnormal_p_value": [a.p_value for a, _ in found],
        "abnormal_flag": [a.flag or None for a, _ in found],
        "half_life_hours": [h.value for _, h in found],
        "half_life_flag": [h.flag or None for _, h in found],
    }
    return summaries.with_columns(
        pl.Series(name, values, summaries.schema[name]) for name, values in columns.items()
    )


def _window(announced: Announced) -> int:
    """The whole hours of the event's first day."""
    return int(min(DAY, announced.after) // HOUR)


def _of_event(
    hours: pl.DataFrame, streams: pl.DataFrame, announced: Announced
) -> tuple[Estimate, Estimate]:
    """The abnormal reaction of the window's hours, and its half-life."""
    nothing_yet = Estimate(flag="no_data_yet")
    if streams.is_empty():
        return nothing_yet, nothing_yet
    clock = streams.sort("bucket_start")
    observed_at = clock["bucket_start"].dt.epoch("s").to_numpy()
    first = int((observed_at[0] - announced.at) // HOUR) + 1
    seen_until = min(observed_at[-1] + HOUR - announced.at, announced.after)
    numbers = np.arange(first, int(seen_until // HOUR), dtype=np.int64)
    if not numbers.size:
        return nothing_yet, nothing_yet
    starts = (announced.at + numbers * HOUR).astype(np.int64)
    observed = _least(observed_at, clock["observed_ratio"].to_numpy(), starts)
    counts = _placed(hours, numbers)
    baseline = baseline_before(
        announced.at,
        starts,
        counts,
        observed,
        bucket=HOUR,
        others=announced.others,
    )
    if baseline is None:
        return Estimate(flag="no_baseline"), Estimate(flag="no_baseline")
    after = numbers >= 0
    starts, counts, observed = starts[after], counts[after], observed[after]
    counts[observed < OBSERVED] = np.nan
    overlaps = any(abs(other - announced.at) <= AFTERMATH for other in announced.others)
    window = _window(announced)
    if window == 0:
        total = Estimate(flag="window_short")
    elif len(counts) < window:
        total = nothing_yet
    elif np.isnan(counts[:window]).any():
        total = Estimate(flag="partial")
    else:
        total = cumulative(baseline, starts[:window], counts[:window])
    if overlaps:
        total = replace(total, flag=f"{total.flag} overlap".strip())
    if len(counts) < HALF_LIFE_HOURS <= announced.after / HOUR:
        return total, nothing_yet
    expected = baseline.regression.mean(starts[:HALF_LIFE_HOURS])
    return total, half_life(counts[:HALF_LIFE_HOURS] - expected)


def _least(clock: Seconds, ratios: Floats, starts: Seconds) -> Floats:
    """Of the hours of the clock that each hour touches, the share that was observed least."""
    before = np.searchsorted(clock, starts, "right") - 1
    behind = np.searchsorted(clock, starts + HOUR, "left") - 1
    least: Floats = np.minimum(ratios[before], ratios[behind])
    return least


def _placed(hours: pl.DataFrame, numbers: Seconds) -> Floats:
    """Posts of each numbered hour; an hour that is not named had none."""
    counts = np.zeros(len(numbers))
    place = hours["hour"].to_numpy() - int(numbers[0])
    inside = (place >= 0) & (place < len(numbers))
    counts[place[inside]] = hours["stream_posts"].to_numpy()[inside]
    return counts
