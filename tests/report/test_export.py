"""The export: every row once, a manifest that is true, no half-written folder."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from monitor.errors import UsageError
from monitor.report.export import Export
from monitor.report.tables import TABLES
from monitor.store.database import Database

DAYS, POSTS = 5, 40


@pytest.fixture
def store() -> Iterator[Database]:
    """Built rows: posts of two networks over five days, one of them without a time."""
    with Database.open(None) as database:
        cursor = database.cursor()
        cursor.execute(
            f"""
            insert into base.posts by name
            select n as post_key, network || ':' || n as post_id, network,
                case when n > 0 then timestamp '2026-02-10 22:00:00' + n % {DAYS} * interval 1 day
                end as created_at,
                'line one' || chr(10) || 'line "two", ' || n as text, 'live' as state,
                case when n < 4 then 'import' else 'built' end as source_id, 1 as version
            from range({POSTS}) as r(n),
            lateral (select case when n % 3 = 0 then 'built/odd' else 'built' end as network)
            """
        )
        cursor.execute(
            "insert into base.engagement by name select post_key, 'built' as source_id, "
            "created_at as observed_at, post_key as likes from base.posts where post_key > 0"
        )
        cursor.close()
        yield database


def sizes(store: Database) -> dict[str, int]:
    return {
        table.name: int(store.query(f"select count(*) from {table.name}").item())
        for table in TABLES
    }


def files(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for table in manifest["tables"].values() for entry in table["files"]]


@pytest.mark.parametrize("slice_rows", [1, 7, 1000])
def test_csv_holds_every_row_of_every_table(
    store: Database, tmp_path: Path, slice_rows: int
) -> None:
    manifest = Export(store, slice_rows=slice_rows).write(tmp_path / "out")
    assert sizes(store)["posts"] == POSTS
    for name, count in sizes(store).items():
        with (tmp_path / "out" / f"{name}.csv").open(newline="") as stream:
            header, *rows = csv.reader(stream, strict=True)
        columns = store.query(f"from {name} limit 0").columns
        assert (name, header, len(rows)) == (name, columns, count)
        assert manifest["tables"][name]["rows"] == count


def test_slices_change_nothing(store: Database, tmp_path: Path) -> None:
    for name, slice_rows in (("a", 1), ("b", 1000)):
        Export(store, slice_rows=slice_rows).write(tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_parquet_is_partitioned_by_network_and_day(store: Database, tmp_path: Path) -> None:
    out = tmp_path / "out"
    Export(store, form="parquet", slice_rows=9).write(out)
    for name, count in sizes(store).items():
        paths = sorted((out / name).rglob("*.parquet"))
        assert sum(pl.read_parquet(path, hive_partitioning=False).height for path in paths) == count
    assert (out / "events" / "part-0.parquet").is_file()
    assert (out / "engagement" / "network=built" / "day=2026-02-11" / "part-0.parquet").is_file()
    assert (out / "posts" / "network=built%2Fodd" / "day=2026-02-11" / "part-0.parquet").is_file()
    read = store.query(
        f"select network, day::varchar as day, count(*) as n from read_parquet('{out}/posts/**', "
        "hive_partitioning = true) group by all order by all"
    )
    told = store.query(
        "select network, created_at::date::varchar as day, count(*) as n from posts "
        "group by all order by all"
    )
    assert read.rows() == told.rows()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_manifest_is_true(store: Database, tmp_path: Path, form: str) -> None:
    manifest = Export(store, form=form, version="1.2.3").write(tmp_path)
    assert json.loads((tmp_path / "manifest.json").read_text()) == manifest
    assert manifest["monitor"] == "1.2.3"
    assert list(manifest["tables"]) == [table.name for table in TABLES]
    named = {entry["path"] for entry in files(manifest)}
    there = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert there == named | {"manifest.json"}
    for entry in files(manifest):
        data = (tmp_path / entry["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert len(data) == entry["bytes"]
    for name, table in manifest["tables"].items():
        assert store.query(table["query"]).height == table["rows"], name
        assert sum(entry["rows"] for entry in table["files"]) == table["rows"], name


def test_an_earlier_export_is_replaced_whole(store: Database, tmp_path: Path) -> None:
    Export(store, form="parquet").write(tmp_path)
    Export(store).write(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".json"}


def test_what_is_no_export_is_not_touched(store: Database, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds notes\.txt and is no earlier export"):
        Export(store).write(tmp_path)
    Export(store).write(tmp_path, force=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_failure_leaves_the_earlier_export(store: Database, tmp_path: Path) -> None:
    Export(store).write(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(name: str) -> None:
        if name == "posts":
            raise RuntimeError

    with pytest.raises(RuntimeError):
        Export(store, progress=fail).write(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_texts_that_may_not_be_passed_on_stay_here(store: Database, tmp_path: Path) -> None:
    manifest = Export(store, withheld=["built"]).write(tmp_path)
    with (tmp_path / "posts.csv").open(newline="") as stream:
        shown = {row["post_id"]: row["text"] != "" for row in csv.DictReader(stream)}
    assert not shown["built:5"]
    assert shown["built:1"]  # imported: the user's own
    assert shown["built/odd:6"]
    assert manifest["filters"] == {"texts_withheld_of_networks": ["built"]}
    assert len(shown) == POSTS


def test_a_place_that_can_not_be_written_is_named(store: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match="file"):
            Export(store).write(folder)
