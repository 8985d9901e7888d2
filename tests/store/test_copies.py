"""Backups are whole, and what is brought back from one takes the place of the data at once."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from monitor.api import Monitor
from monitor.config import Config
from monitor.errors import StoreBusy, StoreDamaged, StoreError, UsageError
from monitor.store.database import Database
from monitor.store.lock import DataLock
from tests.collect.server import serve
from tests.growing import Growing, source
from tests.world import OFFLINE, Process, a_poll, a_post, a_store, command, configured, filled

POSTS = "select post_id from posts order by all"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = configured(tmp_path, OFFLINE)
    filled(config)
    return config


@pytest.fixture
def m(config: Config) -> Iterator[Monitor]:
    with Monitor(config, wait=0.1) as m:
        yield m


def posts(path: Path) -> list[tuple[str]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(POSTS).fetchall()


def add_post(config: Config, name: str) -> None:
    path = config.monitor.data_dir / "monitor.duckdb"
    with Database.open(path) as database, a_store(database, config, empty=False) as store:
        store.commit(a_poll([a_post(name)]))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_is_one_database_with_everything(m: Monitor, tmp_path: Path) -> None:
    file = tmp_path / "copy.duckdb"
    copied = m.backup(file)
    assert posts(file) == m.query(POSTS).rows()
    assert (copied.posts, copied.bytes) == (3, file.stat().st_size)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600  # it holds what people wrote
    assert names(m.config.monitor.data_dir / "exchange") == []


def test_a_backup_replaces_an_older_one_and_nothing_else(config: Config, tmp_path: Path) -> None:
    file, letter = tmp_path / "copy.duckdb", tmp_path / "letter.txt"
    letter.write_text("dear all")
    with Monitor(config) as m:
        m.backup(file)
    add_post(config, "later")
    with Monitor(config) as m:
        assert m.backup(file).posts == 4
        with pytest.raises(UsageError, match="no backup"):
            m.backup(letter)
        with pytest.raises(UsageError, match="database itself"):
            m.backup(config.monitor.data_dir / "monitor.duckdb")
    assert letter.read_text() == "dear all"


def test_without_a_database_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    m = Monitor(configured(tmp_path, OFFLINE))
    with m, pytest.raises(StoreError, match="no database yet"):
        m.backup(tmp_path / "copy.duckdb")
    assert not (tmp_path / "copy.duckdb").exists()


def test_restoring_brings_back_what_was_and_keeps_what_is(config: Config, tmp_path: Path) -> None:
    file = tmp_path / "copy.duckdb"
    with Monitor(config) as m:
        m.backup(file)
    add_post(config, "later")
    with Monitor(config) as m:
        done = m.restore(file)
        assert done.kept is not None
        assert m.query(POSTS).rows() == posts(file)
        assert m.verify() == []
    assert len(posts(done.kept)) == 4
    with Monitor(config) as m:
        assert m.restore(done.kept).posts == 4  # and forth again


def test_what_is_no_backup_changes_nothing(m: Monitor, tmp_path: Path) -> None:
    before = (m.config.monitor.data_dir / "monitor.duckdb").read_bytes()
    text, strange, cut = tmp_path / "text", tmp_path / "strange", tmp_path / "cut"
    text.write_text("no database")
    with duckdb.connect(str(strange)) as connection:
        connection.execute("create table mine (n int)")
    cut.write_bytes(before[: len(before) // 2])
    for file in (text, strange, cut):
        with pytest.raises(StoreDamaged, match=str(file)):
            m.restore(file)
    with pytest.raises(UsageError, match="no such file"):
        m.restore(tmp_path / "missing")
    assert (m.config.monitor.data_dir / "monitor.duckdb").read_bytes() == before
    assert names(m.config.monitor.data_dir / "exchange") == []


def test_a_damaged_database_can_be_replaced(config: Config, tmp_path: Path) -> None:
    file, data = tmp_path / "copy.duckdb", config.monitor.data_dir / "monitor.duckdb"
    with Monitor(config) as m:
        m.backup(file)
    data.write_bytes(b"\0" * 40_000)
    (config.monitor.data_dir / "monitor.duckdb.wal").write_bytes(b"\0" * 4000)
    with Monitor(config) as m:
        done = m.restore(file)
        assert m.query(POSTS).height == 3
    assert done.kept is not None
    assert done.kept.stat().st_size == 40_000
    assert Path(f"{done.kept}.wal").exists()  # and not beside the restored one


def test_data_that_is_held_is_not_replaced(m: Monitor, config: Config, tmp_path: Path) -> None:
    m.backup(tmp_path / "copy.duckdb")
    m.close()
    with DataLock(config.monitor.data_dir).acquire(), pytest.raises(StoreBusy):
        Monitor(config, wait=0.1).restore(tmp_path / "copy.duckdb")


# With a daemon that works.


async def test_a_daemon_is_backed_up_while_it_polls(tmp_path: Path) -> None:
    async with serve(Growing()) as server:
        toml = OFFLINE + "".join(source(f"f{n}", f"{server.url}/{n}") for n in range(3))
        config = configured(tmp_path, toml, allow_private_addresses=True, serve_sql=False)
        await asyncio.to_thread(_back_up, config, tmp_path)


def _back_up(config: Config, folder: Path) -> None:
    with Process(config) as process, process.ready() as remote:
        seen: set[str] = set()
        for n in range(4):
            file = folder / f"copy{n}.duckdb"
            seen |= set(remote.query("select post_id from posts")["post_id"])
            done = run(config, "backup", str(file))
            assert done.returncode == 0, done.stderr
            with Database.open(file) as copy:
                held = {row[0] for row in copy.query("select post_id from posts").rows()}
            assert seen <= held  # all that was known when it was asked for
        with pytest.raises(duckdb.IOException, match="lock"):  # strangers are kept out still
            duckdb.connect(str(config.monitor.data_dir / "monitor.duckdb"))
        refused = run(config, "restore", str(folder / "copy0.duckdb"))
        assert (refused.returncode, "a daemon works" in refused.stderr) == (75, True)
        seen = set(remote.query("select post_id from posts")["post_id"])
        process.end(signal.SIGTERM)
    restored = run(config, "restore", str(folder / "copy0.duckdb"))
    assert restored.returncode == 0, restored.stderr
    assert len(posts(config.monitor.data_dir / "monitor.duckdb")) < len(seen)


def run(config: Config, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command(config), *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
