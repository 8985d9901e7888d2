"""A series as a chart for the terminal."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli.app import cli
from monitor.report.plot import plot

T0 = datetime(2026, 2, 12, 18)  # noqa: DTZ001 - as frames hold times


def a_series(posts: list[int | None], announced: int, high: float | None = None) -> pl.DataFrame:
    hours = range(-announced, len(posts) - announced)
    return pl.DataFrame({
        "event_id": ["e"] * len(posts),
        "bucket_start_utc": [T0 + timedelta(hours=h) for h in hours],
        "hours_since_announcement": [float(h) for h in hours],
        "stream_posts": pl.Series(posts, dtype=pl.Int64),
        "expected_high": pl.Series([high] * len(posts), dtype=pl.Float64),
    })  # fmt: skip


def test_holes_are_dots_and_the_unusual_is_marked() -> None:
    head, *chart, last = plot(a_series([1, None, 8, 0], announced=2, high=5.0), "1h", 80)
    assert head == "e: posts per 1h of the company's stream"
    assert chart[0].strip() == "8   █"
    assert chart[-3].strip() == "0 ▆·█"
    assert chart[-2:] == ["        ▲", "        !"]
    assert last == (
        "2026-02-12 16:00 to 2026-02-12 19:00 UTC, ▲ announcement, · not observed, "
        "! above what was expected"
    )


@given(
    st.lists(st.none() | st.integers(0, 10**6), min_size=1, max_size=300),
    st.integers(-5, 310), st.integers(1, 120),
)  # fmt: skip
def test_it_fits_and_shows_the_announcement(
    posts: list[int | None], announced: int, width: int
) -> None:
    _, *chart, _ = plot(a_series(posts, announced), "1h", width)
    assert max(map(len, chart)) <= max(width, 7) + len(str(10**6))
    assert ("▲" in "".join(chart)) == (0 <= announced < len(posts))


def test_it_draws_streams_only() -> None:
    result = CliRunner().invoke(cli, ["series", "e", "--plot", "--by", "network"])
    assert result.exit_code == 2
    assert "--plot" in result.stderr


@pytest.mark.parametrize("width", [20, 200])
def test_what_does_not_fit_is_left_out_around_the_announcement(width: int) -> None:
    lines = plot(a_series([1] * 400, announced=200), "1h", width)
    arrow = next(line for line in lines if "▲" in line and "announcement" not in line)
    assert arrow.index("▲") - 6 == (width - 6) // 4
