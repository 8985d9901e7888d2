from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from monitor.errors import QueryError, QueryTimeout, StoreBusy, StoreDamaged
from monitor.store.database import Database, _scripts
from monitor.store.lock import DataLock
from monitor.store.verify import verify


@pytest.fixture
def database():
    with Database.open(None) as made:
        yield made


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "from posts;",
        "with a as (select 1) select * from a",
        "describe posts",
        "show tables",
        "summarize select 1 as a",
        "values (1)",
    ],
)
def test_reading_statements_run(database: Database, sql: str) -> None:
    assert isinstance(database.query(sql), pl.DataFrame)


@pytest.mark.parametrize(
    "sql",
    [
        "delete from base.posts",
        "insert into base.links values (1, 2)",
        "select 1; drop table base.posts",
        "create table x (a int)",
        "copy (select 1) to 'x.csv'",
        "attach 'x.duckdb'",
        "install httpfs",
        "set memory_limit = '1GB'",
        "pragma database_list",
        "call pragma_version()",
        "explain analyze delete from base.posts",
        "selekt 1",
        "",
    ],
)
def test_everything_else_is_refused(database: Database, sql: str) -> None:
    with pytest.raises(QueryError):
        database.query(sql)


def test_a_sealed_database_reads_no_files(database: Database) -> None:
    database.seal()
    with pytest.raises(QueryError, match="disabled by configuration"):
        database.query("from read_text('/etc/hostname')")


def test_an_endless_statement_is_stopped(database: Database) -> None:
    with pytest.raises(QueryTimeout, match=r"after 0\.2 s"):
        database.query("select count(*) from range(1000000000) a, range(1000000000) b", timeout=0.2)


def test_every_type_leaves_as_something_that_csv_can_hold(database: Database) -> None:
    frame = database.query(
        "select sum(x) as total, timestamptz '2026-02-12 19:00:00+01' as at, [1, 2] as list, "
        "{'a': 1} as object, interval 2 hour as span, uuid() as id, 10000000000000000000::hugeint "
        "as huge, 1 as twice, 2 as twice from (values (1::bigint), (2)) as v (x)"
    )
    row = frame.row(0, named=True)
    assert row["total"] == 3
    assert frame.schema["total"] == pl.Int64
    assert row["at"] == datetime(2026, 2, 12, 18)  # noqa: DTZ001 - the store's times are naive UTC
    assert (row["list"], row["object"]) == ("[1,2]", '{"a":1}')
    assert int(row["huge"]) == 10**19
    assert (row["twice"], row["twice_1"]) == (1, 2)


def test_aware_times_are_compared_in_utc(database: Database) -> None:
    at = datetime(2026, 2, 12, 18, tzinfo=UTC)
    sql = "select $at::timestamp = timestamp '2026-02-12 18:00:00' as same"
    frame = database.query(sql, {"at": at})
    assert frame["same"].to_list() == [True]


def test_schema_survives_reopening_and_readers_share(tmp_path: Path) -> None:
    path = tmp_path / "monitor.duckdb"
    with Database.open(path) as writer:
        cursor = writer.cursor()
        with cursor.transaction():
            cursor.insert("base.links", {"post_key": "BIGINT", "url_hash": "BIGINT"}, [(1, 2)])
        cursor.close()
    first, second = Database.open_read_only(path), Database.open_read_only(path)
    assert first is not None
    assert second is not None
    assert (
        first.query("from base.links").rows() == second.query("from base.links").rows() == [(1, 2)]
    )
    first.close()
    second.close()


def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    cursor = database.cursor()

    def half_way() -> None:
        with cursor.transaction():
            cursor.execute("insert into base.links values (1, 2)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_way()
    assert database.query("from base.links").height == 0


def test_frames_go_on_after_what_was_rolled_back(database: Database) -> None:
    cursor = database.cursor()
    cursor.execute("create or replace temp table there (a bigint)")

    def insert_and_fail() -> None:
        with cursor.transaction():
            cursor.insert("there", {"a": "BIGINT"}, [(1,)])
            raise ValueError("enough")

    for n in range(3):
        with pytest.raises(ValueError, match="enough"):
            insert_and_fail()
        with cursor.transaction():
            cursor.insert("there", {"a": "BIGINT"}, [(n,), (n + 10,)])
            cursor.insert("there", {"a": "BIGINT"}, [(n + 20,)])
    assert cursor.execute("select count(*), sum(a) from there") == [(9, 99)]
    with cursor.registered(pl.DataFrame({"a": [1, 2]})) as one:
        with cursor.registered(pl.DataFrame({"a": [2, 3]})) as other:  # beside each other
            both = f"select a from {one} join {other} using (a)"
            assert cursor.execute(both) == [(2,)]
        assert cursor.execute(f"select count(*) from {one}") == [(2,)]
    cursor.close()


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "monitor.duckdb"
    path.write_text("not a database" * 1000)
    with pytest.raises(StoreDamaged, match="restore a backup"):
        Database.open(path)


def test_a_newer_schema_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "monitor.duckdb"
    with Database.open(path) as writer:
        writer.cursor().execute("update base.schema_version set version = 999")
    with pytest.raises(StoreDamaged, match="newer monitor"):
        Database.open(path)


def test_one_writer_or_many_readers(tmp_path: Path) -> None:
    with DataLock(tmp_path).acquire(), pytest.raises(StoreBusy, match="in use"):
        DataLock(tmp_path, shared=True).acquire()
    with (
        DataLock(tmp_path, shared=True).acquire(),
        DataLock(tmp_path, shared=True).acquire(),
        pytest.raises(StoreBusy),
    ):
        DataLock(tmp_path).acquire(wait=0.1)
    DataLock(tmp_path).acquire().close()


OLD_POST = """
insert into base.schema_version values ({version}, 'old', now()::timestamp);
insert into base.ids values ('x:1', 1, false);
insert into base.posts by name
    select 1 as post_key, 'x:1' as post_id, 'x' as network, 'live' as state, 'Kept' as text,
        'de' as language, 1 as version, timestamp '2026-02-12' as recorded_at;
insert into base.versions by name
    select 1 as post_key, 'live' as state, 'Kept' as text, 1 as version,
        timestamp '2026-02-12' as recorded_at;
"""


@pytest.mark.parametrize("version", range(1, len(_scripts("migrations"))))
def test_a_database_of_each_earlier_schema_is_brought_up_to_date(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "old.duckdb"
    with duckdb.connect(path) as old:
        for _, script in _scripts("migrations")[:version]:
            old.execute(script)
        old.execute(OLD_POST.format(version=version))
    with Database.open(path) as database:
        row = database.query("select post_id, text, language from posts").row(0)
        assert row == ("x:1", "Kept", "de")
        assert verify(database.query) == []
    assert Database.open_read_only(path) is not None
