"""A series as a small chart for the terminal."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from monitor.durations import parse_duration
from monitor.report.chart import columns

__all__ = ["plot"]

_LABEL = 6  # characters before the first column
_BEFORE = 4  # of the columns, one in so many stands before the announcement


def plot(series: pl.DataFrame, bucket: str, width: int) -> list[str]:
    """The lines of a chart of one event's `stream_posts`, as many buckets as fit into `width`.

    Dots are buckets that were not observed, an arrow stands below the announcement, and `!` below
    what lies above the band of the expected.
    """
    room = max(1, width - _LABEL)
    first = 0
    hours = series["hours_since_announcement"]
    announced = int((hours <= 0).sum()) - 1
    if hours[-1] <= -(parse_duration(bucket) / timedelta(hours=1)):
        announced = series.height  # behind what is shown
    if series.height > room:
        first = max(0, min(announced - room // _BEFORE, series.height - room))
    shown = series.slice(first, room)
    posts = shown["stream_posts"].to_list()
    is_there = first <= announced < first + shown.height
    lines = columns(posts, mark=announced - first if is_there else None)
    above = (shown["stream_posts"] > shown["expected_high"]).fill_null(value=False)
    if above.any():
        lines.append(" " * _LABEL + "".join("!" if one else " " for one in above).rstrip())
    begin, end = shown["bucket_start_utc"][0], shown["bucket_start_utc"][-1]
    event = series["event_id"][0]
    said = ["▲ announcement"] if is_there else []
    said += ["· not observed"] if None in posts else []
    said += ["! above what was expected"] if above.any() else []
    head = f"{event}: posts per {bucket} of the company's stream"
    span = f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
    return [head, *lines, ", ".join([span, *said])]
