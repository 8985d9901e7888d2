"""What a row of an import may say: forms of times and numbers, and what is refused with why."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import UsageError
from monitor.imports.read import columns_of, lines
from monitor.imports.rows import CounterRow, PostRow, checked, kind_of
from monitor.types import PostState, Relation

AT = "2026-02-12T18:00:00Z"
POST = {"post_id": "x:1", "network": "x", "created_at": AT}


def post(**more: object) -> PostRow:
    row = checked({**POST, **more}, PostRow)
    assert isinstance(row, PostRow)
    return row


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (AT, datetime(2026, 2, 12, 18, tzinfo=UTC)),
        ("2026-02-12T20:00:00+02:00", datetime(2026, 2, 12, 18, tzinfo=UTC)),
        ("2026-02-12 18:00:00", datetime(2026, 2, 12, 18, tzinfo=UTC)),
        ("2026-02-12", datetime(2026, 2, 12, tzinfo=UTC)),
        (datetime(2026, 2, 12, 18), datetime(2026, 2, 12, 18, tzinfo=UTC)),  # noqa: DTZ001
        (
            datetime(2026, 2, 12, 13, tzinfo=timezone(timedelta(hours=-5))),
            datetime(2026, 2, 12, 18, tzinfo=UTC),
        ),
    ],
)
def test_a_moment_without_a_zone_is_in_utc(written: object, meant: datetime) -> None:
    assert post(created_at=written).created_at == meant


@given(st.text())
def test_text_is_taken_as_it_stands(text: str) -> None:
    assert post(text=text).text == (text or None)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"post_id": "x:"}, "post_id 'x:' is none"),
        ({"post_id": "123"}, "post_id '123' is none"),
        ({"post_id": "x: \t"}, "is none"),
        ({"network": "bluesky"}, "network 'bluesky' is not that of post_id 'x:1'"),
        ({"created_at": ""}, "created_at is empty"),
        ({"created_at": "yesterday"}, "created_at 'yesterday' is no time"),
        ({"author_followers": "many"}, "author_followers: expected `int"),
        ({"author_followers": -1}, "author_followers: expected `int` >= 0"),
        ({"state": "erased"}, "state: invalid enum value 'erased'"),
        ({"relation": "replay", "event_id": "e"}, "relation: invalid enum value 'replay'"),
        ({"relation": "reply"}, "relation needs event_id"),
        ({"score": "2"}, "score: expected `float` <= 1.0"),
        ({"score": "good"}, "score 'good' is no number"),
        ({"text": "half a pair \ud83d"}, "text is no text in UTF-8"),
    ],
)
def test_what_is_wrong_is_named(more: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        post(**more)


def test_counters_are_whole_numbers_however_they_are_written() -> None:
    row = checked({"post_id": "x:1", "observed_at": AT, "likes": "12", "views": 3.0}, CounterRow)
    assert isinstance(row, CounterRow)
    assert (row.likes, row.views, row.reposts) == (12, 3, None)


def test_what_is_deleted_has_lost_its_words() -> None:
    gone = post(text="words", title="t", author_name="n", deleted_at=AT, score=0.5).post()
    assert gone.state is PostState.DELETED
    assert (gone.text, gone.title, gone.author_name) == (None, None, None)
    assert gone.imported
    assert gone.imported.score is None


def test_a_row_becomes_a_post_with_what_it_states() -> None:
    made = post(event_id="e", relation="quote", url="javascript:x", language="de").post()
    assert made.imported
    assert (made.imported.event_id, made.imported.relation) == ("e", Relation.QUOTE)
    assert made.url is None
    assert made.indexed_at == datetime(2026, 2, 12, 18, tzinfo=UTC)


def test_columns_tell_what_a_file_holds() -> None:
    assert kind_of({"post_id", "network", "created_at", "likes"}) is PostRow
    assert kind_of({"post_id", "observed_at", "likes"}) is CounterRow
    with pytest.raises(UsageError, match="has no column network, created_at"):
        kind_of({"post_id", "text"})


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b'\xef\xbb\xbfa,b\r\n1,"two\r\nlines"\r\n\r\n3\r\n5,6\r\n')
    assert columns_of(file) == {"a", "b"}
    assert list(lines(file)) == [
        (2, {"a": "1", "b": "two\r\nlines"}),
        (5, "has 1 cells, the header 2"),
        (6, {"a": "5", "b": "6"}),
    ]


def test_a_broken_file_keeps_what_came_before(tmp_path: Path) -> None:
    csv, jsonl = tmp_path / "a.csv", tmp_path / "a.jsonl"
    csv.write_bytes(b"a\n1\n\xff\n2\n")
    jsonl.write_bytes(b'{"a": 1}\n[1]\n\n{"a": \n{"a": 2}\n')
    assert list(lines(csv)) == [
        (2, {"a": "1"}), (3, {"a": "\udcff"}), (4, {"a": "2"}),
    ]  # fmt: skip
    read = list(lines(jsonl))
    assert [line for line, _ in read] == [1, 2, 4, 5]
    assert [row for _, row in read if isinstance(row, dict)] == [{"a": 1}, {"a": 2}]


def test_the_three_forms_say_the_same(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"post_id": ["x:1", "x:2"], "network": ["x", "x"], "created_at": [AT, AT],
         "author_followers": [5, None], "score": [0.25, None], "text": ['ä, "b"\n', None]}
    )  # fmt: skip
    frame.write_csv(tmp_path / "a.csv")
    frame.write_ndjson(tmp_path / "a.jsonl")
    frame.write_parquet(tmp_path / "a.parquet")
    read = [
        [checked(row, PostRow) for _, row in lines(tmp_path / name) if isinstance(row, dict)]
        for name in ("a.csv", "a.jsonl", "a.parquet")
    ]
    assert read[0] == read[1] == read[2]
    assert len(read[0]) == 2


@pytest.mark.parametrize("name", ["missing.csv", "folder.csv", "a.txt", "bad.parquet"])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "a.txt").touch()
    (tmp_path / "bad.parquet").write_text("no")
    with pytest.raises(UsageError, match=name.replace(".", r"\.")):
        columns_of(tmp_path / name)
