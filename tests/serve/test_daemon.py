"""The daemon as a process: it is stopped, killed, started twice, and loses nothing it told."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pytest

from monitor.api import Monitor
from monitor.config import Config
from monitor.errors import MonitorError, StoreBusy
from monitor.serve.client import Remote
from monitor.session import connect
from monitor.store.database import Database
from monitor.store.lock import DataLock
from monitor.store.quack import Quack
from monitor.store.verify import verify
from tests.collect.server import Asked, Reply, serve
from tests.growing import Growing, source
from tests.world import ACME, OFFLINE, Process, command, configured, filled, post_id

KILLS = int(os.environ.get("SOAK_KILLS", "10"))
FEEDS = 4
DOWN = 2.2  # seconds: longer than the interval, or nothing would have been due
ATTACHED = """
import sys
sys.path.insert(0, sys.argv[2])
from tests.serve.test_guests import client
guest = client()
guest.execute(sys.argv[1])
guest.execute("from m.posts").fetchall()
print("attached", flush=True)
while True:
    guest.execute("select count(*) from m.posts as a, m.posts as b where a.url <> b.url").fetchall()
"""
ENDLESS = "select count(*) from range(1000000000) as a, range(1000000000) as b where a.range <> 3"


class Guest(threading.Thread):
    """Asks without end until the daemon is gone; remembers every post that it was shown."""

    def __init__(self, remote: Remote) -> None:
        super().__init__()
        self.remote = remote
        self.shown: set[str] = set()

    def run(self) -> None:
        with suppress(MonitorError), self.remote:
            while True:
                self.shown |= set(self.remote.query("select post_id from posts")["post_id"])


def opened(config: Config) -> Database:
    return Database.open(config.monitor.data_dir / "monitor.duckdb")


# Killed.


async def test_killed_at_any_moment_it_loses_nothing_that_it_told(tmp_path: Path) -> None:
    async with serve(Growing()) as server:
        toml = OFFLINE + "".join(source(f"f{n}", f"{server.url}/{n}") for n in range(FEEDS))
        config = configured(tmp_path, toml, allow_private_addresses=True)
        shown: set[str] = set()
        for _ in range(KILLS):
            shown |= await asyncio.to_thread(_run_and_kill, config, shown)
        assert shown
        await asyncio.sleep(DOWN)
        await asyncio.to_thread(_run_and_kill, config, shown)
    with opened(config) as database:
        _check(database.query, shown)
        holes = database.query(
            "select epoch(ended_at - started_at) as seconds, filled_at from gaps "
            "where reason = 'not_running' and ended_at is not null order by started_at"
        ).rows()
    assert holes
    seconds, filled_at = holes[-1]
    assert seconds > DOWN
    assert filled_at is not None  # the feed still showed what came meanwhile


def _run_and_kill(config: Config, shown: set[str]) -> set[str]:
    """One life of the daemon: it stands up sound, works, is asked all the time, is killed."""
    with Process(config) as process:
        with process.ready() as remote:
            _check(remote.query, shown)
            _wait_for_polls(remote)
            guest = Guest(process.ready())
            guest.start()
            with _attached(config):
                threading.Event().wait(random.uniform(0, 0.6))
                process.end(signal.SIGKILL)
        guest.join()
    return guest.shown


@contextmanager
def _attached(config: Config) -> Iterator[None]:
    """A DuckDB client that asks over Quack without end."""
    attach = (config.monitor.data_dir / Quack.FILE).read_text().strip()
    guest = subprocess.Popen(
        [sys.executable, "-c", ATTACHED, attach, str(Path(__file__).parents[2])],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert guest.stdout is not None
        assert guest.stdout.readline() == b"attached\n"
        yield
    finally:
        guest.kill()
        guest.wait()


def _check(query, shown: set[str]) -> None:
    assert verify(query) == []
    assert shown <= set(query("select post_id from posts")["post_id"])


def _wait_for_polls(remote: Remote) -> None:
    """Until this life of the daemon has stored something."""
    count = "select count(*) from polls"
    before = remote.query(count).item()
    for _ in range(200):
        if remote.query(count).item() > before:
            return
        threading.Event().wait(0.02)
    raise AssertionError("work did not resume")


# Stopped.


async def test_a_signal_ends_it_within_seconds_whatever_it_does(tmp_path: Path) -> None:
    """A statement runs, a source sends a byte now and then, others are polled."""

    def handler(asked: Asked) -> Reply:
        if asked.path == "/slow":
            return Reply(body=[b"x"] * 1000, chunked=True, pause=0.2)
        return growing(asked)

    growing = Growing()
    async with serve(handler) as server:
        toml = OFFLINE + source("f", f"{server.url}/f") + source("slow", f"{server.url}/slow")
        config = configured(tmp_path, toml, allow_private_addresses=True)
        shown, code = await asyncio.to_thread(_stop_while_busy, config)
    assert code == 0
    data = config.monitor.data_dir
    assert not (data / "monitor.sock").exists()
    with opened(config) as database:
        _check(database.query, shown)
        assert "slow" not in database.query("from polls")["source_id"].to_list()


def _stop_while_busy(config: Config) -> tuple[set[str], int]:
    with Process(config) as process:
        with process.ready() as remote:
            _wait_for_polls(remote)
            shown = set(remote.query("select post_id from posts")["post_id"])
        busy = process.ready()
        asking = threading.Thread(target=_ask, args=(busy, ENDLESS))
        asking.start()
        threading.Event().wait(0.3)  # so that the statement runs
        code = process.end(signal.SIGTERM, seconds=5)
        asking.join()
    return shown, code


def _ask(remote: Remote, sql: str) -> None:
    with suppress(MonitorError), remote:
        remote.query(sql)


# Two that want the same file.


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Config, Process]]:
    """A daemon with three posts and nothing to poll."""
    config = configured(tmp_path_factory.mktemp("busy"), ACME + OFFLINE, serve_sql=False)
    filled(config)
    with Process(config) as process:
        process.ready().close()
        yield config, process


def run(config: Config, *arguments: str, wait: float = 5) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command(config, wait=wait), *arguments], capture_output=True, text=True, check=False,
        timeout=30,
    )  # fmt: skip


def test_a_second_daemon_waits_and_gives_up(busy: tuple[Config, Process]) -> None:
    config, process = busy
    ended = run(config, "run", wait=0.3)
    assert ended.returncode == 75
    last = ended.stderr.strip().splitlines()[-1]
    assert str(config.monitor.data_dir) in last
    assert "in use by another process" in last
    with process.ready() as remote:
        assert remote.query("select count(*) from posts").item() == 3


def test_commands_go_through_the_daemon(busy: tuple[Config, Process]) -> None:
    config, _ = busy
    ended = run(config, "sql", "select count(*) as n from posts", "--format", "csv")
    assert (ended.returncode, ended.stdout.split()) == (0, ["n", "3"])


def test_a_daemon_waits_for_a_command_that_holds_the_file(tmp_path: Path) -> None:
    config = configured(tmp_path, OFFLINE, serve_sql=False)
    config.monitor.data_dir.mkdir()
    lock = DataLock(config.monitor.data_dir).acquire()
    with Process(config) as process:
        threading.Event().wait(0.5)
        lock.close()
        process.ready().close()
        assert process.end() == 0


def test_a_daemon_waits_for_a_stranger_who_reads_the_file(tmp_path: Path) -> None:
    """DuckDB's own command line, say: it knows nothing of our lock."""
    config = configured(tmp_path, OFFLINE, serve_sql=False)
    config.monitor.data_dir.mkdir()
    opened(config).close()
    stranger = duckdb.connect(config.monitor.data_dir / "monitor.duckdb", read_only=True)
    with Process(config) as process:
        threading.Event().wait(1)
        assert process.running
        stranger.close()
        process.ready().close()
        assert process.end(signal.SIGINT) == 0


