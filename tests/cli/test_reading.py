"""What the reading commands answer."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from monitor.errors import UsageError

SERIES = """
event_id,bucket_start_utc,hours_since_announcement,observed_ratio,posts,authors,replies,quotes,
reposts,links,press,mentions,stream_posts,likes_delta,reposts_delta,replies_delta,quotes_delta,
views_delta,counters_observed_ratio,expected_posts,expected_low,expected_high,abnormal_posts,
is_spike,sentiment_model,sentiment_mean,sentiment_low,sentiment_high,sentiment_n,positive_share,
neutral_share,negative_share,flag
"""
SUMMARY = """
event_id,announced_at_utc,data_as_of_utc,posts,authors,replies,coverage_ratio,
networks_not_observed,abnormal_window_hours,abnormal_total,abnormal_low,abnormal_high,
abnormal_p_value,abnormal_flag,peak_bucket_utc,half_life_hours,half_life_flag,sentiment_model,
sentiment_before,sentiment_after,sentiment_shift,sentiment_shift_low,sentiment_shift_high,
sentiment_shift_p_value,sentiment_flag,views_max,reach_authors,reach_followers,
reach_followers_known,first_reaction_seconds,company_first_response_seconds,
company_response_censored_seconds,first_competitor_response_seconds,share_of_voice,languages,
networks,top_reaction,stream_precision,stream_precision_low,stream_precision_high,
stream_precision_labels,stream_precision_flag,sentiment_corrected,sentiment_corrected_low,
sentiment_corrected_high,sentiment_corrected_labels,sentiment_corrected_flag
"""
TOP = """
rank,post_id,url,author_handle,relation,role,created_at_utc,likes,reposts,replies,quotes,views,
engagement_total,sentiment,text
"""


def columns(header: str) -> list[str]:
    return header.replace("\n", "").split(",")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_events_shows_each_event_with_its_posts(run: Any) -> None:
    got = {row["event_id"]: row for row in rows(run("events").stdout)}
    assert {event: row["posts"] for event, row in got.items()} == {"acme-a": "4", "acme-b": "0"}
    assert got["acme-a"]["announced_at"] == "2026-02-12T18:00:00Z"


def test_series_has_every_column_and_bucket(run: Any) -> None:
    got = rows(run("series", "acme-a").stdout)
    assert list(got[0]) == columns(SERIES)
    assert len(got) == 48
    assert got[0]["bucket_start_utc"] == "2026-02-11T18:00:00Z"
    assert got[-1]["bucket_start_utc"] == "2026-02-13T17:00:00Z"
    assert sum(int(row["posts"] or 0) for row in got) == 4


def test_series_leaves_empty_what_was_not_observed(run: Any) -> None:
    got = {row["bucket_start_utc"]: row["posts"] for row in rows(run("series", "acme-a").stdout)}
    assert got["2026-02-12T19:00:00Z"] == "1"
    assert got["2026-02-12T18:00:00Z"] == "0"  # only the announcement itself
    assert got["2026-02-13T12:00:00Z"] == ""  # after the last poll


def test_series_is_cut_by_since_and_until(run: Any) -> None:
    got = rows(
        run(
            "series", "acme-a", "--since", "2026-02-12T19:00Z", "--until", "2026-02-12T21:00"
        ).stdout
    )
    assert [row["bucket_start_utc"] for row in got] == [
        "2026-02-12T19:00:00Z",
        "2026-02-12T20:00:00Z",
    ]


def test_series_of_days_begins_at_midnight_of_the_zone(run: Any) -> None:
    got = rows(run("series", "acme-a", "--bucket", "1d", "--tz", "Europe/Berlin").stdout)
    assert [row["bucket_start_utc"][11:] for row in got] == ["23:00:00Z"] * len(got)
    assert sum(int(row["posts"] or 0) for row in got) == 4


def test_series_as_of_knows_what_was_known_then(run: Any) -> None:
    got = rows(run("series", "acme-a", "--as-of", "2026-02-12T20:30:00Z").stdout)
    assert sum(int(row["posts"] or 0) for row in got) == 0  # nothing had been committed since 17:00


def test_series_of_all_events_holds_each_as_it_is_alone(run: Any) -> None:
    together = rows(run("series", "--all").stdout)
    alone = rows(run("series", "acme-b").stdout)
    assert [row for row in together if row["event_id"] == "acme-b"] == alone
    again = rows(run("series", "acme-b", "acme-a", "acme-b").stdout)
    assert [(row["event_id"], row["posts"]) for row in again] == [
        (row["event_id"], row["posts"]) for row in together
    ]


@pytest.mark.parametrize("by", ["network", "language", "relation", "actor", "company"])
def test_series_by_adds_up_to_the_series(run: Any, by: str) -> None:
    got = rows(run("series", "acme-a", "--by", by).stdout)
    assert by in got[0]
    assert sum(int(row["posts"] or 0) for row in got) == 4


def test_series_of_one_post_shows_its_counters(run: Any) -> None:
    got = rows(run("series", "--post", "https://example.org/post/3").stdout)
    assert {row["post_id"] for row in got} == {"built:3"}
    assert float(got[-1]["likes"]) == 30


@pytest.mark.parametrize("event", ["acme-a", "acme-b"])
def test_summary_of_one_event_is_an_object(run: Any, event: str) -> None:
    got = json.loads(run("summary", event, "--format", "json").stdout)
    assert list(got) == columns(SUMMARY)
    assert got["event_id"] == event
    assert isinstance(got["networks"], dict)
    assert isinstance(got["networks_not_observed"], list)


def test_summary_of_several_events_is_an_array(run: Any) -> None:
    got = json.loads(run("summary", "--all", "--format", "json").stdout)
    assert [one["event_id"] for one in got] == ["acme-a", "acme-b"]
    assert got[0]["posts"] == 4
    assert got[0]["networks"] == {"built": 4}
    assert got[0]["top_reaction"]["post_id"] == "built:4"


def test_summary_as_csv_has_a_row_an_event_and_objects_as_json_text(run: Any) -> None:
    got = rows(run("summary", "--all").stdout)
    assert list(got[0]) == columns(SUMMARY)
    assert json.loads(got[0]["networks"]) == {"built": 4}


def test_top_ranks_by_engagement(run: Any) -> None:
    got = rows(run("top", "acme-a", "-n", "2").stdout)
    assert list(got[0]) == columns(TOP)
    assert [(row["rank"], row["post_id"]) for row in got] == [("1", "built:4"), ("2", "built:3")]


def test_gaps_shows_holes_and_reasons(run: Any) -> None:
    got = rows(run("gaps", "acme-a", "--open").stdout)
    assert ("built:two", "error", "2026-02-12T12:00:00Z") in {
        (row["source_id"], row["reason"], row["started_at"]) for row in got
    }
    assert all(row["ended_at"] == "" for row in got)
    assert len(rows(run("gaps", "acme-a").stdout)) > len(got)


@pytest.mark.parametrize(
    "command",
    [["events"], ["series", "--all"], ["summary", "--all"], ["status"], ["sql", "from posts"]],
    ids=" ".join,
)
def test_an_empty_store_answers_with_the_header_alone(
    run: Any, empty: Any, command: list[str]
) -> None:
    result = run(*command, on=empty)
    assert result.exit_code == 0, result.stderr
    assert result.stdout_bytes.count(b"\r\n") == 1
    assert json.loads(run(*command, "--format", "json", on=empty).stdout) == []


def test_an_unknown_event_names_those_there_are(run: Any) -> None:
    raised = run("top", "acme-x").exception
    assert isinstance(raised, UsageError)
    assert str(raised) == 'no event "acme-x"; did you mean "acme-b"? the events are: acme-a, acme-b'


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--bucket", "0s"], "at least one second"),
        (["--bucket", "soon"], "no duration"),
        (["--tz", "Europe/Berln"], "did you mean Europe/Berlin?"),
        (["--tz", "../../etc/passwd"], "no time zone"),
        (["--since", "yesterday"], "no time"),
    ],
)
def test_a_wrong_argument_says_what_is_right(run: Any, arguments: list[str], told: str) -> None:
    raised = run("series", "acme-a", *arguments).exception
    assert isinstance(raised, UsageError)
    assert told in str(raised)


@pytest.mark.parametrize("arguments", [["series"], ["summary", "acme-a", "--all"]], ids=" ".join)
def test_events_or_all_and_never_both(run: Any, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "name one event or more, or say --all" in result.stderr


def test_output_goes_to_a_file_in_the_form_of_its_ending(run: Any, tmp_path: Path) -> None:
    for name in ("t.csv", "t.json", "t.jsonl", "t.parquet", "t.txt"):
        result = run("events", "-o", str(tmp_path / name))
        assert (result.exit_code, result.stdout) == (0, "")
    assert len(rows((tmp_path / "t.csv").read_text("utf8"))) == 2
    assert (tmp_path / "t.txt").read_bytes() == (tmp_path / "t.csv").read_bytes()
    assert len(json.loads((tmp_path / "t.json").read_text())) == 2
    assert len((tmp_path / "t.jsonl").read_text().splitlines()) == 2
    assert pl.read_parquet(tmp_path / "t.parquet").height == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "t.csv", "t.json", "t.jsonl", "t.parquet", "t.txt",
    ]  # fmt: skip


def test_a_table_is_made_where_it_is_asked_for(run: Any) -> None:
    lines = run("top", "acme-a", "--format", "table", env={"COLUMNS": "200"}).stdout.splitlines()
    assert lines[0].startswith("rank  post_id")
    assert len(lines) == 2 + 4
    assert max(map(len, lines)) <= 200


def test_what_every_row_of_a_table_lacks_is_explained_above_it(run: Any) -> None:
    told = run("series", "acme-b", "--format", "table").stderr.splitlines()
    assert any(line.startswith("no_baseline: too little is known of usual days") for line in told)
    assert not run("series", "acme-b", "--format", "csv").stderr


def test_status_says_how_each_source_does(run: Any) -> None:
    got = {row["source_id"]: row for row in rows(run("status").stdout)}
    assert got["built:one"]["last_success_at"] == "2026-02-13T11:00:00Z"
    assert got["built:one"]["last_error"] == ""
    assert got["built:two"]["last_success_at"] == ""
    assert got["built:two"]["last_error"] == "https://example.org/2: refused"
    assert got["built:two"]["open_gaps"] == "1"
    assert float(got["built:one"]["newest_post_age_seconds"]) > 0
    assert got["built:two"]["newest_post_age_seconds"] == ""


def test_sql_reads_from_argument_file_and_standard_input(run: Any, tmp_path: Path) -> None:
    query = "select count(*) as n from posts"
    (tmp_path / "q.sql").write_text("\ufeff" + query + ";\n", "utf8")
    expected = b"n\r\n5\r\n"
    assert run("sql", query).stdout_bytes == expected
    assert run("sql", "-f", str(tmp_path / "q.sql")).stdout_bytes == expected
    assert run("sql", "-", input=query).stdout_bytes == expected


def test_sql_names_one_statement_only_once(run: Any) -> None:
    assert run("sql").exit_code == 2


@pytest.mark.parametrize(
    "query", ["delete from base.posts", "select 1; select 2", "from nothing", ""]
)
def test_sql_that_does_not_read_is_refused(run: Any, query: str) -> None:
    raised: Any = run("sql", query).exception
    assert raised.exit_code == 2


def test_sql_stops_at_its_time_limit(run: Any) -> None:
    raised: Any = run(
        "sql", "--timeout", "0.2", "select count(*) from range(10000000) a, range(10000000) b"
    ).exception
    assert raised.exit_code == 1
    assert "--timeout" in str(raised)


def test_options_of_the_root_may_follow_the_command(run: Any) -> None:
    assert run("events", "--data-dir", "elsewhere", "--wait", "1").exit_code == 0
