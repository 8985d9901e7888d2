"""`monitor import`: what goes in, what stays out, and what it means for events and their series."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import polars as pl
import pytest
from click.testing import CliRunner, Result

from monitor.api import Monitor
from monitor.cli.app import cli
from monitor.config import load
from monitor.errors import UsageError
from monitor.imports.rows import CounterRow, PostRow
from monitor.simulate.truth import write
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import load as scenario
from tests.world import ACME, ANNOUNCED, OFFLINE, Process, configured

POSTS = [
    *("post_id", "network", "created_at", "author_id", "text", "reply_to_id"),
    *("event_id", "relation", "score"),
]
TABLES = (
    "posts", "post_versions", "sightings", "reactions", "company_mentions", "engagement",
    "sentiment", "announcements",
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the configuration of one company and one event."""
    monkeypatch.chdir(tmp_path)
    configured(tmp_path, ACME)
    return tmp_path


def run(*arguments: str, config: str = "monitor.toml") -> Result:
    """The command; `return_value` is its exit code."""
    words = ["--config", config, "import", *arguments]
    return CliRunner().invoke(cli, words, standalone_mode=False)


def table(path: Path, rows: Iterable[dict[str, Any]], columns: list[str] = POSTS) -> str:
    with path.open("w", newline="", encoding="utf8") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path.name


def row(number: int, *, hours: float = 1.0, **more: Any) -> dict[str, Any]:
    at = datetime(2026, 2, 12, 18, tzinfo=UTC) + timedelta(hours=hours)
    made = {"post_id": f"x:{number}", "network": "x", "created_at": at.isoformat()}
    return {**made, "author_id": f"x:u{number}", **more}


def stored(here: Path, sql: str) -> list[tuple[Any, ...]]:
    with Monitor(load(here / "monitor.toml", env={})) as monitor:
        assert monitor.verify() == []
        return monitor.query(sql).rows()


def everything(here: Path) -> dict[str, pl.DataFrame]:
    with Monitor(load(here / "monitor.toml", env={})) as monitor:
        return {
            name: monitor.query(f"from {name}").sort(pl.all().cast(pl.String)) for name in TABLES
        }


def test_importing_twice_changes_nothing(here: Path) -> None:
    posts = table(
        here / "posts.csv",
        [row(1, text="Acme funding", score="0.5"), row(2, reply_to_id="x:1", event_id="acme-a")],
    )
    counters = table(
        here / "counters.csv",
        [{"post_id": "x:1", "observed_at": "2026-02-12T20:00:00Z", "likes": 3, "views": 900}],
        ["post_id", "observed_at", "likes", "views"],
    )
    first = run(counters, posts)  # posts go in first, whatever the order
    assert first.return_value == 0, first.stderr
    assert "2 posts (2 new), 1 counters (1 new or changed), 0 bad rows" in first.stderr
    before = everything(here)
    again = run(posts, counters)
    assert "2 posts (0 new), 1 counters (0 new or changed), 0 bad rows" in again.stderr
    after = everything(here)
    for name in TABLES:
        assert before[name].equals(after[name]), name
    assert first.stdout == ""


def test_bad_rows_are_told_with_their_lines_and_the_rest_goes_in(here: Path) -> None:
    posts = table(
        here / "posts.csv",
        [
            row(1),
            row(2, created_at="soon"),
            row(3, event_id="nothing"),
            row(4, text="good, too"),
        ],
    )
    result = run(posts)
    assert result.return_value == 1
    assert "posts.csv:3: created_at 'soon' is no time" in result.stderr
    assert "posts.csv:4: no event 'nothing'; there are: acme-a" in result.stderr
    assert stored(here, "select post_id from posts order by 1") == [("x:1",), ("x:4",)]


def test_what_is_no_text_stays_out_and_stops_nothing(here: Path) -> None:
    whole = (
        '{"post_id": "x:%d", "network": "x", "created_at": "2026-02-12T19:00:00Z", "text": "%s"}'
    )
    lines = [whole % (1, "good"), whole % (2, "\\ud83d"), whole % (3, "good, too")]
    (here / "posts.jsonl").write_text("\n".join(lines), "utf8")
    (here / "posts.csv").write_bytes(b"post_id,network,created_at,text\nx:4,x,2026-02-12,\xff\n")
    result = run("posts.jsonl", "posts.csv")
    assert result.return_value == 1
    assert "posts.jsonl:2: text is no text in UTF-8" in result.stderr
    assert "posts.csv:2: text is no text in UTF-8" in result.stderr
    assert stored(here, "select post_id from posts order by 1") == [("x:1",), ("x:3",)]


