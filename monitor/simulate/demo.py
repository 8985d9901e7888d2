"""`monitor demo`: the main job, offline, in half a minute.

Real servers (Bluesky, WordPress, Isso, a web page) were recorded twice: two minutes after a
company had announced something, and again when posts had been deleted, edited, approved late and
written in a burst. Stand-ins on loopback play that back; the daemon, a process of its own, collects
from them over HTTP; what is told at the end is read from its database.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from monitor.api import Monitor
from monitor.clock import SystemClock
from monitor.config import load
from monitor.errors import MonitorError, UsageError
from monitor.serve.place import NAME as SOCKET
from monitor.simulate.demo_report import report
from monitor.simulate.replay import Recording, StandIn, serving
from monitor.simulate.replay_bluesky import BlueskyRecording
from monitor.store.lock import DataLock

__all__ = ["EVENT", "run"]

EVENT = "price-change"
SERVERS = {
    "bluesky": BlueskyRecording,
    "wordpress": Recording,
    "isso": Recording,
    "site": Recording,
}
PHASES = ("1", "2")
MARKER = ".monitor-demo"
INTERVAL_SECONDS = 2
QUIET_SECONDS = 0.4
START_SECONDS = 30.0
PHASE_SECONDS = 45.0
STOP_SECONDS = 15.0

CONFIG = """\
# Written by `monitor demo`: the addresses are those of its stand-ins, which are gone by now.
[monitor]
data_dir = {data_dir}
contact = "mailto:demo@example.org"
allow_private_addresses = true       # for the stand-ins on 127.0.0.1

[[company]]
id = "northwind"
name = "Northwind"
accounts = [{account}]
feeds = [{feed}]

[[event]]
id = "{event}"
company = "northwind"
title = "Northwind raises its prices"
announced_at = {announced_at}
window_before = "12h"
window_after = "12h"
announcements = [
  {thread},
  {article},
  {page},
]
{sources}
[network.bluesky]
base_url = {bluesky}
"""
SOURCE = """
[[source]]
network = "{network}"
target = {target}
interval = "{seconds}s"
"""


@dataclass(frozen=True, slots=True)
class _World:
    """What was recorded: the servers by name, and the event that they show."""

    servers: dict[str, StandIn]
    event: dict[str, str]
    ended_at: datetime

    def later(self, now: datetime) -> timedelta:
        """The whole hours by which to move it so that it ends within the last hour."""
        return (now - self.ended_at) // timedelta(hours=1) * timedelta(hours=1)


def run(directory: Path, say: Callable[[str], None] | None = None) -> int:
    """Play the demo; 0, or 1 if a source failed or asked for what was not recorded.

    Args:
        directory: where everything goes. A folder of an earlier demo is cleared first.
        say: hears of the progress, a line at a time. Results go to standard output.

    Raises:
        UsageError: `directory` holds something else.
        MonitorError: this is no checkout of the project, or the daemon did not do its work in time.
    """
    tell = say or (lambda _line: None)
    world = _recorded()
    folder = _cleared(directory)
    later = world.later(SystemClock().now())
    with _sigterm_ends(), serving(*world.servers.values(), later=later):
        config = folder / "monitor.toml"
        config.write_text(_configuration(world, folder / "data", later), "utf8")
        _collect(world, config, tell)
    tell("reading the database")
    with _opened(config) as monitor:
        unanswered = {name: stand_in.unanswered for name, stand_in in world.servers.items()}
        return report(
            monitor, EVENT, config,
            recorded=world.ended_at, moved=later, unanswered=unanswered,
        )  # fmt: skip


def _recorded() -> _World:
    """The recordings of this checkout."""
    folder = _checkout() / "tests" / "recordings" / "demo"
    if not (folder / "event.json").is_file():
        raise MonitorError(
            f"the demo plays back recordings that only the project's checkout holds, and {folder} "
            "does not exist; run `make demo` there"
        )
    recordings = {
        name: [kind(folder / phase / name) for phase in PHASES] for name, kind in SERVERS.items()
    }
    return _World(
        servers={name: StandIn(phases) for name, phases in recordings.items()},
        event=json.loads((folder / "event.json").read_text("utf8")),
        ended_at=max(one.ended_at for phases in recordings.values() for one in phases),
    )


def _checkout() -> Path:
    return Path(__file__).resolve().parents[2]


def _cleared(directory: Path) -> Path:
    """`directory`, empty but for the mark that makes it a demo's own."""
    folder = directory.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = list(folder.iterdir())
        if held and not (folder / MARKER).is_file():
            raise UsageError(
                f"{folder}: is not empty, and no folder of an earlier demo; "
                "name another: monitor demo DIR"
            )
        if (folder / "data").is_dir():
            DataLock(folder / "data").acquire().close()  # nobody works there still
        (folder / MARKER).touch()
        for one in held:
            if one.is_dir() and not one.is_symlink():
                shutil.rmtree(one)
            elif one.name != MARKER:
                one.unlink()
    except OSError as error:
        raise UsageError(
            f"{folder}: {error.strerror}; name a folder that you can write: monitor demo DIR"
        ) from error
    return folder