def test_a_command_waits_for_a_daemon_that_is_starting(tmp_path: Path) -> None:
    config = configured(tmp_path, OFFLINE, serve_sql=False)
    config.monitor.data_dir.mkdir()
    opened(config).close()
    with Process(config) as process:
        with connect(config, wait=20) as session:
            assert session.query("select 1").item() == 1
        process.ready().close()
        assert process.end() == 0


# Without a daemon.


def test_after_a_kill_commands_open_the_file_themselves(tmp_path: Path) -> None:
    config = configured(tmp_path, ACME + OFFLINE, serve_sql=False)
    filled(config)
    with Process(config) as process:
        process.ready().close()
        process.end(signal.SIGKILL)
    assert (config.monitor.data_dir / "monitor.sock").exists()  # stale
    with connect(config) as session:
        assert not session.live
        assert session.query("select count(*) from posts").item() == 3
        assert session.call("exclude", event="acme-a", posts=[post_id("mention")])["changed"] == 1
        excluded = "select count(*) from reactions where excluded_by is not null"
        assert session.query(excluded).item() == 1
        assert session.call("exclude", event="acme-a", posts=[post_id("mention")])["changed"] == 0
    with Process(config) as process:  # which takes the stale socket's place
        with process.ready() as remote:
            assert remote.query(excluded).item() == 1
        assert process.end() == 0


def test_without_a_database_there_is_an_empty_one_to_read(tmp_path: Path) -> None:
    config = configured(tmp_path, OFFLINE)
    with connect(config) as session:
        assert session.query("select count(*) from posts").item() == 0
    assert not config.monitor.data_dir.exists()


