"""What is watched: companies, actors, events and their announcements, sources.

The configuration is upserted at start and reload. What is taken out of it becomes `archived` and
keeps its data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.config import Config, Event
from monitor.identity import canonical_url, link_id, recognise
from monitor.store.database import Cursor
from monitor.store.ids import Ids
from monitor.types import Source, SourceKind

__all__ = ["load_sources", "save_catalogue", "save_sources", "source_of", "url_hash"]


def url_hash(url: str) -> int | None:
    """64 bits of the canonical form of `url`, signed; None if it is no http(s) address."""
    canonical = canonical_url(url)
    if canonical is None:
        return None
    return int.from_bytes(hashlib.sha256(canonical.encode()).digest()[:8], "big", signed=True)


def save_catalogue(
    cursor: Cursor, ids: Ids, config: Config, given: Container[str], now: datetime
) -> tuple[list[str], list[str]]:
    """Write what the configuration names; the ids of events and companies whose rules changed.

    Args:
        given: the ids of events that stand in the file; the others were put beside it.
    """
    before = _company_rules(cursor)
    _save_companies(cursor, config, now)
    _save_actors(cursor, config, now)
    after = _company_rules(cursor)
    companies = [c.id for c in config.companies if before.get(c.id) != after[c.id]]
    changed = _save_events(cursor, config, given, now)
    for event in config.events:
        if _save_announcements(cursor, ids, event, now):
            changed.append(event.id)
    return list(dict.fromkeys(changed)), companies


def _company_rules(cursor: Cursor) -> dict[str, tuple[object, ...]]:
    """What decides which posts belong to each company's stream."""
    rows = cursor.execute(
        "select c.company_id, c.name, c.aliases, c.exclude, c.state, "
        "list_sort(list(a.account) filter (a.account is not null)) "
        "from companies as c left join base.accounts as a using (company_id) group by all"
    )
    return {row[0]: row[1:] for row in rows}


def _save_companies(cursor: Cursor, config: Config, now: datetime) -> None:
    cursor.execute(
        "delete from companies where company_id = any(?)", [[c.id for c in config.companies]]
    )
    cursor.execute("update companies set state = 'archived'")
    cursor.insert(
        "companies",
        {
            "company_id": "VARCHAR", "name": "VARCHAR", "aliases": "VARCHAR[]",
            "exclude": "VARCHAR[]", "state": "VARCHAR", "recorded_at": "TIMESTAMP",
        },
        [(c.id, c.name, list(c.aliases), list(c.exclude), "active", now) for c in config.companies],
    )  # fmt: skip


def account_key(account: str) -> str:
    """`network:@Handle` in the form in which authors are compared: lower case, no `@` in front.

    A stable id (a DID, a number) compares as it is. Posts of Mastodon bear the prefix `ap`.

    >>> account_key("mastodon:@Name@social.example")
    'ap:name@social.example'
    """
    network, _, name = account.partition(":")
    network = "ap" if network == "mastodon" else network
    return (
        f"{network}:{name}" if name.startswith("did:") else f"{network}:{name.lstrip('@').lower()}"
    )


def _save_actors(cursor: Cursor, config: Config, now: datetime) -> None:
    for table in ("actors", "actor_roles", "base.accounts"):
        cursor.execute(f"delete from {table}")
    cursor.insert(
        "actors",
        {"actor_id": "VARCHAR", "name": "VARCHAR", "state": "VARCHAR", "recorded_at": "TIMESTAMP"},
        [(a.id, a.name, "active", now) for a in config.actors],
    )
    cursor.insert(
        "actor_roles",
        {"actor_id": "VARCHAR", "company_id": "VARCHAR", "role": "VARCHAR"},
        [(a.id, company, str(role)) for a in config.actors for company, role in a.roles.items()],
    )
    cursor.insert(
        "base.accounts",
        {"account": "VARCHAR", "company_id": "VARCHAR", "actor_id": "VARCHAR"},
        [(account_key(x), c.id, None) for c in config.companies for x in c.accounts]
        + [(account_key(x), None, a.id) for a in config.actors for x in a.accounts],
    )


_EVENT = {
    "event_id": "VARCHAR", "company_id": "VARCHAR", "kind": "VARCHAR", "title": "VARCHAR",
    "announced_at": "TIMESTAMP", "window_before": "INTERVAL", "window_after": "INTERVAL",
    "baseline_guard": "INTERVAL", "amount": "DOUBLE", "valuation": "DOUBLE",
    "currency": "VARCHAR", "origin": "VARCHAR", "state": "VARCHAR", "terms": "VARCHAR[]",
    "languages": "VARCHAR[]",
    "recorded_at": "TIMESTAMP",
}  # fmt: skip


