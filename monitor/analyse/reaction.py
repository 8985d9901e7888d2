"""The abnormal reaction to events: how much more came, day by day, and how fast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from monitor.analyse.abnormal import cumulative
from monitor.analyse.baseline import Baseline, Seconds
from monitor.analyse.course import HALF_LIFE_HOURS, half_life
from monitor.analyse.estimate import Estimate, Floats, frame
from monitor.analyse.expected import Announced
from monitor.analyse.training import AFTERMATH, OBSERVED, baseline_before

__all__ = ["ABNORMAL", "HALF_LIFE", "estimates", "with_reaction"]

HOUR = 3600
ABNORMAL, HALF_LIFE = "abnormal_posts", "half_life_hours"

_NOTHING_YET, _NO_BASELINE = Estimate(flag="no_data_yet"), Estimate(flag="no_baseline")


@dataclass(frozen=True, slots=True)
class _Stream:
    """A company's posts in the whole hours since an announcement; NaN where not observed."""

    starts: Seconds
    counts: Floats
    baseline: Baseline | None


def with_reaction(summaries: pl.DataFrame, estimates: pl.DataFrame) -> pl.DataFrame:
    """Summaries with the abnormal reaction of their windows and its half-life filled in.

    Args:
        summaries: one row an event, as `base.summaries` gives it.
        estimates: as `estimates` gives them; the first window of each event is taken.
    """
    first = estimates.unique(["event_id", "estimate"], keep="first", maintain_order=True)
    total = first.filter(estimate=ABNORMAL).select(
        "event_id",
        abnormal_window_hours=(pl.col("ends_at") - pl.col("starts_at")) / pl.duration(hours=1),
        abnormal_total="value",
        abnormal_low="low",
        abnormal_high="high",
        abnormal_p_value="p_value",
        abnormal_flag="flag",
    )
    half = first.filter(estimate=HALF_LIFE).select(
        "event_id", half_life_hours="value", half_life_flag="flag"
    )
    found = summaries.select("event_id").join(total, "event_id", "left", maintain_order="left")
    found = found.join(half, "event_id", "left", maintain_order="left")
    return summaries.with_columns(found.drop("event_id").get_columns())


def estimates(
    hours: pl.DataFrame,
    streams: pl.DataFrame,
    announced: Mapping[str, Announced],
    *,
    window: int = 24,
) -> pl.DataFrame:
    """What is estimated of each event: its first `window` hours, each day, the half-life.

    Hours are counted from the announcement, whatever the clock shows.

    Args:
        hours: posts by hours since the announcement, as `base.stream_hours` gives them.
        streams: hours of the clock and how much of them was observed, as `base.streams_over`
            gives them.
        announced: the events to be estimated, among others.
        window: hours, at most those of the event's own window.

    Returns:
        One row an event, estimate and stretch of time, as `frame` makes them.
    """
    rows = []
    for event, times in announced.items():
        stream = _stream(hours.filter(event_id=event), streams.filter(event_id=event), times)
        for name, first, width, found in _of_event(stream, times, window):
            start = times.at + first * HOUR
            rows.append((event, name, start, start + width * HOUR, found))
    return frame(rows)


def _of_event(
    stream: _Stream | None, announced: Announced, window: int
) -> Iterator[tuple[str, int, int, Estimate]]:
    """What it is, its first hour and hours, and the estimate."""
    whole = int(announced.after // HOUR)
    width = min(window, whole)
    yield ABNORMAL, 0, width, _abnormal(stream, announced, 0, width)
    for first in range(0, whole - 23, 24):
        if (first, width) != (0, 24):
            yield ABNORMAL, first, 24, _abnormal(stream, announced, first, 24)
    yield HALF_LIFE, 0, min(HALF_LIFE_HOURS, whole), _half_life(stream, whole)


def _stream(hours: pl.DataFrame, streams: pl.DataFrame, announced: Announced) -> _Stream | None:
    """None where there are no data yet."""
    if streams.is_empty():
        return None
    clock = streams.sort("bucket_start")
    observed_at = clock["bucket_start"].dt.epoch("s").to_numpy()
    first = int((observed_at[0] - announced.at) // HOUR) + 1
    seen_until = min(observed_at[-1] + HOUR - announced.at, announced.after)
    numbers = np.arange(first, int(seen_until // HOUR), dtype=np.int64)
    if not numbers.size:
        return None
    starts = (announced.at + numbers * HOUR).astype(np.int64)
    observed = _least(observed_at, clock["observed_ratio"].to_numpy(), starts)
    counts = _placed(hours, numbers)
    baseline = baseline_before(
        announced.learned_until,
        starts,
        counts,
        observed,
        bucket=HOUR,
        others=announced.others,
    )
    counts[observed < OBSERVED] = np.nan
    return _Stream(starts[numbers >= 0], counts[numbers >= 0], baseline)


def _abnormal(stream: _Stream | None, announced: Announced, first: int, width: int) -> Estimate:
    """The sum over some hours, and why there is none."""
    if width == 0:
        return Estimate(flag="window_short")
    if stream is None:
        return _NOTHING_YET
    if stream.baseline is None:
        return _NO_BASELINE
    these = slice(first, first + width)
    counts = stream.counts[these]
    if len(counts) < width:
        found = _NOTHING_YET
    elif np.isnan(counts).any():
        found = Estimate(flag="partial")
    else:
        found = cumulative(stream.baseline, stream.starts[these], counts)
    start = announced.at + first * HOUR
    after = AFTERMATH if first == 0 else 0  # of one soon after, the reaction may begin before it
    if any(start - AFTERMATH <= at <= start + max(width * HOUR, after) for at in announced.others):
        found = replace(found, flag=f"{found.flag} overlap".strip())
    return found


def _half_life(stream: _Stream | None, whole: int) -> Estimate:
    if stream is None:
        return _NOTHING_YET
    if stream.baseline is None:
        return _NO_BASELINE
    if len(stream.counts) < HALF_LIFE_HOURS <= whole:
        return _NOTHING_YET
    these = slice(0, HALF_LIFE_HOURS)
    return half_life(stream.counts[these] - stream.baseline.regression.mean(stream.starts[these]))


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