def _configuration(world: _World, data_dir: Path, later: timedelta) -> str:
    url = {name: stand_in.url for name, stand_in in world.servers.items()}
    event = world.event
    article = url["wordpress"] + event["wordpress"]
    sources = (
        ("bluesky", event["bluesky"]),
        ("bluesky", event["account"]),
        ("wordpress", article),
        ("wordpress", url["wordpress"]),
        ("feed", url["isso"] + event["isso"]),
    )
    return CONFIG.format(
        event=EVENT,
        data_dir=_toml(str(data_dir)),
        account=_toml(f"bluesky:{event['account']}"),
        feed=_toml(url["wordpress"] + "/feed/"),
        announced_at=(datetime.fromisoformat(event["announced_at"]) + later).isoformat(),
        thread=_toml(event["bluesky"]),
        article=_toml(article),
        page=_toml(url["site"] + event["site"]),
        bluesky=_toml(url["bluesky"]),
        sources="".join(
            SOURCE.format(network=network, target=_toml(target), seconds=INTERVAL_SECONDS)
            for network, target in sources
        ),
    )


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _opened(config: Path) -> Monitor:
    """The facade on the demo's own data, whatever the environment says."""
    return Monitor(load(config, env={}))


def _collect(world: _World, config: Path, tell: Callable[[str], None]) -> None:
    """Both phases, through a daemon that lives as long as this."""
    with ExitStack() as stack:
        tell("starting the daemon: monitor run")
        daemon = stack.enter_context(_daemon(config))
        monitor = stack.enter_context(_reached(daemon, config))
        tell("phase 1: what the servers showed after the announcement")
        _wait(daemon, monitor, UNPOLLED, [], "to read every source once")
        tell(_progress(monitor))
        tell("phase 2: a burst, deletions, an edit, a late approval")
        for stand_in in world.servers.values():
            stand_in.turn(1, quiet=QUIET_SECONDS)
        turned = SystemClock().now().astimezone(UTC).replace(tzinfo=None)
        _wait(daemon, monitor, NOT_POLLED_SINCE, [turned], "to read the changed sources")
        tell(_progress(monitor))


UNPOLLED = """
select source_id from sources
where state = 'active' and source_id not in (select source_id from polls)
"""
NOT_POLLED_SINCE = f"""
select source_id from sources
where
    state = 'active' and interval_seconds <= {INTERVAL_SECONDS}
    and source_id not in (select source_id from polls where started_at > ?)
"""
PROGRESS = """
select
    count(*) as posts, count(*) filter (state = 'deleted') as deleted,
    (select count(*) from polls) as polls
from posts
"""


def _progress(monitor: Monitor) -> str:
    posts, deleted, polls = monitor.query(PROGRESS).row(0)
    return f"  {posts} posts after {polls} polls" + (f", {deleted} deleted" if deleted else "")


@dataclass(frozen=True, slots=True)
class _Daemon:
    process: subprocess.Popen[bytes]
    log: Path

    def fail(self, what: str) -> NoReturn:
        """Raise with what the daemon said last."""
        lines = self.log.read_text("utf8", "replace").split("\n") if self.log.exists() else []
        last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
        raise MonitorError(f"{what}; {self.log} ends with: {last[:300]}")

    def check(self) -> None:
        code = self.process.poll()
        if code is not None:
            self.fail(f"the daemon ended with code {code}")


@contextmanager
def _daemon(config: Path) -> Iterator[_Daemon]:
    """`monitor run` as users run it; ended in the same way as Ctrl-C does."""
    log = config.with_name("daemon.log")
    own = {name: value for name, value in os.environ.items() if not name.startswith("MONITOR_")}
    with log.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "monitor", "--config", str(config), "run"],
            cwd=_checkout(), env=own, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        yield _Daemon(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _reached(daemon: _Daemon, config: Path) -> Iterator[Monitor]:
    """The facade, once the daemon answers."""
    end = time.monotonic() + START_SECONDS
    socket = config.parent / "data" / SOCKET
    while time.monotonic() < end:
        daemon.check()
        if socket.exists():
            with _opened(config) as monitor:
                if monitor.session.live:
                    yield monitor
                    return
        time.sleep(0.05)
    daemon.fail(f"the daemon did not answer within {START_SECONDS:g} s")


def _wait(daemon: _Daemon, monitor: Monitor, sql: str, params: list[Any], what: str) -> None:
    """Ask until `sql`, which lists what is still to come, has no rows."""
    end = time.monotonic() + PHASE_SECONDS
    while (left := monitor.query(sql, params)).height:
        daemon.check()
        if time.monotonic() > end:
            names = ", ".join(left["source_id"].to_list()[:5])
            daemon.fail(f"the daemon took more than {PHASE_SECONDS:g} s {what} ({names} are left)")
        time.sleep(0.2)


@contextmanager
def _sigterm_ends() -> Iterator[None]:
    """SIGTERM ends the demo like an exception, so that the daemon ends with it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
