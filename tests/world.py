"""Small worlds: a configuration as text, polls as collectors bring them, and the store's answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from monitor.config import Config, load
from monitor.serve.client import Remote
from monitor.store.database import Database
from monitor.store.verify import verify
from monitor.store.writer import Writer
from monitor.types import Harvest, Outcome, Poll, Post, Source, SourceKind

T0 = datetime(2026, 2, 12, 18, tzinfo=UTC)
ANNOUNCEMENT = "https://bsky.app/profile/did:plc:acme/post/1"
ANNOUNCED = "bluesky:at://did:plc:acme/app.bsky.feed.post/1"

ACME = f"""
[[company]]
id = "acme"
name = "Acme"
aliases = ["Acme Robotics"]
exclude = ["Acme Bakery"]
accounts = ["bluesky:acme.example"]

[[event]]
id = "acme-a"
company = "acme"
kind = "funding"
announced_at = 2026-02-12T18:00:00Z
window_before = "7d"
window_after = "7d"
terms = ["funding OR round"]
announcements = ["{ANNOUNCEMENT}"]
"""

_BASE = (
    "select table_schema || '.' || table_name from information_schema.tables "
    "where table_type = 'BASE TABLE' and table_name <> 'schema_version' order by all"
)


def at(hours: float) -> datetime:
    """`hours` after the announcement."""
    return T0 + timedelta(hours=hours)


def configured(folder: Path, toml: str, *, name: str = "monitor.toml", **settings: Any) -> Config:
    """The configuration that `toml` states, with its data below `folder`."""
    values = {"data_dir": str(folder / "data"), "contact": "mailto:test@example.org", **settings}
    lines = [f"{key} = {_toml(value)}" for key, value in values.items()]
    path = folder / name
    path.write_text("[monitor]\n" + "\n".join(lines) + "\n" + toml)
    return load(path, env={})


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'


def a_source(
    source_id: str = "s", network: str = "bluesky", kind: SourceKind = SourceKind.THREAD,
    target: str = ANNOUNCEMENT, *, origin: str = "event", minutes: float = 5, **more: Any,
) -> Source:  # fmt: skip
    """A source of company `acme` and its event."""
    given: dict[str, Any] = {"companies": frozenset({"acme"}), "events": frozenset({"acme-a"})}
    return Source(
        source_id=source_id, network=network, kind=kind, target=target, origin=origin,
        interval=timedelta(minutes=minutes), **given | more,
    )  # fmt: skip


def a_post(name: str, **more: Any) -> Post:
    """A post of Bluesky; `name` alone stands for its id."""
    given: dict[str, Any] = {
        "author_id": "bluesky:did:plc:ann", "author_handle": "ann.example", "text": f"I am {name}",
        "claimed_at": at(1),
    }  # fmt: skip
    return Post(post_id=post_id(name), **given | more)


def post_id(name: str) -> str:
    """`name` if it is an id, else the id of Ann's post of that name."""
    return name if ":" in name else f"bluesky:at://did:plc:ann/app.bsky.feed.post/{name}"


def a_poll(
    posts: Iterable[Post] = (), *, source: Source | None = None, when: datetime | None = None,
    seconds: float = 1, outcome: Outcome | None = None, next_at: datetime | None = None,
    **more: Any,
) -> Poll:  # fmt: skip
    """A poll that began at `when`, or two hours after T0; `more` goes into its harvest."""
    source = source or a_source()
    when = when or at(2)
    harvest = Harvest(posts=list(posts), **more)
    if outcome is None:
        outcome = Outcome.ERROR if harvest.error else Outcome.OK
    return Poll(
        source=source, started_at=when, finished_at=when + timedelta(seconds=seconds),
        outcome=outcome, harvest=harvest, next_at=next_at or when + source.interval,
    )  # fmt: skip


class MovingClock:
    """A clock that stands where it is put."""

    def __init__(self, now: datetime = T0) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment


