"""DuckDB clients over Quack: they read, on loopback, with the token, and do nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from stat import S_IMODE

import duckdb
import pytest

from monitor.config import Config
from monitor.store.quack import Quack
from tests.world import ACME, ANNOUNCED, OFFLINE, Process, configured, filled


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    made = configured(tmp_path_factory.mktemp("guests"), ACME + OFFLINE, serve_sql=True)
    filled(made)
    return made


@pytest.fixture(scope="module")
def process(config: Config) -> Iterator[Process]:
    with Process(config) as made:
        made.ready().close()
        yield made


@pytest.fixture(scope="module")
def attach(config: Config, process: Process) -> str:
    return (config.monitor.data_dir / Quack.FILE).read_text().strip()


def client() -> duckdb.DuckDBPyConnection:
    """A DuckDB as others use it, with the extension that fits its version."""
    made = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    for name in ("httpfs", "quack"):
        folder = Path(import_module(f"duckdb_extension_{name}").__path__[0])
        made.execute(f"load '{next(folder.rglob('*.duckdb_extension'))}'")
    return made


@pytest.fixture(scope="module")
def guest(attach: str) -> Iterator[duckdb.DuckDBPyConnection]:
    with client() as made:
        made.execute(attach)
        yield made


def test_guests_give_way_to_the_writer(process: Process, guest: duckdb.DuckDBPyConnection) -> None:
    guest.execute("from m.posts").fetchall()
    tasks = Path(f"/proc/{process.pid}/task")
    stats = {
        task.name: (task / "stat").read_text().rpartition(")")[2].split()
        for task in tasks.iterdir()
    }
    nice = {name: int(fields[16]) for name, fields in stats.items()}
    own = os.nice(0)  # which it has inherited
    assert nice[str(process.pid)] == own
    assert sum(value > own for value in nice.values()) >= 2  # who serves, and DuckDB's workers


@pytest.fixture
def port(attach: str) -> str:
    found = re.search(r"localhost:(\d+)", attach)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("select count(*) from m.posts", [(3,)]),
        ("select post_id from m.reactions where relation = 'announcement'", [(ANNOUNCED,)]),
        ("select event_id from m.event_summaries", [("acme-a",)]),
        ("select count(*) > 300 from m.event_series_1h", [(True,)]),
        ("select count(*) > 0 from m.open_gaps", [(False,)]),
        ("select a.n from (select 1 as n) as a join m.posts on true limit 1", [(1,)]),
    ],
)
def test_tables_and_views_answer_by_name(
    guest: duckdb.DuckDBPyConnection, sql: str, answer: list[object]
) -> None:
    assert guest.execute(sql).fetchall() == answer


def test_a_type_is_described(guest: duckdb.DuckDBPyConnection) -> None:
    described = guest.execute("describe m.posts").fetchall()
    assert ("created_at", "TIMESTAMP") in [row[:2] for row in described]


READING = [
    "from posts",
    "select 1",
    "show tables",
    "describe posts",
    "summarize posts",
    "values (1)",
    "with a as (from posts) select count(*) from a",
    "select 'quack_stop(1)', '\"function_name\":\"quack_stop\"'",
    "from reaction_series('acme-a', interval 1 hour)",
    "from event_summary('acme-a')",
    "from coverage('acme-a', null)",
    f"from reply_tree('{ANNOUNCED}')",
    "from information_schema.tables",
]


@pytest.mark.parametrize("sql", READING)
def test_statements_that_read_run(guest: duckdb.DuckDBPyConnection, sql: str) -> None:
    guest.execute("from m.query(?)", [sql]).fetchall()
    assert guest.description  # it answered with a table, empty or not


WRITING = [
    "delete from base.posts",
    "insert into base.links values (1, 2)",
    "update base.posts set text = null",
    "truncate base.posts",
    "select 1; drop table base.posts",
    "with gone as (delete from base.posts returning *) from gone",
    "merge into base.links using (select 1) on false when not matched then insert values (1, 2)",
    "explain analyze delete from base.posts",
    "create table guests (a int)",
    "create macro guests() as 1",
    "drop table base.posts",
    "alter table base.posts drop column text",
    "begin",
    "vacuum",
    "checkpoint",
    "from checkpoint()",
    "from force_checkpoint('monitor')",
    "select nextval('x')",
    "export database '/tmp/never'",
    "copy posts to '/tmp/never.csv'",
    "copy (select 1) to '/tmp/never.csv'",
    "set threads = 1",
    "set global memory_limit = '1MB'",
    "reset threads",
    "pragma threads = 1",
    "call pragma_version()",
    "attach '/tmp/never.duckdb'",
    "detach monitor",
    "use memory",
    "install httpfs",
    "load httpfs",
    "prepare x as delete from base.posts",
]
FILES = [
    "from read_text('/etc/hostname')",
    "from read_csv('/etc/passwd')",
    "from read_blob('{folder}/quack.token')",
    "from read_text('{folder}/lock')",
    "from '/etc/passwd'",
    "from '/etc/passwd.csv'",
    "from glob('/*')",
    "from sniff_csv('/etc/passwd')",
    "from parquet_metadata('/etc/passwd')",
    "from 'https://example.org/a.csv'",
    "select getenv('HOME')",
]
SETTINGS = [
    "from duckdb_settings()",
    "from duckdb_settings",
    "from pg_settings",
    "from pg_catalog.pg_settings",
    "select current_setting('quack_authorization_function')",
    "from duckdb_secrets()",
    "from which_secret('a', 'b')",
    "from duckdb_variables()",
    "select getvariable('x')",
]
STOPPING = [
    "call quack_stop('quack:localhost:{port}')",
    "from quack_stop('quack:localhost:{port}')",
    "from quack_stop ('quack:localhost:{port}')",
    "from quack_stop/**/('quack:localhost:{port}')",
    "from quack_stop -- x\n('quack:localhost:{port}')",
    "from \"quack_stop\"('quack:localhost:{port}')",
    "from Quack_Stop('quack:localhost:{port}')",
    "from system.main.quack_stop('quack:localhost:{port}')",
    "select * from (select 1), lateral (from quack_stop('quack:localhost:{port}'))",
    "with a as (from quack_stop('quack:localhost:{port}')) from a",
    "select 1 where exists (from quack_stop('quack:localhost:{port}'))",
    "from query('from quack_' || 'stop(''quack:localhost:{port}'')')",
    "from query_table('posts')",
    "from json_execute_serialized_sql(json_serialize_sql('from quack_stop(''x'')'))",
    "from quack_serve('quack:localhost:1', token := 'open')",
    "from quack_query('quack:localhost:{port}', 'select 1')",
    "from quack_active_connections()",
    "from enable_logging()",
    "select write_log('x')",
]


@pytest.mark.parametrize("sql", [*WRITING, *FILES, *SETTINGS, *STOPPING])
def test_everything_else_is_refused(
    guest: duckdb.DuckDBPyConnection, config: Config, port: str, sql: str
) -> None:
    tried = sql.format(folder=config.monitor.data_dir, port=port)
    with pytest.raises(duckdb.Error):
        guest.execute("from m.query(?)", [tried]).fetchall()
    assert guest.execute("select count(*) from m.posts").fetchall() == [(3,)]


@pytest.mark.parametrize(
    "sql",
    ["delete from m.posts", "insert into m.base.links values (1, 2)", "drop table m.base.posts",
     "create table m.guests (a int)", "update m.events set title = 'x'"],
)  # fmt: skip
def test_nothing_is_written_by_name(guest: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(duckdb.Error):
        guest.execute(sql)
    assert guest.execute("select count(*) from m.posts").fetchall() == [(3,)]


@pytest.mark.parametrize("token", ["wrong", "", None])
def test_without_the_token_nobody_comes_in(port: str, token: str | None) -> None:
    given = "" if token is None else f"(TOKEN '{token}')"
    attach = f"attach 'quack:localhost:{port}' as m {given}; from m.posts"
    with client() as stranger, pytest.raises(duckdb.Error):
        stranger.execute(attach)


def test_the_token_is_its_owners(config: Config, process: Process) -> None:
    file = config.monitor.data_dir / Quack.FILE
    assert S_IMODE(file.stat().st_mode) == 0o600


def test_no_token_is_logged(process: Process, attach: str) -> None:
    found = re.search(r"TOKEN '([^']+)'", attach)
    assert found
    assert len(found[1]) >= 32
    assert found[1] not in process.log()


def test_guests_come_and_go(tmp_path: Path) -> None:
    """Each run has a token of its own; what a killed one left is replaced, a stop removes it."""
    config = configured(tmp_path, OFFLINE, serve_sql=True)
    file = config.monitor.data_dir / Quack.FILE
    with Process(config) as killed:
        killed.ready().close()
        first = file.read_text()
        killed.end(9)
    file.chmod(0o644)
    with Process(config) as process:
        process.ready().close()
        assert file.read_text() != first
        assert S_IMODE(file.stat().st_mode) == 0o600
        assert process.end() == 0
    assert not file.exists()


def test_without_serve_sql_nobody_is_let_in(tmp_path: Path) -> None:
    config = configured(tmp_path, OFFLINE, serve_sql=False)
    with Process(config) as process:
        process.ready().close()
        assert not (config.monitor.data_dir / Quack.FILE).exists()
        assert process.end() == 0
