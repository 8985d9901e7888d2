"""Recorded answers of real servers, played in two phases to a real daemon.

Bluesky, WordPress, Isso and a web page were recorded twice: two minutes after a company had
announced something, and again when posts had been deleted, edited, approved late and written in a
burst. Stand-ins on loopback play that back; the daemon, a process of its own, collects from them
over HTTP.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.config import Config
from monitor.serve.client import Remote
from tests.recorded.replay import Recording, StandIn, serving
from tests.recorded.replay_bluesky import BlueskyRecording
from tests.world import Process, configured

__all__ = ["EVENT", "RECORDED", "Ended", "play"]

RECORDED = Path(__file__).parents[1] / "recordings" / "demo"
EVENT = "price-change"
SERVERS = {
    "bluesky": BlueskyRecording,
    "wordpress": Recording,
    "isso": Recording,
    "site": Recording,
}
PHASES = ("1", "2")
INTERVAL_SECONDS = 2
QUIET_SECONDS = 0.4
START_SECONDS = 30.0
PHASE_SECONDS = 45.0
STOP_SECONDS = 15.0

TOML = """
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

[network.hackernews]
enabled = false

[network.mastodon]
enabled = false
"""
SOURCE = """
[[source]]
network = "{network}"
target = {target}
interval = "{seconds}s"
"""

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


@dataclass(frozen=True, slots=True)
class Ended:
    """What is left of a play: `code` is the daemon's; `unanswered` was asked and not recorded."""

    config: Config
    code: int
    unanswered: Mapping[str, list[str]]


def play(folder: Path) -> Ended:
    """Play both phases to a daemon whose configuration and data go into `folder`."""
    recordings = {
        name: [kind(RECORDED / phase / name) for phase in PHASES] for name, kind in SERVERS.items()
    }
    servers = {name: StandIn(phases) for name, phases in recordings.items()}
    ended_at = max(one.ended_at for phases in recordings.values() for one in phases)
    # Whole hours: each post stays at its minute, and the last of them is less than an hour old.
    later = (datetime.now(UTC) - ended_at) // timedelta(hours=1) * timedelta(hours=1)
    with serving(*servers.values(), later=later):
        config = configured(folder, _toml(servers, later), allow_private_addresses=True)
        with Process(config) as daemon:
            with daemon.ready(START_SECONDS) as remote:
                _collect(daemon, remote, servers)
            code = daemon.end(seconds=STOP_SECONDS)
    return Ended(config, code, {name: one.unanswered for name, one in servers.items()})


def _toml(servers: Mapping[str, StandIn], later: timedelta) -> str:
    event = json.loads((RECORDED / "event.json").read_text("utf8"))
    url = {name: stand_in.url for name, stand_in in servers.items()}
    article = url["wordpress"] + event["wordpress"]
    sources = (
        ("bluesky", event["bluesky"]),
        ("bluesky", event["account"]),
        ("wordpress", article),
        ("wordpress", url["wordpress"]),
        ("feed", url["isso"] + event["isso"]),
    )
    return TOML.format(
        event=EVENT,
        account=_quoted(f"bluesky:{event['account']}"),
        feed=_quoted(url["wordpress"] + "/feed/"),
        announced_at=(datetime.fromisoformat(event["announced_at"]) + later).isoformat(),
        thread=_quoted(event["bluesky"]),
        article=_quoted(article),
        page=_quoted(url["site"] + event["site"]),
        bluesky=_quoted(url["bluesky"]),
        sources="".join(
            SOURCE.format(network=network, target=_quoted(target), seconds=INTERVAL_SECONDS)
            for network, target in sources
        ),
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _collect(daemon: Process, remote: Remote, servers: Mapping[str, StandIn]) -> None:
    """Both phases, in one life of the daemon."""
    _wait(daemon, remote, UNPOLLED)
    for stand_in in servers.values():
        stand_in.turn(1, quiet=QUIET_SECONDS)
    turned = datetime.now(UTC).replace(tzinfo=None)  # as the database has its times
    _wait(daemon, remote, NOT_POLLED_SINCE, turned)


def _wait(daemon: Process, remote: Remote, sql: str, *params: Any) -> None:
    """Ask until `sql`, which lists the sources that are still to be read, has no rows."""
    end = time.monotonic() + PHASE_SECONDS
    while (left := remote.query(sql, list(params))).height:
        if not daemon.running or time.monotonic() > end:
            names = ", ".join(left["source_id"])
            raise AssertionError(f"{names} not read; the daemon's log:\n{daemon.log()}")
        time.sleep(0.2)
