"""Comparing policies: what is measured is what is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from monitor.cli.app import cli
from monitor.errors import UsageError
from monitor.simulate.arrivals import compared, read, streams, threads
from monitor.simulate.cadence import Arrivals, compare

HEADER = "source_id,started_at_hours,item_at_hours\n"


def test_fixed_polling_waits_half_its_interval() -> None:
    rng = np.random.default_rng(3)
    world = [Arrivals(0.0, np.sort(rng.uniform(0, 200, 400))) for _ in range(20)]
    (row,) = compare([world], 200.0, 40.0, ["fixed"])
    assert row.mean_delay_seconds == pytest.approx(3600 * 20 / (2 * 40), rel=0.05)
    assert row.worst_gap_seconds == pytest.approx(3600 * 20 / 40, rel=0.01)
    assert row.polls == 8000


@pytest.mark.parametrize("make", [streams, threads])
def test_what_follows_the_posts_sees_them_sooner_within_the_same_budget(make) -> None:
    worlds = [make(60, 36.0, seed) for seed in (1, 2)]
    fixed, backoff, adaptive = compare(worlds, 36.0, 120.0, ["fixed", "backoff", "adaptive"])
    assert adaptive.mean_delay_seconds < 0.85 * fixed.mean_delay_seconds
    assert adaptive.mean_delay_seconds < backoff.mean_delay_seconds
    assert adaptive.polls <= fixed.polls + 1
    assert adaptive.worst_gap_seconds <= 3600 * (4 * 60 / 120 + 61 / 120)


def test_a_burst_is_five_posts_within_an_hour_after_six_quiet_ones() -> None:
    quick = [0.0, 0.1, 0.2, 0.3, 0.4]
    posts = np.array([*quick, *(at + 5 for at in quick), *(at + 12 for at in quick), 30.0, 30.5])
    assert Arrivals(0.0, posts).bursts().tolist() == [0.0, 12.0]


def test_arrivals_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "arrivals.csv"
    file.write_text(HEADER + "b,2.5,3\na,0,1\na,0,0.5\nquiet,1,\n")
    found = read(file)
    assert [(one.started, one.posts.tolist()) for one in found] == [
        (2.5, [3.0]), (0.0, [0.5, 1.0]), (1.0, []),
    ]  # fmt: skip
    arguments = ["simulate", "cadence", "--arrivals", str(file), "--budget", "60", "--seeds", "2"]
    result = CliRunner().invoke(cli, [*arguments, "--format", "json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert [row["policy"] for row in rows] == ["fixed", "backoff", "adaptive"]
    assert all(0 < row["mean_delay_seconds"] < 600 for row in rows)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column source_id"),
        (HEADER, "holds no source"),
        (HEADER + "a,0,nan\n", ":2: item_at_hours is 'nan'"),
        (HEADER + "a,x,1\n", ":2: started_at_hours is 'x'"),
        (HEADER + "a,0,1\na,1,2\n", ":3: a began at 0 before"),
        (HEADER + "a,3,1\n", "a: an item at 1 h, before it began at 3 h"),
    ],
)
def test_a_file_that_can_not_be_used_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "arrivals.csv"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        read(file)
    with pytest.raises(UsageError, match="can't be read"):
        read(tmp_path / "none.csv")


def test_an_unknown_policy_is_named() -> None:
    with pytest.raises(UsageError, match="no policy lucky; there are fixed, backoff, adaptive"):
        compared(["lucky"], 10, seeds=1)