def test_a_writing_command_waits_for_readers_and_no_longer(tmp_path: Path) -> None:
    config = configured(tmp_path, ACME + OFFLINE)
    filled(config)
    lock = DataLock(config.monitor.data_dir, shared=True).acquire()
    release = threading.Timer(0.4, lock.close)
    mention = {"event": "acme-a", "posts": [post_id("mention")]}
    with connect(config, wait=0.1) as session, pytest.raises(StoreBusy):
        session.call("exclude", **mention)
    release.start()
    with connect(config, wait=10) as session:
        assert session.call("exclude", **mention)["changed"] == 1
    release.join()


# Where it lives.


def test_a_data_directory_may_have_a_long_name(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 80) / ("é" * 40)
    folder.mkdir(parents=True)
    config = configured(folder, OFFLINE, serve_sql=True)
    assert len(os.fsencode(config.monitor.data_dir)) > 108
    with Process(config) as process:
        with process.ready() as remote:
            assert remote.query("select 1").item() == 1
        assert run(config, "sql", "select 1 as n", "--format", "csv").stdout.split() == ["n", "1"]
        assert process.end() == 0


def test_a_data_directory_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    ended = run(configured(tmp_path, OFFLINE), "run")
    assert ended.returncode == 1
    assert "give --data-dir a folder you can write" in ended.stderr
    assert "Traceback" not in ended.stderr


# Reloaded.


async def test_a_changed_configuration_is_taken_and_no_poll_is_lost(tmp_path: Path) -> None:
    growing = Growing()
    async with serve(growing) as server:
        toml = OFFLINE + source("first", f"{server.url}/1")
        config = configured(tmp_path, toml, allow_private_addresses=True, serve_sql=False)
        await asyncio.to_thread(_reload, config, server.url)
    with opened(config) as database:
        assert database.query("select state from sources where source_id = 'first'").item() == (
            "archived"
        )
        stored = database.query("select count(*) from posts where url like '%/1/%'").item()
        assert verify(database.query) == []
    assert stored == len(growing.items["/1"])


def _reload(config: Config, url: str) -> None:
    assert config.path
    text = config.path.read_text()
    with Process(config) as process, process.ready() as remote:
        _wait_for_polls(remote)

        def changed(new: str, until: str) -> None:
            assert config.path
            config.path.write_text(new)
            process.send(signal.SIGHUP)
            for _ in range(200):
                if until in process.log():
                    return
                threading.Event().wait(0.05)
            raise AssertionError(process.log())

        changed(text + "[[source]]\nid = 1\n", "configuration not taken")
        _wait_for_polls(remote)
        changed(text.replace("first", "second").replace("/1", "/2"), "reloaded")
        _wait_for_polls(remote)
        states = dict(remote.query("select source_id, state from sources").rows())
        assert (states["first"], states["second"]) == ("archived", "active")
        assert process.end() == 0


# Watched.


async def test_a_watched_status_goes_on_and_lets_a_daemon_start(tmp_path: Path) -> None:
    async with serve(Growing()) as server:
        toml = OFFLINE + source("one", f"{server.url}/1")
        config = configured(tmp_path, toml, allow_private_addresses=True, serve_sql=False)
        await asyncio.to_thread(_watch, config)


def _watch(config: Config) -> None:
    words = [*command(config), "status", "--watch", "0.1", "--format", "jsonl"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout
        with Process(config) as process, process.ready() as remote:
            _wait_for_polls(remote)
            for line in watching.stdout:
                if '"polls_24h":0' not in line:
                    break
            watching.send_signal(signal.SIGINT)
            assert watching.wait(5) == 130
            assert process.end() == 0


def test_what_is_imported_is_estimated_soon(tmp_path: Path) -> None:
    """Also while a daemon runs, for those who ask in SQL."""
    config = configured(tmp_path, ACME + OFFLINE, serve_sql=False)
    posts = tmp_path / "posts.csv"
    lines = [
        f"x:{n},x,2026-02-{day:02}T12:{n % 60:02}:00Z,acme-a,mention"
        for n, day in enumerate([*range(1, 13)] * 10)
    ]
    posts.write_text("\n".join(["post_id,network,created_at,event_id,relation", *lines]))
    sql = "select estimate from estimates where event_id = 'acme-a' and value is not null"
    with Process(config) as daemon, daemon.ready() as remote:
        with Monitor(config) as monitor:
            monitor.bring([posts], observed=("2026-01-20", "2026-02-28"))
        end = time.monotonic() + 20
        while (found := remote.query(sql)).is_empty() and time.monotonic() < end:
            time.sleep(0.1)
    assert set(found["estimate"]) == {"abnormal_posts"}
