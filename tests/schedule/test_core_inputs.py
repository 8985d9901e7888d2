"""Answers that are none, through the real door and the real core. All answers are built."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from monitor.config import Config
from monitor.schedule.daemon import RunReport, run_once
from monitor.store.database import Database
from monitor.store.verify import verify
from tests.collect.server import Asked, Reply, serve
from tests.world import configured

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Built</title>
<link>https://built.example/</link><description>built</description>
<item><title>One</title><link>https://built.example/one</link>
<pubDate>Thu, 12 Feb 2026 18:00:00 GMT</pubDate></item></channel></rss>"""
HTML = b"<!doctype html><html><title>Sorry</title><body>We will be back soon.</body></html>"
MEGABYTES = 10
JSON = {"Content-Type": "application/json"}

REPLIES = {
    "html": Reply(body=HTML, headers={"Content-Type": "text/html"}),
    "html-as-json": Reply(body=HTML, headers=JSON),
    "cut": Reply(body=b'{"feed": [', length=5000, cut=True, headers=JSON),
    "half": Reply(body=b'{"feed": [{"post": {', headers=JSON),
    "encoding": Reply(body='{"feed": "é"}'.encode("utf-16") + b"\xff\xfe\xfa", headers=JSON),
    "error-page": Reply(body=b'{"error": "InternalServerError"}', headers=JSON),
    "shape": Reply(body=b'{"feed": {"post": 1}}', headers=JSON),
    "number": Reply(body=b"42", headers=JSON),
    "deep": Reply(body=b"[" * 100_000, headers=JSON),
    "empty": Reply(body=b"", headers=JSON),
    "nothing": Reply(body=[b" " * 2**20] * MEGABYTES, chunked=True, headers=JSON),
    "denied": Reply(status=401, body=b'{"error": "AuthMissing"}', headers=JSON),
    "gone": Reply(status=404, body=b"not here"),
    "redirects": Reply(status=302, headers={"Location": "ftp://built.example/"}),
}
FITS_NO_FORMAT = {"html", "html-as-json", "half", "encoding", "error-page", "shape", "number",
                  "deep", "empty", "nothing"}  # fmt: skip


def handler(asked: Asked) -> Reply:
    """The case stands in the path, or in the account that is asked for."""
    if asked.path == "/good":
        return Reply(body=RSS, headers={"Content-Type": "application/rss+xml"})
    if asked.path == "/robots.txt":
        return Reply(status=404)
    for name in sorted(REPLIES, key=len, reverse=True):
        places = (f"/{name}/", f"actor={name}.example", f"author_{name}%2C")
        if any(place in asked.path for place in places):
            return REPLIES[name]
    return Reply(status=404)


def throttle(_: Asked) -> Reply:
    return Reply(status=429, headers={"Retry-After": "1800"}, body=b"slow down")


def source(name: str, network: str, target: str) -> str:
    return f'[[source]]\nid = "{name}"\nnetwork = "{network}"\ntarget = "{target}"\n'


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Ended:
    """What one run over all the bad sources left."""

    report: RunReport
    database: Database
    polls: dict[str, dict[str, Any]] = field(default_factory=dict)


async def poll_all(folder: Path) -> tuple[Config, RunReport]:
    async with serve(handler) as bad, serve(throttle) as busy:
        toml = f'[network.bluesky]\nbase_url = "{bad.url}"\n'
        toml += f'[network.hackernews]\nbase_url = "{bad.url}"\n'
        toml += source("good", "feed", f"{bad.url}/good")
        for name in REPLIES:
            toml += source(f"feed-{name}", "feed", f"{bad.url}/{name}/")
            toml += source(f"bluesky-{name}", "bluesky", f"{name}.example")
            toml += source(f"hackernews-{name}", "hackernews", name)
            toml += source(f"wordpress-{name}", "wordpress", f"site:{bad.url}/{name}/")
        toml += source("busy", "feed", f"{busy.url}/rss")
        toml += source("refused", "feed", f"http://127.0.0.1:{free_port()}/rss")
        toml += source("nowhere", "feed", "https://nowhere.invalid/rss")
        config = configured(folder, toml, allow_private_addresses=True, serve_sql=False)
        return config, await run_once(config)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    config, report = asyncio.run(poll_all(tmp_path_factory.mktemp("inputs")))
    with Database.open(config.monitor.data_dir / "monitor.duckdb") as database:
        made = Ended(report, database)
        for row in database.query("from polls").to_dicts():
            made.polls[row["source_id"]] = row
        yield made


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("network", ["feed", "bluesky", "hackernews", "wordpress"])
def test_a_bad_answer_is_an_error_in_one_line_that_says_where(
    ended: Ended, network: str, name: str
) -> None:
    poll = ended.polls[f"{network}-{name}"]
    assert poll["outcome"] == "error"
    assert "127.0.0.1" in poll["error"]
    assert "\n" not in poll["error"]
    assert len(poll["error"]) < 500
    assert "please report" not in poll["error"]
    assert ended.report.failed[f"{network}-{name}"]


@pytest.mark.parametrize("name", sorted(FITS_NO_FORMAT))
@pytest.mark.parametrize("network", ["feed", "bluesky", "hackernews"])
def test_what_fits_no_format_is_kept(ended: Ended, network: str, name: str) -> None:
    sent = REPLIES[name].body
    sent = sent if isinstance(sent, bytes) else b"".join(sent)
    rows = ended.database.query(
        "select payload from base.payloads where source_id = ?", [f"{network}-{name}"]
    )
    kept = rows["payload"].to_list()
    if not sent:
        assert kept == []
    elif (network, name) == ("feed", "nothing"):
        assert "at most" in ended.polls["feed-nothing"]["error"]  # not even looked at
    else:
        assert kept == [sent[:65536]]


@pytest.mark.parametrize(
    ("name", "outcome", "says"),
    [
        ("busy", "throttled", "429"),
        ("refused", "error", "no connection"),
        ("nowhere", "error", "nowhere.invalid"),
    ],
)
def test_no_answer_is_an_error_that_says_why(
    ended: Ended, name: str, outcome: str, says: str
) -> None:
    poll = ended.polls[name]
    assert poll["outcome"] == outcome
    assert says in poll["error"]
    assert "\n" not in poll["error"]


def test_a_host_that_throttles_is_left_alone_as_long_as_it_asks(ended: Ended) -> None:
    rows = ended.database.query(
        "select epoch(s.next_at - p.finished_at) as wait from sources as s "
        "join polls as p using (source_id) where source_id = 'busy'"
    )
    assert rows["wait"].to_list()[0] >= 1800


def test_the_other_sources_go_on_and_nothing_is_lost(ended: Ended) -> None:
    assert ended.polls["good"]["outcome"] == "ok"
    titles = ended.database.query("select title from posts where source_id = 'good'")
    assert titles["title"].to_list() == ["One"]
    assert len(ended.polls) >= 4 * len(REPLIES) + 4
    assert set(ended.report.failed) == {
        name for name, poll in ended.polls.items() if poll["outcome"] != "ok"
    }
    assert verify(ended.database.query) == []


def test_every_source_that_failed_is_an_open_gap(ended: Ended) -> None:
    rows = ended.database.query(
        "select source_id, reason from gaps where ended_at is null and gap_id > 0 "
        "and source_id not in (select source_id from sources where state = 'retired')"
    )
    assert set(ended.report.failed) <= set(rows["source_id"].to_list())
    reasons = dict(rows.rows())
    assert reasons["busy"] == "throttled"
    assert reasons["bluesky-denied"] == "access"
    assert reasons["feed-html"] == "error"