class Store:
    """A store and its writer, as a run holds them."""

    def __init__(self, database: Database, config: Config, sources: Iterable[Source]) -> None:
        self.database = database
        self.config = config
        self.clock = MovingClock()
        self.sources = list(sources)
        self.writer = self._opened(config)

    def _opened(self, config: Config) -> Writer:
        writer = Writer(self.database, config, self.clock)
        writer.synchronise([(source, None) for source in self.sources])
        return writer

    def restart(self, config: Config | None = None) -> None:
        """As if the process had ended and begun again, with another configuration perhaps."""
        self.config = config or self.config
        self.writer.close()
        self.writer = self._opened(self.config)

    def commit(self, *polls: Poll) -> list[int]:
        """Store polls as one group, as soon as the last of them is done, and what comes after."""
        counts = self.commit_alone(*polls)
        while self.writer.maintain():
            pass
        return counts

    def commit_alone(self, *polls: Poll) -> list[int]:
        """One transaction."""
        ends = [poll.finished_at for poll in polls]
        self.clock.moment = max([self.clock.moment, *ends])
        return self.writer.commit(list(polls))

    def rows(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        """The rows of a query; times are aware."""
        found = self.database.query(sql, list(params)).to_dicts()
        return [{name: _aware(value) for name, value in row.items()} for row in found]

    def one(self, sql: str, *params: Any) -> dict[str, Any]:
        (row,) = self.rows(sql, *params)
        return row

    def column(self, sql: str, *params: Any) -> list[Any]:
        return [next(iter(row.values())) for row in self.rows(sql, *params)]

    def post(self, name: str) -> dict[str, Any]:
        return self.one("from posts where post_id = ?", post_id(name))

    def relations(self, event: str = "acme-a") -> dict[str, str]:
        """Post id → relation, with the last part of the id alone."""
        rows = self.rows("from reactions where event_id = ? order by post_id", event)
        return {row["post_id"].rpartition("/")[2]: row["relation"] for row in rows}

    def content(self) -> dict[str, Any]:
        """What was learned of the world, without the bookkeeping of when and in how many steps."""
        left_out = "first_seen_at, recorded_at, source_id, deleted_at"
        return {
            "posts": self.rows(f"select * exclude ({left_out}) from posts order by post_id"),
            "mentions": self.rows(
                "select company_id, post_id from company_mentions order by company_id, post_id"
            ),
            "reactions": self.rows(
                "select event_id, post_id, relation, depth, actor_id, lag_seconds from reactions "
                "order by event_id, post_id"
            ),
            "announcements": self.rows(
                "select event_id, post_id, url, network from announcements order by all"
            ),
            "links": self.rows(
                "select i.post_id, url_hash from base.links join base.ids as i using (post_key) "
                "where not i.is_alias order by all"
            ),
        }

    def everything(self) -> dict[str, list[Any]]:
        """Every row of every table."""
        tables = self.column(_BASE)
        return {t: sorted(map(repr, self.database.query(f"from {t}").rows())) for t in tables}

    def problems(self) -> list[str]:
        """The promises that are broken; by a trusted cursor, which is faster than queries are."""
        cursor = self.database.cursor()
        try:
            return verify(lambda sql: _Found(cursor.execute(sql)))
        finally:
            cursor.close()


class _Found:
    """As much of a frame as `verify` asks for."""

    def __init__(self, rows: list[Any]) -> None:
        self.height = len(rows)
        self.row = rows.__getitem__


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def emptied(database: Database) -> Database:
    """The same database without a row: opening a new one takes half a second."""
    cursor = database.cursor()
    for (table,) in cursor.execute(_BASE):
        cursor.execute(f"delete from {table}")
    cursor.close()
    return database


@contextmanager
def a_store(
    database: Database, config: Config, *sources: Source, empty: bool = True
) -> Iterator[Store]:
    """A store over `database`, emptied first."""
    store = Store(emptied(database) if empty else database, config, sources or [a_source()])
    try:
        yield store
    finally:
        store.writer.close()


OFFLINE = "".join(
    f"[network.{name}]\nenabled = false\n" for name in ("bluesky", "hackernews", "mastodon")
)


def filled(config: Config) -> None:
    """A database with an announcement, its reply and a mention, where `config` wants it."""
    config.monitor.data_dir.mkdir(mode=0o700, parents=True)
    path = config.monitor.data_dir / "monitor.duckdb"
    with Database.open(path) as database, a_store(database, config) as store:
        store.commit(
            a_poll([
                a_post(ANNOUNCED, text="Acme has a round"),
                a_post("reply", reply_to_id=ANNOUNCED, text="well"),
                a_post("mention", text="Acme funding, say two"),
            ])
        )  # fmt: skip


class Process:
    """`monitor run`, as its users start it."""

    def __init__(self, config: Config, *, wait: float = 5) -> None:
        self.config = config
        self._log = (config.path or Path()).with_suffix(".log")
        with self._log.open("ab") as log:
            self._popen = subprocess.Popen(
                [*command(config, wait=wait), "run"], stderr=log, stdout=log
            )

    def ready(self, seconds: float = 20) -> Remote:
        """A session, once the daemon listens."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._popen.poll() is None:
            remote = Remote.connect(self.config.monitor.data_dir)
            if remote is not None:
                return remote
            time.sleep(0.02)
        raise AssertionError(f"no daemon ({self._popen.poll()}):\n{self.log()}")

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def send(self, number: int) -> None:
        self._popen.send_signal(number)

    def end(self, how: int = signal.SIGTERM, seconds: float = 5) -> int:
        """Its exit code after a signal; raises `TimeoutExpired` if it does not end."""
        if self._popen.poll() is None:
            os.kill(self._popen.pid, how)
        return self.wait(seconds)

    def wait(self, seconds: float) -> int:
        return self._popen.wait(seconds)

    def log(self) -> str:
        return self._log.read_text()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait()


def command(config: Config, *, wait: float = 5) -> list[str]:
    """How the command line begins."""
    return [sys.executable, "-m", "monitor", "--config", str(config.path), "--wait", str(wait)]
