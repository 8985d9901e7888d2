"""A small store in memory, reached as commands reach theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from monitor.cli.app import cli
from monitor.cli.settings import Settings
from monitor.store.database import Database

ROWS = """
insert into companies by name select 'acme' as company_id, 'Acme' as name, 'active' as state;
insert into events by name
    select * from (values
        ('acme-a', 'acme', 'funding', 'Round A', timestamp '2026-02-12 18:00:00'),
        ('acme-b', 'acme', 'launch', 'A launch', timestamp '2026-02-20 09:00:00')
    ) as e(event_id, company_id, kind, title, announced_at),
    (select interval 1 day as window_before, interval 1 day as window_after,
        'config' as origin, 'active' as state, timestamp '2026-02-01' as recorded_at);
insert into base.sources by name
    select * from (values
        ('built:one', 'built', 'active', timestamp '2026-02-13 12:00:00', timestamp '2026-02-11'),
        ('built:two', 'built', 'active', timestamp '2026-02-13 12:05:00', timestamp '2026-02-12')
    ) as s(source_id, network, state, next_at, created_at),
    (select 'thread' as kind, 'https://example.org/1' as target, 'event' as origin,
        60.0 as interval_seconds, ['acme'] as companies, ['acme-a'] as events);
insert into base.polls by name
    select *, started_at::timestamp as finished_at, started_at::timestamp as recorded_at
    from (values
        (1, 'built:one', '2026-02-12 17:00:00', '2026-02-11 00:00:00', 'ok', null),
        (2, 'built:one', '2026-02-13 11:00:00', '2026-02-12 17:00:00', 'ok', null),
        (3, 'built:two', '2026-02-13 11:00:00', null, 'error', 'https://example.org/2: refused')
    ) as p(poll_id, source_id, started_at, observed_from, outcome, error);
insert into base.ids by name
    select 'built:' || n as post_id, n as post_key, false as is_alias from range(5) as r(n);
insert into base.posts by name
    select n as post_key, 'built:' || n as post_id, 'built' as network,
        'https://example.org/post/' || n as url, 'built:author/' || n % 2 as author_id,
        'author' || n % 2 as author_handle, 'Text ' || n as text,
        timestamp '2026-02-12 18:00:00' + n * interval 1 hour as created_at, 'network' as clock,
        timestamp '2026-02-12 18:01:00' + n * interval 1 hour as first_seen_at, 'live' as state,
        'en' as language, 'built:one' as source_id, 1 as version,
        timestamp '2026-02-12 18:01:00' + n * interval 1 hour as recorded_at
    from range(5) as r(n);
insert into base.sightings by name
    select n as post_key, 'built:one' as source_id,
        timestamp '2026-02-12 18:01:00' as first_at, timestamp '2026-02-13 11:00:00' as last_at
    from range(5) as r(n);
insert into base.reactions by name
    select 'acme-a' as event_id, n as post_key,
        case n when 0 then 'announcement' else 'reply' end as relation, 1 as depth,
        timestamp '2026-02-12 18:01:00' as recorded_at
    from range(5) as r(n);
insert into base.engagement by name
    select n as post_key, 'built:one' as source_id, timestamp '2026-02-13 01:00:00' as observed_at,
        n * 10 as likes, timestamp '2026-02-13 01:00:00' as recorded_at
    from range(5) as r(n);
insert into base.gaps by name
    select 1 as gap_id, 'built:two' as source_id, 'posts' as concerns,
        timestamp '2026-02-12 12:00:00' as started_at, 'error' as reason,
        timestamp '2026-02-13 11:00:00' as recorded_at;
"""


class MemorySession:
    """What `monitor.session` gives, over a database in memory; writing is only noted."""

    def __init__(self, database: Database, *, live: bool = False) -> None:
        self.live = live
        self.called: list[tuple[str, dict[str, Any]]] = []
        self._database = database

    def query(self, sql: str, params: Any = None, *, timeout: float | None = None) -> pl.DataFrame:
        return self._database.query(sql, params, timeout=timeout)

    def call(self, command: str, **arguments: Any) -> Any:
        self.called.append((command, arguments))
        return {"changed": len(arguments["posts"])}

    def trouble(self) -> str | None:
        return None

    def score(self, progress: Callable[[int], None]) -> None:
        pass


@pytest.fixture(scope="session")
def nothing() -> Iterator[Database]:
    with Database.open(None) as database:
        yield database


@pytest.fixture(scope="session")
def built() -> Iterator[Database]:
    with Database.open(None) as database:
        cursor = database.cursor()
        for statement in ROWS.strip().split(";\n"):
            cursor.execute(statement.rstrip(";"))
        cursor.close()
        yield database


@pytest.fixture
def empty(nothing: Database) -> MemorySession:
    """An empty store."""
    return MemorySession(nothing)


@pytest.fixture
def session(built: Database) -> MemorySession:
    """A built store: two events, one of them with an announcement and four replies."""
    return MemorySession(built)


@pytest.fixture
def run(session: MemorySession) -> Callable[..., Result]:
    """Run a command on the built store."""

    def invoke(*arguments: str, on: MemorySession = session, **more: Any) -> Result:
        return CliRunner().invoke(cli, list(arguments), obj=Settings(session=on), **more)

    return invoke