def test_an_import_observes_even_if_its_last_file_is_all_bad(here: Path) -> None:
    good, bad = table(here / "a.csv", [row(1)]), table(here / "b.csv", [row(2, created_at="soon")])
    assert run(good, bad).return_value == 1
    assert stored(here, "select source_id, posts_seen from polls") == [("import", 1)]


def test_strict_stores_nothing_if_a_row_is_bad(here: Path) -> None:
    posts = table(here / "posts.csv", [row(1), row(2, created_at="soon")])
    result = run("--strict", posts)
    assert result.return_value == 1
    assert "nothing was imported: 1 bad rows" in result.stderr
    assert stored(here, "select count(*) from posts") == [(0,)]
    assert run("--strict", table(here / "posts.csv", [row(1)])).return_value == 0


def test_counters_of_posts_that_nobody_knows_are_bad_rows(here: Path) -> None:
    counters = table(
        here / "counters.csv",
        [{"post_id": "x:9", "observed_at": "2026-02-12T20:00:00Z", "likes": 3}],
        ["post_id", "observed_at", "likes"],
    )
    result = run(counters)
    assert result.return_value == 1
    assert "counters.csv:2: no post 'x:9' is stored; import posts first" in result.stderr


def test_unknown_columns_are_named_once_and_ignored(here: Path) -> None:
    posts = table(here / "posts.csv", [row(1, mood="x"), row(2)], [*POSTS, "mood", "colour"])
    result = run(posts)
    assert result.return_value == 0
    assert result.stderr.count("ignored unknown columns: colour, mood") == 1


def test_a_stated_relation_stands_against_all_others(here: Path) -> None:
    rows = [
        row(1, text="Acme funding", event_id="acme-a", relation="announcement"),
        row(2, reply_to_id="x:1", event_id="acme-a", relation="mention"),
        row(3, reply_to_id="x:1"),
        row(4, text="nothing about it", event_id="acme-a", relation="press"),
        row(5, reply_to_id="x:4"),
        row(6, text="of its stream only", event_id="acme-a"),
        row(7, text="of nobody"),
        row(8, text="before it", hours=-5, event_id="acme-a", relation="repost"),
    ]
    assert run(table(here / "posts.csv", rows)).return_value == 0
    assert dict(stored(here, "select post_id, relation from reactions")) == {
        "x:1": "announcement", "x:2": "mention", "x:3": "reply", "x:4": "press", "x:5": "reply",
        "x:8": "repost",
    }  # fmt: skip
    members = {p for (p,) in stored(here, "select post_id from company_mentions")}
    assert members == {"x:1", "x:2", "x:3", "x:4", "x:5", "x:6", "x:8"}
    assert ("x:1",) in stored(here, "select post_id from announcements where event_id = 'acme-a'")


def test_the_order_of_rows_and_files_does_not_matter(here: Path, tmp_path: Path) -> None:
    rows = [
        row(1, event_id="acme-a", relation="announcement"), row(2, reply_to_id="x:1"),
        row(3, reply_to_id="x:2"), row(4, text="Acme round", event_id="acme-a"),
    ]  # fmt: skip
    wanted = "select post_id, relation, depth from reactions order by post_id"
    run(table(here / "posts.csv", rows))
    expected = stored(here, wanted)
    other = tmp_path / "other"
    other.mkdir()
    configured(other, ACME)
    for one in reversed(rows):
        name = table(other / f"{one['post_id'][2:]}.csv", [one])
        done = run(str(other / name), config=str(other / "monitor.toml"))
        assert done.return_value == 0
    assert stored(other, wanted) == expected
    assert len(expected) == 4


def test_other_words_are_a_new_version_and_a_new_place_is_none(here: Path) -> None:
    run(table(here / "posts.csv", [row(1, text="first")]))
    run(table(here / "posts.csv", [row(1, text="second")]))
    run(table(here / "posts.csv", [row(1, text="second", event_id="acme-a", relation="link")]))
    versions = stored(here, "select version, text from post_versions order by version")
    assert versions == [(1, "first"), (2, "second")]
    assert stored(here, "select relation from reactions") == [("link",)]


def test_a_score_is_sentiment_of_the_model_import(here: Path) -> None:
    rows = [row(1, score="0.5"), row(2, score="-0.04"), row(3, score="-1"), row(4)]
    run(table(here / "posts.csv", rows))
    scores = stored(
        here,
        "select post_id, label, positive, neutral, negative from sentiment "
        "where model = 'import' order by post_id",
    )
    assert [(i, label) for i, label, *_ in scores] == [
        ("x:1", "positive"), ("x:2", "neutral"), ("x:3", "negative"),
    ]  # fmt: skip
    assert [tuple(shares) for _, _, *shares in scores] == [
        (0.5, 0.5, 0.0), (0.0, pytest.approx(0.96), pytest.approx(0.04)), (0.0, 0.0, 1.0),
    ]  # fmt: skip


