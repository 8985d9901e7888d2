"""CSV as readers of RFC 4180 expect it."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.report.csv import write_csv

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.none()


def written(data: pl.DataFrame, **options: Any) -> bytes:
    target = io.BytesIO()
    write_csv(data, target, **options)
    return target.getvalue()


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))


def cell(value: object, **schema: Any) -> str:
    return read(written(pl.DataFrame({"a": [value], "b": [1]}, schema_overrides=schema)))[1][0]


def test_lines_end_with_crlf_and_the_header_comes_first_without_a_bom() -> None:
    data = pl.DataFrame({"a": [1, None], "b": ["x", None]})
    assert written(data) == b"a,b\r\n1,x\r\n,\r\n"


def test_an_empty_frame_is_its_header() -> None:
    assert written(pl.DataFrame(schema={"a": pl.Int64, "b,": pl.String})) == b'a,"b,"\r\n'


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_every_text_comes_back_as_it_was(rows: list[tuple[str | None, str | None]]) -> None:
    data = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    assert read(written(data))[1:] == [[a or "", b or ""] for a, b in rows]


@given(st.lists(TEXTS, max_size=5))
def test_a_single_column_keeps_its_number_of_rows(texts: list[str | None]) -> None:
    data = pl.DataFrame({"a": texts}, schema={"a": pl.String})
    assert read(written(data))[1:] == [[text or ""] for text in texts]


@pytest.mark.parametrize("text", ["plain", "a b", "ümlaut", "it's", "a;b", "nul\x00byte"])
def test_quotes_stand_only_where_they_must(text: str) -> None:
    assert written(pl.DataFrame({"a": [text]})) == f"a\r\n{text}\r\n".encode()


@pytest.mark.parametrize("text", ['say "x"', "a,b", "a\nb", "a\rb", "a\r\nb"])
def test_what_would_break_a_line_or_cell_is_quoted(text: str) -> None:
    quoted = text.replace('"', '""')
    assert written(pl.DataFrame({"a": [text]})) == f'a\r\n"{quoted}"\r\n'.encode()


def test_an_empty_text_is_not_an_unknown_one() -> None:
    assert written(pl.DataFrame({"a": ["", None], "b": [1, 2]})) == b'a,b\r\n"",1\r\n,2\r\n'


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_exact_and_without_exponent(value: float) -> None:
    text = cell(value, a=pl.Float64)
    assert re.fullmatch(r"-?\d+(\.\d+)?", text)
    assert float(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (True, "true"),
        (False, "false"),
        (-(2**63), "-9223372036854775808"),
        (Decimal(123456789012345678901234567890), "123456789012345678901234567890"),
        (date(2026, 2, 12), "2026-02-12"),
        (b"\x00\xff", "00ff"),
        (datetime(2026, 2, 12, 18), "2026-02-12T18:00:00Z"),  # noqa: DTZ001 - as the store gives it
        (datetime(2026, 2, 12, 18, 0, 0, 500_000), "2026-02-12T18:00:00.5Z"),  # noqa: DTZ001
        (datetime(2026, 2, 12, 18, 0, 10, 1), "2026-02-12T18:00:10.000001Z"),  # noqa: DTZ001
        (datetime(2026, 2, 12, 18, tzinfo=UTC), "2026-02-12T18:00:00Z"),
        (datetime(1, 1, 1), "0001-01-01T00:00:00Z"),  # noqa: DTZ001
    ],
)  # fmt: skip
def test_a_value_has_one_form(value: object, text: str) -> None:
    assert cell(value) == text


@given(st.datetimes())
def test_a_moment_comes_back_as_it_was(moment: datetime) -> None:
    text = cell(moment)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z", text)
    assert datetime.fromisoformat(text) == moment.replace(tzinfo=UTC)


def test_a_time_of_another_zone_leaves_in_utc() -> None:
    column = pl.Series([datetime(2026, 2, 12, 18, tzinfo=UTC)]).dt.convert_time_zone("Asia/Kolkata")
    assert written(pl.DataFrame({"t": column})) == b"t\r\n2026-02-12T18:00:00Z\r\n"


@pytest.mark.parametrize(
    ("ticks", "text"),
    [(2**63 - 1, "infinity"), (-(2**63) + 1, "-infinity"), (10**18, "infinity")],
)
def test_a_moment_outside_the_calendar_is_infinite(ticks: int, text: str) -> None:
    column = pl.Series([ticks]).cast(pl.Datetime("us"))
    assert written(pl.DataFrame({"t": column})) == f"t\r\n{text}\r\n".encode()


def test_a_day_outside_the_calendar_is_infinite() -> None:
    column = pl.Series([2**31 - 1, -(2**31) + 1], dtype=pl.Int32).cast(pl.Date)
    assert written(pl.DataFrame({"t": column})) == b"t\r\ninfinity\r\n-infinity\r\n"


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_a_spreadsheet_would_run_is_made_harmless(first: str) -> None:
    data = pl.DataFrame({"a": [first + "1+1"], "b": [1]})
    assert read(written(data, excel=True))[1] == ["'" + first + "1+1", "1"]
    assert read(written(data))[1] == [first + "1+1", "1"]


def test_excel_gets_a_bom_and_numbers_stay_numbers() -> None:
    data = pl.DataFrame({"=n": [-1], "f": [-0.5], "t": ["fine"]})
    assert written(data, excel=True) == b"\xef\xbb\xbf'=n,f,t\r\n-1,-0.5,fine\r\n"


def test_long_columns_stay_in_step() -> None:
    start = datetime(2026, 1, 1)  # noqa: DTZ001 - as the store gives it
    times = [start + timedelta(milliseconds=250 * n) for n in range(5000)]
    rows = read(written(pl.DataFrame({"t": times, "n": range(5000)})))[1:]
    assert [datetime.fromisoformat(t).replace(tzinfo=None) for t, _ in rows] == times