def _save_events(cursor: Cursor, config: Config, given: Container[str], now: datetime) -> list[str]:
    ruled = "event_id, company_id, announced_at, window_before, window_after, terms, state"
    before = {row[0]: row[1:] for row in cursor.execute(f"select {ruled} from events")}
    ids = [event.id for event in config.events]
    spoken = dict(cursor.execute("select event_id, coalesce(languages, []) from events"))
    changed = [e.id for e in config.events if tuple(spoken.get(e.id, ())) != e.languages]
    cursor.execute(  # their posts are looked at again
        "delete from base.scored where post_key in "
        "(select post_key from base.reactions where event_id = any(?))",
        [changed],
    )
    cursor.execute("delete from events where event_id = any(?)", [ids])
    cursor.execute("update events set state = 'archived' where origin in ('config', 'watch')")
    rows = [
        _event_row(event, "config" if event.id in given else "watch", now)
        for event in config.events
    ]
    cursor.insert("events", _EVENT, rows)
    cursor.execute("delete from event_notes where event_id = any(?)", [ids])
    cursor.insert(
        "event_notes",
        {
            "event_id": "VARCHAR",
            "noted_at": "TIMESTAMP",
            "text": "VARCHAR",
            "recorded_at": "TIMESTAMP",
        },
        [(e.id, note.at, note.text, now) for e in config.events for note in e.note],
    )
    after = {row[0]: row[1:] for row in cursor.execute(f"select {ruled} from events")}
    return [event_id for event_id in ids if after[event_id] != before.get(event_id)]


def _event_row(event: Event, origin: str, now: datetime) -> tuple[object, ...]:
    return (
        event.id, event.company, str(event.kind), event.title, event.announced_at,
        event.window_before, event.window_after, event.baseline_guard, event.amount,
        event.valuation, event.currency, origin, "active", list(event.terms),
        list(event.languages), now,
    )  # fmt: skip


def _save_announcements(cursor: Cursor, ids: Ids, event: Event, now: datetime) -> bool:
    """Bring the event's announcements up to date; whether anything changed."""
    before = {
        row[0]
        for row in cursor.execute(
            "select url from base.announcements where event_id = ? and superseded_at is null",
            [event.id],
        )
    }
    gone = before - set(event.announcements)
    for url in gone:
        cursor.execute(
            "update base.announcements set superseded_at = ? "
            "where event_id = ? and url = ? and superseded_at is null",
            [now, event.id, url],
        )
    added = [url for url in event.announcements if url not in before]
    rows = []
    for url in added:
        post_id = announced_id(url)
        if post_id is not None:
            ids.resolve(cursor, [post_id])
        key = None if post_id is None else ids.key(post_id)
        name = None if key is None else ids.name(key)
        rows.append((event.id, url, name.partition(":")[0] if name else None, key, name, now))
    cursor.insert(
        "base.announcements",
        {
            "event_id": "VARCHAR", "url": "VARCHAR", "network": "VARCHAR", "post_key": "BIGINT",
            "post_id": "VARCHAR", "recorded_at": "TIMESTAMP",
        },
        rows,
    )  # fmt: skip
    return bool(gone or added)


def announced_id(url: str) -> str | None:
    """The id of an announcement as far as its address tells; None where it must be asked for."""
    native = recognise(url)
    if native:
        return native
    if url.partition(":")[0] not in ("http", "https"):
        return url if ":" in url and not url.startswith("at://") else None
    # A handle in the address of a post: only the network knows the stable id.
    return None if "bsky.app/profile/" in url else link_id(url)


_SOURCE = {
    "source_id": "VARCHAR", "network": "VARCHAR", "kind": "VARCHAR", "target": "VARCHAR",
    "origin": "VARCHAR", "state": "VARCHAR", "interval_seconds": "DOUBLE", "next_at": "TIMESTAMP",
    "is_fixed": "BOOLEAN", "queries": "VARCHAR[]", "root_id": "VARCHAR",
    "companies": "VARCHAR[]", "events": "VARCHAR[]", "created_at": "TIMESTAMP",
}  # fmt: skip


def save_sources(
    cursor: Cursor, sources: Iterable[tuple[Source, str, datetime | None, datetime]]
) -> None:
    """Write sources whole: (source, state, next_at, created_at); a known id is replaced."""
    rows = [
        (
            s.source_id, s.network, str(s.kind), s.target, s.origin, state,
            s.interval.total_seconds(), next_at, s.is_fixed, list(s.queries), s.root_id,
            sorted(s.companies), sorted(s.events), created_at,
        )
        for s, state, next_at, created_at in sources
    ]  # fmt: skip
    cursor.lookup(
        "delete from base.sources where source_id in (select source_id from {given})",
        {"source_id": "VARCHAR"},
        [(row[0],) for row in rows],
    )
    cursor.insert("base.sources", _SOURCE, rows)


def source_of(row: Mapping[str, Any]) -> Source:
    """The source that a row of `base.sources` describes."""
    return Source(
        source_id=row["source_id"], network=row["network"], kind=SourceKind(row["kind"]),
        target=row["target"], origin=row["origin"],
        interval=timedelta(seconds=row["interval_seconds"]), is_fixed=bool(row["is_fixed"]),
        queries=tuple(row["queries"]), root_id=row["root_id"],
        companies=frozenset(row["companies"]), events=frozenset(row["events"]),
    )  # fmt: skip


def load_sources(cursor: Cursor) -> list[tuple[Source, str, datetime | None, datetime]]:
    """All sources as (source, state, next_at, created_at)."""
    found = cursor.execute(f"select {', '.join(_SOURCE)} from base.sources order by source_id")
    rows = [dict(zip(_SOURCE, row, strict=True)) for row in found]
    return [
        (
            source_of(row),
            row["state"],
            row["next_at"].replace(tzinfo=UTC) if row["next_at"] else None,
            row["created_at"].replace(tzinfo=UTC),
        )
        for row in rows
    ]