def test_what_was_imported_was_known_when_it_was_said(here: Path) -> None:
    rows = [row(n, hours=n, text="Acme funding", event_id="acme-a") for n in (1, 2, 3)]
    run(table(here / "posts.csv", rows))
    with Monitor(load(here / "monitor.toml", env={})) as monitor:
        known = [
            monitor.summary("acme-a", as_of=f"2026-02-12T{18 + hours}:30:00Z")["posts"][0]
            for hours in (0, 1, 2, 3)
        ]
        assert known == [0, 1, 2, 3]
        hour = monitor.series("acme-a").filter(pl.col("hours_since_announcement") == 2)
        assert hour["observed_ratio"].to_list() == [1.0]
        assert hour["posts"].to_list() == [1]


def test_an_import_observes_only_the_span_that_it_is_said_to_cover(here: Path) -> None:
    run(
        "--observed", "2026-02-12T18:00:00Z..2026-02-13T00:00:00Z",
        table(here / "posts.csv", [row(1, text="Acme funding", event_id="acme-a")]),
    )  # fmt: skip
    with Monitor(load(here / "monitor.toml", env={})) as monitor:
        series = monitor.series("acme-a")
    observed = dict(zip(series["hours_since_announcement"], series["observed_ratio"], strict=True))
    assert (observed[-1.0], observed[0.0], observed[5.0]) == (0.0, 1.0, 1.0)
    assert observed[6.0] in (0.0, None)


def test_a_span_that_is_none_is_an_error(here: Path) -> None:
    posts = table(here / "posts.csv", [row(1)])
    assert isinstance(run("--observed", "2026-02-12", posts).exception, click.UsageError)
    raised = run("--observed", "2026-02-13..2026-02-12", posts).exception
    assert "is no span" in str(raised)


def test_what_is_deleted_and_hidden_stays_so(here: Path) -> None:
    rows = [
        {**row(1, text="gone"), "state": "deleted", "deleted_at": "2026-02-13T00:00:00Z"},
        {**row(2, text="still there"), "state": "hidden"},
    ]
    run(table(here / "posts.csv", rows, [*POSTS, "state", "deleted_at"]))
    found = stored(here, "select post_id, state, text, deleted_at is null from posts order by 1")
    assert found == [("x:1", "deleted", None, False), ("x:2", "hidden", "still there", True)]


def test_it_goes_through_a_running_daemon(here: Path) -> None:
    posts = table(here / "posts.csv", [row(1, text="Acme funding"), row(2, reply_to_id="x:1")])
    config = configured(here, ACME + "\n" + OFFLINE)
    with Process(config) as daemon:
        daemon.ready().close()
        result = run(posts)
        assert result.return_value == 0, result.output
        assert "2 posts (2 new)" in result.stderr
    assert stored(here, "select count(*) from posts") == [(2,)]


def test_a_simulated_world_comes_in_as_its_truth_says(tmp_path: Path) -> None:
    world = make(scenario("two-companies"))
    write(world, tmp_path)
    files = [str(tmp_path / "import" / name) for name in ("posts.csv", "counters.csv")]
    result = run(*files, config=str(tmp_path / "monitor.toml"))
    assert result.return_value == 0, result.output
    with Monitor(load(tmp_path / "monitor.toml", env={})) as monitor:
        assert monitor.verify() == []
        found = set(monitor.query("select event_id, post_id, relation from reactions").rows())
        summary = {row["event_id"]: row for row in monitor.summary().iter_rows(named=True)}
    end = world.scenario.ends_at
    expected = {
        (item.event.id, item.post_id, str(item.kind))
        for item in world.items
        if item.event is not None and item.shown_from <= end
    }
    assert {one for one in found if one[2] != "repost"} == expected
    assert summary["series-c"]["first_competitor_response_seconds"] == 4 * 3600
    assert json.loads(summary["series-c"]["networks"])["bluesky"] > 100


def test_the_announcement_of_the_configuration_may_be_imported_too(here: Path) -> None:
    network, _, _ = ANNOUNCED.partition(":")
    rows = [
        {**row(1), "post_id": ANNOUNCED, "network": network, "text": "our funding"},
        row(2, reply_to_id=ANNOUNCED),
    ]
    assert run(table(here / "posts.csv", rows)).return_value == 0
    assert dict(stored(here, "select post_id, relation from reactions")) == {
        ANNOUNCED: "announcement", "x:2": "reply",
    }  # fmt: skip


