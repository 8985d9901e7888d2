"""A small world to put into the store by hand, table by table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from monitor.store.database import Database

T0 = datetime(2026, 2, 12, 18, tzinfo=UTC)
_KINDS = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR", datetime: "TIMESTAMP",
          timedelta: "INTERVAL", list: "VARCHAR[]"}  # fmt: skip
_TABLES = (
    "events", "companies", "actors", "actor_roles", "base.accounts", "base.announcements",
    "base.sources", "base.polls", "base.ids", "base.posts", "base.versions", "base.sightings",
    "base.engagement", "base.engagement_last", "base.claims", "base.gaps", "base.mentions",
    "base.reactions", "base.exclusions", "base.sentiment",
)  # fmt: skip


def hour(n: float) -> datetime:
    """`n` hours after the announcement."""
    return T0 + timedelta(hours=n)


class World:
    """Rows to be stored, and the store that answers about them. Moments are hours after T0."""

    T0 = T0
    hour = staticmethod(hour)

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: list[tuple[str, dict[str, Any]]] = []
        self._keys: dict[str, int] = {}
        cursor = database.cursor()
        for table in _TABLES:
            cursor.execute(f"delete from {table}")
        cursor.close()

    def add(self, table: str, **values: Any) -> None:
        """A row of any table."""
        self._rows.append((table, {k: v for k, v in values.items() if v is not None}))

    def key(self, post_id: str) -> int:
        return self._keys.setdefault(post_id, len(self._keys) + 1)

    def event(self, name: str, *, company: str = "acme", at: float = 0, before: float = 4,
              after: float = 8) -> None:  # fmt: skip
        self.add("events", event_id=name, company_id=company, kind="funding", title=name,
                 announced_at=hour(at), window_before=timedelta(hours=before),
                 window_after=timedelta(hours=after), origin="config", state="active",
                 recorded_at=hour(-99))  # fmt: skip

    def source(self, name: str, *, network: str = "bluesky", event: str = "a",
               state: str = "active", origin: str = "event",
               root: str | None = None) -> None:  # fmt: skip
        self.add("base.sources", source_id=name, network=network, kind="thread", target=name,
                 origin=origin, state=state, companies=["acme"], events=[event],
                 root_id=root, created_at=hour(-99))  # fmt: skip

    def poll(self, source: str, start: float, end: float, *, outcome: str = "ok",
             recorded: float | None = None) -> None:  # fmt: skip
        """A poll at `end` that observed since `start`."""
        self.add("base.polls", poll_id=len(self._rows), source_id=source, started_at=hour(end),
                 finished_at=hour(end), outcome=outcome, observed_from=hour(start),
                 recorded_at=hour(end if recorded is None else recorded))  # fmt: skip

    def post(self, name: str, at: float, relation: str | None = "reply", *, event: str = "a",
             source: str = "s", network: str = "bluesky", author: str | None = "ann",
             to: str | None = None, quotes: str | None = None, seen: float | None = None,
             known: float | None = None, recorded: float | None = None,
             deleted: float | None = None, **more: Any) -> None:  # fmt: skip
        """A post; `seen` and `recorded` are when we saw and committed it, else at once."""
        seen = at if seen is None else seen
        recorded = seen if recorded is None else recorded
        key = self.key(name)
        self.add("base.ids", post_id=name, post_key=key, is_alias=False)
        self.add("base.posts", **{
            "post_key": key, "post_id": name, "network": network, "source_id": source,
            "author_id": f"{network}:{author}" if author else None, "author_handle": author,
            "text": f"text of {name}", "created_at": hour(at), "first_seen_at": hour(seen),
            "state": "live" if deleted is None else "deleted",
            "deleted_at": None if deleted is None else hour(deleted),
            "reply_to_id": to, "reply_to_key": self.key(to) if to else None,
            "quoted_id": quotes, "quoted_key": self.key(quotes) if quotes else None,
            "version": 1, "recorded_at": hour(recorded), **more,
        })  # fmt: skip
        self.add("base.versions", post_key=key, version=1, text=f"text of {name}", state="live",
                 recorded_at=hour(recorded if known is None else known))  # fmt: skip
        self.add("base.sightings", post_key=key, source_id=source, first_at=hour(seen),
                 last_at=hour(seen))  # fmt: skip
        if relation:
            self.add("base.reactions", event_id=event, post_key=key, relation=relation, depth=1,
                     recorded_at=hour(recorded))  # fmt: skip

    def mention(self, post: str, company: str = "acme", recorded: float = -9) -> None:
        self.add("base.mentions", company_id=company, post_key=self.key(post),
                 recorded_at=hour(recorded))  # fmt: skip

    def count(self, post: str, at: float, source: str = "s", **counters: int | None) -> None:
        self.add("base.engagement", post_key=self.key(post), source_id=source,
                 observed_at=hour(at), recorded_at=hour(at), **counters)  # fmt: skip

    def claim(self, post: str, claimed: int, scope: str = "direct", at: float = 1) -> None:
        self.add("base.claims", post_key=self.key(post), source_id="s", observed_at=hour(at),
                 claimed=claimed, scope=scope, recorded_at=hour(at))  # fmt: skip

    def hole(self, reason: str, start: float, end: float | None = None, *, source: str = "s",
             post: str | None = None, missing: int | None = None,
             filled: float | None = None, concerns: str | None = None) -> None:  # fmt: skip
        self.add("base.gaps", gap_id=len(self._rows), source_id=source,
                 post_key=self.key(post) if post else None,
                 concerns=concerns or ("tree" if post else "posts"), started_at=hour(start),
                 ended_at=None if end is None else hour(end), reason=reason, missing=missing,
                 filled_at=None if filled is None else hour(filled),
                 recorded_at=hour(start))  # fmt: skip

    def score(self, post: str, score: float, model: str = "m1", at: float = 0) -> None:
        label = "positive" if score > 0 else "negative" if score < 0 else "neutral"
        self.add("base.sentiment", post_key=self.key(post), model=model, score=score, label=label,
                 positive=max(score, 0.0), neutral=1 - abs(score), negative=max(-score, 0.0),
                 scored_at=hour(at), recorded_at=hour(at))  # fmt: skip

    def shuffle(self, seed: int) -> None:
        """Store the rows in another order."""
        Random(seed).shuffle(self._rows)

    def double(self, table: str) -> None:
        """Every row of a table twice."""
        self._rows += [(name, dict(row)) for name, row in self._rows if name == table]

    def rows(self, sql: str, params: object = None) -> list[dict[str, Any]]:
        """The rows of a query, after storing what is pending; times are aware."""
        self._store()
        found = self._database.query(sql, params).to_dicts()
        return [{k: _aware(v) for k, v in row.items()} for row in found]

    def one(self, sql: str) -> dict[str, Any]:
        (row,) = self.rows(sql)
        return row

    def _store(self) -> None:
        cursor = self._database.cursor()
        runs: list[tuple[str, dict[str, str], list[list[Any]]]] = []
        for table, row in self._rows:
            columns = {name: _KINDS[type(value)] for name, value in row.items()}
            if not runs or runs[-1][:2] != (table, columns):
                runs.append((table, columns, []))
            runs[-1][2].append(list(row.values()))
        for table, columns, rows in runs:
            cursor.insert(table, columns, rows)
        self._rows.clear()
        cursor.close()


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


@pytest.fixture(scope="session")
def new_world() -> Iterator[Callable[[], World]]:
    """Makes empty worlds, one at a time."""
    with Database.open(None) as database:
        yield lambda: World(database)


@pytest.fixture
def world(new_world: Callable[[], World]) -> World:
    """An empty world."""
    return new_world()
