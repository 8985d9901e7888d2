"""What was expected beside what came, of worlds whose truth is known, as a user imports them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest

from monitor.api import Monitor
from monitor.errors import UsageError
from monitor.simulate.truth import write
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import load
from monitor.simulate.worlds.world import World


@dataclass
class Imported:
    world: World
    monitor: Monitor

    def series(self, event: str, bucket: str = "1h") -> pl.DataFrame:
        return self.monitor.series(event, bucket=bucket)


def imported(folder: Path, world: World) -> Monitor:
    write(world, folder)
    monitor = Monitor(folder / "monitor.toml")
    monitor.bring([folder / "import" / "posts.csv"])
    return monitor


@pytest.fixture(scope="module")
def funding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    world = make(load("funding"))
    with imported(tmp_path_factory.mktemp("funding"), world) as monitor:
        yield Imported(world, monitor)


def test_what_came_above_the_expected_is_the_reaction(funding: Imported) -> None:
    (event,) = funding.world.scenario.event
    rows = funding.series(event.id)
    after = rows.filter(pl.col("hours_since_announcement").is_between(0, 24, closed="left"))
    abnormal, posts = after["abnormal_posts"].sum(), after["stream_posts"].sum()
    assert 0 < posts - abnormal < 0.2 * posts
    reactions = after["posts"].sum()
    assert abnormal == pytest.approx(reactions, rel=0.2)
    assert (after["stream_posts"] > after["expected_high"]).sum() >= 12


def test_before_the_event_bands_hold_what_came(funding: Imported) -> None:
    """Each day is judged by the days beside it."""
    (event,) = funding.world.scenario.event
    before = funding.series(event.id).filter(pl.col("hours_since_announcement") < -1)
    before = before.filter(pl.col("expected_low").is_not_null())
    came = before["stream_posts"].is_between(before["expected_low"], before["expected_high"])
    assert before.height >= 7 * 24
    assert came.mean() == pytest.approx(0.95, abs=0.03)
    # Deviations of days that are predicted without themselves add up to about nothing.
    assert abs(before["abnormal_posts"].sum()) < 0.2 * before["stream_posts"].sum()


def test_the_reaction_as_a_whole(funding: Imported) -> None:
    (event,) = funding.world.scenario.event
    (row,) = funding.monitor.summary(event.id).to_dicts()
    hours = funding.series(event.id).filter(
        pl.col("hours_since_announcement").is_between(0, 24, closed="left")
    )
    assert row["abnormal_window_hours"] == 24
    assert row["abnormal_total"] == pytest.approx(hours["abnormal_posts"].sum(), rel=1e-9)
    assert row["abnormal_low"] <= hours["posts"].sum() <= row["abnormal_high"]
    assert row["abnormal_p_value"] < 1e-6
    assert 0.5 < row["half_life_hours"] < 12
    assert row["abnormal_flag"] is row["half_life_flag"] is None


def test_each_day_after_the_announcement_has_its_interval(funding: Imported) -> None:
    (event,) = funding.world.scenario.event
    rows = funding.monitor.estimates(event.id, window="2d").to_dicts()
    both, *days = [row for row in rows if row["estimate"] == "abnormal_posts"]
    assert [row["starts_at"] - days[0]["starts_at"] for row in days] == [
        timedelta(days=n) for n in range(len(days))
    ]
    assert both["value"] == pytest.approx(days[0]["value"] + days[1]["value"], rel=1e-9)
    assert (days[0]["n"], both["n"]) == (14, 7)
    assert both["high"] - both["low"] > days[0]["high"] - days[0]["low"]
    assert all(row["low"] < row["value"] < row["high"] for row in (both, *days))
    week = funding.monitor.estimates(event.id, window="3d").to_dicts()[0]
    assert (week["low"], week["flag"]) == (None, "no_band")
    assert week["value"] > both["value"]


def test_sql_finds_what_summary_says(funding: Imported) -> None:
    (event,) = funding.world.scenario.event
    said = funding.monitor.summary(event.id)
    told = funding.monitor.query("from event_summaries where event_id = ?", [event.id])
    names = [name for name in said.columns if name.startswith(("abnormal", "half_life"))]
    assert told.select(names).equals(said.select(names))
    stored = funding.monitor.query("select * exclude (data_as_of) from estimates")
    assert stored.equals(funding.monitor.estimates())


def test_a_window_of_some_hours(funding: Imported) -> None:
    (event,) = funding.world.scenario.event
    (row,) = funding.monitor.summary(event.id, window="6h").to_dicts()
    hours = funding.series(event.id).filter(
        pl.col("hours_since_announcement").is_between(0, 6, closed="left")
    )
    assert row["abnormal_window_hours"] == 6
    assert row["abnormal_total"] == pytest.approx(hours["abnormal_posts"].sum(), rel=1e-9)
    with pytest.raises(UsageError, match="whole hours"):
        funding.monitor.summary(event.id, window="90m")


def test_news_that_leaked_is_no_ordinary_day(tmp_path: Path) -> None:
    """With the guard, what was said of the leak is no part of what is expected."""
    world = make(load("funding"))
    (event,) = world.scenario.event
    leaked = world.announced_at(event) - timedelta(hours=30)
    with imported(tmp_path, world) as monitor:
        rows = [
            f"bluesky:leak-{n},bluesky,{leaked + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},"
            f"{event.id},mention\n"
            for n in range(900)
        ]
        more = tmp_path / "leak.csv"
        more.write_text("post_id,network,created_at,event_id,relation\n" + "".join(rows))
        monitor.bring([more])
        (unguarded,) = monitor.summary().to_dicts()
    config = tmp_path / "monitor.toml"
    text = config.read_text()
    config.write_text(text.replace("announced_at =", 'baseline_guard = "30h"\nannounced_at =', 1))
    with Monitor(config) as monitor:
        monitor.bring([more])
        (guarded,) = monitor.summary().to_dicts()
    width = [row["abnormal_high"] - row["abnormal_low"] for row in (guarded, unguarded)]
    assert width[0] < width[1] / 3
    assert guarded["abnormal_total"] > unguarded["abnormal_total"] + 30


def test_order_copies_batches_and_zones_of_the_input_change_nothing(
    funding: Imported, tmp_path: Path
) -> None:
    """The same posts, shuffled, every third twice, in two files, with times of New York."""
    (event,) = funding.world.scenario.event
    folder = funding.monitor.config.path
    assert folder is not None
    posts = pl.read_csv(folder.parent / "import" / "posts.csv", infer_schema=False)
    moved = posts.with_columns(
        pl.col("created_at")
        .str.to_datetime(time_zone="UTC")
        .dt.convert_time_zone("America/New_York")
        .dt.to_string("%Y-%m-%dT%H:%M:%S%.f%:z")
    )
    mixed = pl.concat([moved, moved.gather_every(3)]).sample(fraction=1, shuffle=True, seed=7)
    parts = [tmp_path / "one.csv", tmp_path / "two.csv"]
    mixed.head(1500).write_csv(parts[0])
    mixed.tail(-1500).write_csv(parts[1])
    config = tmp_path / "monitor.toml"
    text = folder.read_text()
    config.write_text(text.replace(str(folder.parent), str(tmp_path)))
    with Monitor(config, data_dir=tmp_path / "data") as monitor:
        for part in parts:
            monitor.bring([part])
        series, estimates = monitor.series(event.id), monitor.estimates(event.id)
    names = ["stream_posts", "posts", "expected_posts", "expected_low", "abnormal_posts"]
    for got, wanted, columns in (
        (series, funding.series(event.id), names),
        (estimates, funding.monitor.estimates(event.id), ["value", "low", "high"]),
    ):
        for name in columns:
            assert got[name].to_list() == pytest.approx(wanted[name].to_list(), abs=1e-9), name


def test_an_event_that_nobody_minds_is_no_reaction(tmp_path: Path) -> None:
    with imported(tmp_path, make(load("null"))) as monitor:
        (row,) = monitor.summary().to_dicts()
    assert row["abnormal_low"] < 0 < row["abnormal_high"]
    assert row["abnormal_p_value"] > 0.05


def test_an_announcement_at_no_full_hour(tmp_path: Path) -> None:
    """Its hours begin with it, and so hold what came before the first of the clock was over."""
    scenario = load("funding")
    later = scenario.announced_at + timedelta(minutes=47, seconds=11)
    world = make(msgspec.structs.replace(scenario, announced_at=later))
    with imported(tmp_path, world) as monitor:
        (row,) = monitor.summary().to_dicts()
        (posts,) = monitor.query(
            "select count(*) from company_mentions join posts using (post_id) "
            "where created_at >= ? and created_at < ?",
            [f"{later:%Y-%m-%d %H:%M:%S}", f"{later + timedelta(days=1):%Y-%m-%d %H:%M:%S}"],
        ).row(0)
    assert 0.8 * posts < row["abnormal_total"] < posts


@pytest.mark.parametrize(
    ("before", "after", "abnormal", "course"),
    [
        (timedelta(days=6), timedelta(days=3), "no_baseline", "no_baseline"),
        (timedelta(days=15), timedelta(hours=30), None, "window_short"),
        (timedelta(days=15), timedelta(minutes=30), "window_short", "window_short"),
    ],
)
def test_what_can_not_be_summed_up_is_said(
    tmp_path: Path, before: timedelta, after: timedelta, abnormal: str | None, course: str
) -> None:
    world = msgspec.structs.replace(load("funding"), before=before, after=after)
    with imported(tmp_path, make(world)) as monitor:
        (row,) = monitor.summary().to_dicts()
    assert (row["abnormal_flag"], row["half_life_flag"]) == (abnormal, course)
    assert (row["abnormal_total"] is None) == (abnormal is not None)
    assert row["half_life_hours"] is None


@pytest.mark.parametrize("hours", [-50 * 24, -43 * 24 + 0.5, -43 * 24 + 1.5, -24, -1, 0.5, 23, 48])
def test_what_has_not_passed_yet_is_not_summed_up(funding: Imported, hours: float) -> None:
    """At every moment, also long before anything was known."""
    (event,) = funding.world.scenario.event
    then = funding.world.announced_at(event) + timedelta(hours=hours)
    (row,) = funding.monitor.summary(event.id, as_of=then).to_dicts()
    known = hours >= 24
    assert (row["abnormal_total"] is not None) == known
    assert row["half_life_hours"] is None
    assert row["half_life_flag"] in {"no_data_yet", "no_baseline"}


@pytest.mark.parametrize(
    ("bucket", "flag"),
    [("15m", None), ("6h", None), ("1d", "no_band"), ("5h", "no_baseline"), ("5m", "no_baseline")],
)
def test_buckets_of_every_length(funding: Imported, bucket: str, flag: str | None) -> None:
    (event,) = funding.world.scenario.event
    rows = funding.series(event.id, bucket)
    flags = rows["flag"].fill_null("").str.split(" ").list
    assert rows["expected_posts"].is_not_null().all() == (flag != "no_baseline")
    assert rows["expected_low"].is_not_null().all() == (flag is None)
    for word in ("no_baseline", "no_band"):
        assert flags.contains(word).all() == (word == flag)
        assert flags.contains(word).any() == (word == flag)


def test_days_are_those_of_the_zone(funding: Imported) -> None:
    (event,) = funding.world.scenario.event
    rows = funding.monitor.series(event.id, bucket="1d", tz="Asia/Kolkata")
    assert rows["expected_posts"].is_not_null().all()


def test_a_report_says_what_the_series_says(funding: Imported, tmp_path: Path) -> None:
    (event,) = funding.world.scenario.event
    funding.monitor.report(event.id, tmp_path / "report")
    told = pl.read_csv(tmp_path / "report" / "series.csv")
    rows = funding.series(event.id)
    assert told["expected_high"].to_list() == pytest.approx(rows["expected_high"].to_list())


def test_too_little_before_it_expects_nothing(tmp_path: Path) -> None:
    short = msgspec.structs.replace(load("funding"), before=timedelta(days=6))
    with imported(tmp_path, make(short)) as monitor:
        rows = monitor.series()
    assert rows["expected_posts"].is_null().all()
    assert rows["abnormal_posts"].is_null().all()
    assert rows["flag"].str.contains("no_baseline").all()


def test_two_events_of_one_company_overlap(tmp_path: Path) -> None:
    """Days after the first are no ordinary ones for the second, which says that they overlap."""
    world = load("crisis")
    (first,) = world.event
    second = msgspec.structs.replace(first, id="second", after=timedelta(hours=30))
    with imported(tmp_path, make(msgspec.structs.replace(world, event=(first, second)))) as monitor:
        rows = monitor.series(["second", first.id])
        summary = monitor.summary()
    assert summary["abnormal_flag"].str.contains("overlap").all()
    overlaps = rows.filter(pl.col("flag").str.contains("overlap"))
    of_second = overlaps.filter(event_id="second")["hours_since_announcement"]
    assert (of_second.min(), of_second.max()) == (-30, 72 - 30 - 1)
    of_first = overlaps.filter(event_id=first.id)["hours_since_announcement"]
    assert of_first.min() == 30
    expected = rows.pivot(
        "event_id", index="bucket_start_utc", values="expected_posts"
    ).drop_nulls()
    assert expected["second"].to_list() == pytest.approx(expected[first.id].to_list(), rel=0.5)