PAGE = (Path(__file__).parents[2] / "docs" / "importing.md").read_text("utf8")


def test_the_examples_of_its_page_go_in(here: Path) -> None:
    posts, counters = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    posts = posts.replace("anthropic-series-g", "acme-a")
    (here / "posts.csv").write_text(posts, "utf8")
    (here / "counters.csv").write_text(counters, "utf8")
    assert run("posts.csv", "counters.csv").return_value == 0
    assert stored(here, "select count(*) from posts") == [(2,)]
    curve = stored(here, "select max(views) from engagement where source_id = 'import'")
    assert curve == [(1_100_000,)]


def test_every_column_is_on_its_page() -> None:
    for name in (*PostRow.__struct_fields__, *CounterRow.__struct_fields__):
        assert f"`{name}`" in PAGE or name == "source_id", name


def test_an_import_that_was_killed_goes_on(here: Path) -> None:
    rows = [
        row(n, text="Acme", reply_to_id=f"x:{n - 1}" if n % 3 else "") for n in range(1, 20_001)
    ]
    table(here / "posts.csv", rows)
    words = [sys.executable, "-m", "monitor", "--config", "monitor.toml", "import", "posts.csv"]
    wal, killed = here / "data" / "monitor.duckdb.wal", 0
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (wal.exists() and wal.stat().st_size > 500_000):
        time.sleep(0.01)
    process.kill()
    killed = process.wait()
    assert killed == -signal.SIGKILL
    ((some,),) = stored(here, "select count(*) from posts")
    assert some % 5000 == 0
    assert some < 20_000
    assert stored(here, "select count(*) from polls") == [(0,)], "half an import observes nothing"
    result = run("posts.csv")
    assert f"20000 posts ({20_000 - some} new)" in result.stderr
    assert stored(here, "select count(*), count(distinct post_id) from posts") == [(20_000, 20_000)]


ACTOR = """
[[actor]]
id = "rival-chief"
name = "The rival's chief"
accounts = ["x:@RivalChief"]
roles = { acme = "competitor" }
"""


def test_an_actor_is_followed_before_and_after(tmp_path: Path) -> None:
    """The case of a competitor's attack by file: an earlier jab, the attack, its view counter."""
    configured(tmp_path, ACME + ACTOR)
    chief = {"author_id": "x:42", "author_handle": "rivalchief"}
    rows = [
        row(1, text="Acme funding", event_id="acme-a", relation="announcement"),
        {**row(2, hours=-700, text="Acme is overrated"), **chief},
        {**row(3, hours=21, reply_to_id="x:1", text="Fix it"), **chief},
        {**row(4, hours=22, text="about the weather"), **chief},
        row(5, hours=23, reply_to_id="x:1", text="Somebody else"),
    ]
    posts = table(tmp_path / "posts.csv", rows, [*POSTS, "author_handle"])
    counters = table(
        tmp_path / "counters.csv",
        [
            {"post_id": "x:3", "observed_at": f"2026-02-13T{hour}:00:00Z", "views": views}
            for hour, views in ((16, 50_000), (18, 600_000), (22, 1_200_000))
        ],
        ["post_id", "observed_at", "views"],
    )
    config = str(tmp_path / "monitor.toml")
    files = [str(tmp_path / name) for name in (posts, counters)]
    assert run(*files, config=config).return_value == 0
    with Monitor(load(Path(config), env={})) as monitor:
        said = monitor.actor("rival-chief")
        assert said.select("post_id", "company_id", "role", "event_id", "relation").rows() == [
            ("x:2", "acme", "competitor", None, None),
            ("x:3", "acme", "competitor", "acme-a", "reply"),
        ]
        assert said["lag_seconds"].to_list() == [None, 21 * 3600.0]
        assert said["views"].to_list() == [None, 1_200_000]
        assert monitor.actor("rival-chief", as_of="2026-02-13T10:00:00Z").height == 1
        top = monitor.query("from top_reactions('acme-a', 5)")
        assert dict(zip(top["post_id"], top["role"], strict=True)) == {
            "x:3": "competitor", "x:5": None,
        }  # fmt: skip
        with pytest.raises(UsageError, match='did you mean "rival-chief"'):
            monitor.actor("rival-cheif")
        views = monitor.counters("x:3", bucket="2h")
        assert views["views"].drop_nulls().max() == pytest.approx(1_200_000, rel=0.01)
