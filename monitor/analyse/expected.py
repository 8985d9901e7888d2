"""What was expected of a company's stream, beside what came: columns of the series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl

from monitor.analyse.abnormal import band
from monitor.analyse.baseline import DAY, Baseline, Seconds
from monitor.analyse.training import AFTERMATH, baseline_before

__all__ = ["Announced", "expectable", "seconds", "with_expected"]

_SHORTEST = 900

_NO_BASELINE, _NO_BAND, _OVERLAP = "no_baseline", "no_band", "overlap"


@dataclass(frozen=True, slots=True)
class Announced:
    """An event's announcement, and those of its company's other events; seconds since 1970.

    Attributes:
        after: the seconds after it that belong to the event.
        guard: the seconds before it that are no ordinary ones, because the news leaked.
    """

    at: float
    after: float
    others: tuple[float, ...] = ()
    guard: float = 0.0

    @property
    def learned_until(self) -> float:
        """The end of what a baseline may learn from."""
        return self.at - self.guard

    @classmethod
    def all_of(cls, events: pl.DataFrame) -> dict[str, Announced]:
        """By event, of rows with its company, `announced_at` (naive UTC) and two spans in seconds.

        These are `seconds_after` and `seconds_guarded`.
        """
        rows = events.select(
            "event_id", "company_id", "announced_at", "seconds_after", "seconds_guarded"
        ).rows()
        moments = {(event, company): seconds(at) for event, company, at, *_ in rows}
        return {
            event: cls(seconds(at), after, tuple(
                moment for (other, its), moment in moments.items()
                if its == company and other != event
            ), guard)
            for event, company, at, after, guard in rows
        }  # fmt: skip


def expectable(bucket: float) -> bool:
    """Whether anything can be expected of buckets of so many seconds: they must divide a day."""
    return bucket >= _SHORTEST and DAY % bucket == 0


def with_expected(
    series: pl.DataFrame,
    streams: pl.DataFrame,
    announced: Mapping[str, Announced],
    bucket: int,
) -> pl.DataFrame:
    """The series with `expected_posts`, its band and `abnormal_posts` filled in where they may be.

    Args:
        series: one row an event and bucket, as `base.series_over` gives it.
        streams: the same buckets and those of weeks before, as `base.streams_over` gives them.
        bucket: seconds, `expectable`.

    Returns:
        `series`; `flag` loses `no_baseline` where posts are expected, and gains `no_band` where
        the days are too few for a band of such buckets, `overlap` in the three days after
        another event of the company.
    """
    parts = [
        _of_event(rows, streams.filter(event_id=event), announced[event], bucket)
        for (event,), rows in series.group_by("event_id", maintain_order=True)
        if isinstance(event, str)
    ]
    return pl.concat(parts)


def _of_event(
    rows: pl.DataFrame, stream: pl.DataFrame, announced: Announced, bucket: int
) -> pl.DataFrame:
    stream = stream.sort("bucket_start")
    baseline = baseline_before(
        announced.learned_until,
        _starts(stream["bucket_start"]),
        stream["stream_posts"].cast(pl.Float64).to_numpy(),
        stream["observed_ratio"].to_numpy(),
        bucket=bucket,
        others=announced.others,
    )
    starts = _starts(rows["bucket_start_utc"])
    if baseline is not None:
        rows = _filled(rows, baseline, starts)
    after = np.zeros(len(starts), dtype=bool)
    for other in announced.others:
        after |= (starts + bucket > other) & (starts < other + AFTERMATH)
    return rows.with_columns(_flagged(pl.lit(pl.Series(after)), _OVERLAP))


def _filled(rows: pl.DataFrame, baseline: Baseline, starts: Seconds) -> pl.DataFrame:
    expected = baseline.expected(starts)
    limits = band(baseline, expected)
    columns = {"expected_posts": expected}
    if limits is not None:
        columns["expected_low"], columns["expected_high"] = limits
    words = pl.col("flag").str.split(" ").list
    rows = rows.with_columns(
        *(pl.Series(name, values) for name, values in columns.items()),
        words.set_difference([_NO_BASELINE]).list.join(" ").replace("", None).alias("flag"),
    )
    is_partial = words.contains("partial").fill_null(value=False)
    abnormal = pl.col("stream_posts") - pl.col("expected_posts")
    return rows.with_columns(
        pl.when(~is_partial).then(abnormal).alias("abnormal_posts"),
        _flagged(pl.lit(limits is None), _NO_BAND),
    )


def _flagged(where: pl.Expr, word: str) -> pl.Expr:
    """The flags, with one more where something holds."""
    more = pl.when(where).then(pl.lit(word))
    return pl.concat_str("flag", more, separator=" ", ignore_nulls=True).replace("", None)


def _starts(moments: pl.Series) -> Seconds:
    return moments.dt.epoch("s").to_numpy()


def seconds(moment: datetime) -> float:
    """A naive moment in UTC as seconds since 1970."""
    return moment.replace(tzinfo=UTC).timestamp()
