"""What goes wrong around a daemon: no room, no right, a damaged file. It says so, loses nothing."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from monitor.config import Config
from monitor.errors import StoreDamaged
from monitor.schedule import daemon
from monitor.serve.client import Remote
from monitor.store.database import Database
from monitor.store.verify import verify
from monitor.store.writer import Writer
from monitor.types import Poll
from tests.collect.server import serve
from tests.growing import Growing, source
from tests.world import ACME, OFFLINE, Process, command, configured, filled, post_id

NAME = "monitor.duckdb"
# Root may write everywhere, unless it gives that up.
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def run(config: Config, *arguments: str, bound: bool = False) -> subprocess.CompletedProcess[str]:
    before = BOUND if bound and os.geteuid() == 0 else []
    if before and shutil.which(before[0]) is None:
        pytest.skip("root can't be bound by permissions here: no setpriv")
    return subprocess.run(
        [*before, *command(config, wait=0.5), *arguments],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def posts(remote: Remote) -> set[str]:
    return set(remote.query("select post_id from posts")["post_id"])


# No room.


@contextmanager
def no_room(process: Process, data_dir: Path) -> Iterator[None]:
    """As on a full disk: the process can make no file longer than its log is now."""
    length = (data_dir / f"{NAME}.wal").stat().st_size
    pid = process.pid
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (length, most))
    try:
        yield
    finally:
        if process.running:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


async def test_a_full_disk_delays_what_was_read_and_loses_nothing(tmp_path: Path) -> None:
    async with serve(Growing()) as server:
        toml = OFFLINE + "".join(source(f"f{n}", f"{server.url}/{n}") for n in range(2))
        config = configured(tmp_path, toml, allow_private_addresses=True, serve_sql=False)
        await asyncio.to_thread(_fill_up, config)


def _fill_up(config: Config) -> None:
    with Process(config) as process, process.ready() as remote:
        until(lambda: len(posts(remote)) > 2)
        with no_room(process, config.monitor.data_dir):
            until(lambda: "commit failed" in process.log())
            known = posts(remote)  # reading goes on
            health = run(config, "healthcheck")
            assert (health.returncode, "can't be stored" in health.stdout) == (1, True)
        until(lambda: len(posts(remote)) > len(known) + 2)
        assert known <= posts(remote)
        until(lambda: run(config, "healthcheck").returncode == 0)
        assert process.end(signal.SIGTERM) == 0
    with Database.open(config.monitor.data_dir / NAME) as database:
        assert verify(database.query) == []
        assert database.query("select * from gaps").height == 0  # the polls came late, all of them


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_is_full_is_told_by_its_name(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        config = configured(tmp_path, OFFLINE, data_dir=str(disk / "data"))
        file = tmp_path / "posts.csv"
        rows = "".join(
            f"x:{n},x,2026-02-12T19:00:00Z,{n} {os.urandom(300).hex()}\n" for n in range(20_000)
        )
        file.write_text("post_id,network,created_at,text\n" + rows)
        failed = run(config, "import", str(file))
        assert failed.returncode == 1
        assert "the disk is full" in failed.stderr
        assert run(config, "check", "--store").returncode == 0
        with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(b"x" * 4096)
        copied = run(config, "backup", str(tmp_path / "copy.duckdb"))
        assert (copied.returncode, "No space left" in copied.stderr) == (1, True)
        assert not (tmp_path / "copy.duckdb").exists()
        assert list((disk / "data" / "exchange").iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


async def test_ended_while_the_disk_is_full_it_keeps_what_was_stored(tmp_path: Path) -> None:
    async with serve(Growing()) as server:
        config = configured(
            tmp_path, OFFLINE + source("f", f"{server.url}/f"),
            allow_private_addresses=True, serve_sql=False,
        )  # fmt: skip
        await asyncio.to_thread(_end_when_full, config)


def _end_when_full(config: Config) -> None:
    with Process(config) as process, process.ready() as remote:
        until(lambda: len(posts(remote)) > 2)
        with no_room(process, config.monitor.data_dir):
            until(lambda: "commit failed" in process.log())
            known = posts(remote)
            assert process.end(signal.SIGTERM, seconds=15) == 0
    with Process(config) as process, process.ready() as remote:
        until(lambda: len(posts(remote)) > len(known))  # the feed still showed what was lost
        assert known <= posts(remote)
        assert verify(remote.query) == []


# No right.


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Config]:
    """A database in a folder that may not be written."""
    config = configured(tmp_path, ACME + OFFLINE)
    filled(config)
    data_dir = config.monitor.data_dir
    for path in (*data_dir.iterdir(), data_dir):
        path.chmod(0o500 if path.is_dir() else 0o400)
    yield config
    data_dir.chmod(0o700)


@pytest.mark.parametrize(
    "what", [["run"], ["run", "--once"], ["exclude", "acme-a", post_id("reply")]]
)
def test_what_writes_says_that_it_may_not(locked: Config, what: list[str]) -> None:
    before = (locked.monitor.data_dir / NAME).read_bytes()
    done = run(locked, *what, bound=True)
    assert done.returncode == 1
    assert "Permission denied; give --data-dir a folder you can write" in done.stderr
    assert (locked.monitor.data_dir / NAME).read_bytes() == before


def test_what_reads_goes_on(locked: Config) -> None:
    done = run(locked, "sql", "select count(*) from posts", bound=True)
    assert (done.returncode, done.stdout.split()) == (0, ["count_star()", "3"]), done.stderr


# Damage.


@pytest.mark.parametrize("damage", ["emptied", "cut", "overwritten", "another format"])
def test_a_damaged_file_is_told_and_left_alone(tmp_path: Path, damage: str) -> None:
    config = configured(tmp_path, OFFLINE)
    filled(config)
    file = config.monitor.data_dir / NAME
    whole = file.read_bytes()
    broken = {
        "emptied": b"",
        "cut": whole[: len(whole) // 2],
        "overwritten": whole[:8192] + os.urandom(len(whole) - 8192),
        "another format": b"SQLite format 3\0" + whole[16:],
    }[damage]
    file.write_bytes(broken)
    for what in (["run"], ["sql", "from posts"], ["check", "--store"], ["run", "--once"]):
        done = run(config, *what)
        assert done.returncode == 1, done.stderr
        assert str(file) in done.stderr
        assert "restore a backup" in done.stderr
        assert "Traceback" not in done.stderr
    assert file.read_bytes() == broken


async def test_a_daemon_whose_database_fails_ends_so_that_it_can_be_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit(_writer: Writer, _polls: list[Poll]) -> list[int]:
        raise StoreDamaged("the database can't go on")

    monkeypatch.setattr(Writer, "commit", commit)
    async with serve(Growing()) as server:
        config = configured(
            tmp_path, OFFLINE + source("f", f"{server.url}/f"),
            allow_private_addresses=True, serve_sql=False,
        )  # fmt: skip
        with pytest.raises(StoreDamaged):
            await asyncio.wait_for(daemon.run(config), 20)
        report = await asyncio.wait_for(daemon.run_once(config), 20)
        assert (report.exit_code, report.failed) == (1, {"f": "the database can't go on"})
