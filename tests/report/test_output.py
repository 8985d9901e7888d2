"""The other formats: JSON, lines of JSON, Parquet, tables."""

from __future__ import annotations

import io
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.report.output import write
from monitor.report.table import render
from monitor.report.text import cells, visible

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def written(data: pl.DataFrame, form: str, **options: Any) -> bytes:
    target = io.BytesIO()
    write(data, form, target, **options)
    return target.getvalue()


def test_json_is_an_array_of_objects_with_the_same_moments_as_csv() -> None:
    data = pl.DataFrame({"t": [datetime(2026, 2, 12, 18), None], "n": [2**62, None]})  # noqa: DTZ001 - as the store gives it
    assert json.loads(written(data, "json")) == [
        {"t": "2026-02-12T18:00:00Z", "n": 2**62},
        {"t": None, "n": None},
    ]


def test_columns_of_json_are_real_values_and_others_text() -> None:
    data = pl.DataFrame(
        {"languages": ['{"en": 3}'], "networks_not_observed": ["[]"], "text": ['{"a": 1}']}
    )
    assert json.loads(written(data, "jsonl")) == {
        "languages": {"en": 3}, "networks_not_observed": [], "text": '{"a": 1}',
    }  # fmt: skip


@pytest.mark.parametrize("text", ["{broken", "[" * 100_000, '"just text"', ""])
def test_what_is_no_json_stays_text(text: str) -> None:
    assert json.loads(written(pl.DataFrame({"languages": [text]}), "jsonl"))["languages"] == text


def test_one_row_may_be_an_object() -> None:
    data = pl.DataFrame({"a": [1]})
    assert json.loads(written(data, "json", single=True)) == {"a": 1}
    assert json.loads(written(data.clear(), "json", single=True)) == []


def test_json_has_no_infinite_numbers_and_exact_long_ones() -> None:
    data = pl.DataFrame({"f": [float("nan"), float("inf")], "d": [Decimal(10**25), None]})
    got = json.loads(written(data, "json"), parse_constant=pytest.fail)
    assert got == [{"f": None, "d": 10**25}, {"f": None, "d": None}]


@given(st.lists(TEXTS, max_size=4))
def test_jsonl_has_a_line_a_row_whatever_the_text(texts: list[str]) -> None:
    data = pl.DataFrame({"a": texts}, schema={"a": pl.String})
    lines = written(data, "jsonl").split(b"\n")[:-1]
    assert [json.loads(line)["a"] for line in lines] == texts


def test_parquet_keeps_types_and_times() -> None:
    data = pl.DataFrame({"t": [datetime(2026, 2, 12, 18)], "n": [1], "s": ["x"]})  # noqa: DTZ001 - as the store gives it
    assert pl.read_parquet(io.BytesIO(written(data, "parquet"))).equals(data)


@given(
    st.lists(st.tuples(TEXTS, st.integers(-(2**40), 2**40), TEXTS), min_size=6, max_size=8),
    st.integers(30, 120),
)
def test_no_line_of_a_table_is_wider_than_the_terminal(
    rows: list[tuple[str, int, str]], width: int
) -> None:
    data = pl.DataFrame(
        rows, schema={"a": pl.String, "number": pl.Int64, "b": pl.String}, orient="row"
    )
    lines = render(data, width).lines
    assert len(lines) == 2 + len(rows)
    assert max(map(cells, lines)) <= width
    assert all(visible(line) == line for line in lines)


def test_numbers_stand_to_the_right_and_are_never_cut() -> None:
    data = pl.DataFrame({"name": ["x" * 80, "y"] * 3, "count": [123_456_789, 5] * 3})
    lines = render(data, 40).lines
    assert lines[0].endswith("count")
    assert lines[2].endswith("…  123456789")
    assert lines[3].endswith("          5")
    assert {cells(line) for line in lines} == {40}


def test_moments_are_never_cut() -> None:
    moment = datetime(2026, 2, 12, 18)  # noqa: DTZ001 - as the store gives it
    data = pl.DataFrame({"name": ["x" * 80] * 9, "moment": [moment] * 9})
    assert render(data, 40).lines[2].endswith("…  2026-02-12T18:00:00Z")


def test_few_wide_rows_stand_below_one_another() -> None:
    data = pl.DataFrame({f"column_{n}": ["some text"] for n in range(20)})
    assert render(data, 80).lines[19] == "column_19  some text"


def test_many_wide_rows_leave_out_empty_columns_first_and_say_so() -> None:
    wide = {f"column_{n:02}": ["some text"] * 9 for n in range(9)}
    data = pl.DataFrame({"empty_column": [None] * 9, **wide})
    table = render(data, 80)
    assert table.lines[0].startswith("column_00")
    assert "empty_column" in table.left_out
    assert "column_08" in table.left_out


@pytest.mark.parametrize(
    "hostile",
    ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "a\rb", "\u202eabc", "\u2066x", "\x00", "a\u200bb"],
)
def test_a_terminal_obeys_no_text(hostile: str) -> None:
    got = b"".join(
        line.encode() for line in render(pl.DataFrame({hostile: [hostile]}), 80).lines
    ).decode()
    assert not set(got) & set("\x1b\x07\x9b\r\u202e\u2066\x00\u200b")


def test_wide_characters_take_two_cells() -> None:
    lines = render(pl.DataFrame({"a": ["日本語", "abc"], "b": ["x", "y"]}), 80).lines
    assert lines[2:] == ["日本語  x", "abc     y"]
