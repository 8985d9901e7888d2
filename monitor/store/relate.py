"""Streams and relations of posts, kept as they change: fetch, decide purely, write."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from monitor.config import Config
from monitor.enrich.relations import EventRule, Facts, Related, Rules, relate
from monitor.enrich.stream import Names
from monitor.enrich.terms import any_of, parse
from monitor.store.catalogue import account_key, url_hash
from monitor.store.database import Cursor
from monitor.store.ids import Ids
from monitor.store.posts import Change, PostRow
from monitor.types import IMPORT, Post, Relation

__all__ = ["Relations"]

_KEY = {"post_key": "BIGINT"}
_LINK = {"post_key": "BIGINT", "url_hash": "BIGINT"}
_MENTION = {"company_id": "VARCHAR", "post_key": "BIGINT", "recorded_at": "TIMESTAMP"}
_REACTION = {
    "event_id": "VARCHAR", "post_key": "BIGINT", "relation": "VARCHAR", "depth": "INTEGER",
    "recorded_at": "TIMESTAMP",
}  # fmt: skip
_STATED = {
    "post_key": "BIGINT", "event_id": "VARCHAR", "relation": "VARCHAR", "recorded_at": "TIMESTAMP",
}  # fmt: skip
_Placed = tuple[str, int | None]
"""Relation and depth."""
_CHUNK = 20_000
_ORDER = [str(relation) for relation in Relation]
_BY_WORDS = (Relation.PRESS, Relation.MENTION)
_FACTS = (
    "p.post_key, p.reply_to_key, p.root_key, p.quoted_key, p.created_at, p.title, p.text, "
    "p.is_article, p.source_id, p.network, p.author_id, p.author_handle, "
    "p.state in ('deleted', 'erased')"
)


@dataclass(frozen=True, slots=True)
class _Moments:
    """Since when the first thing that is written about a post is known: `now`, or earlier."""

    now: datetime
    since: Mapping[int, datetime]

    def first(self, key: int) -> datetime:
        return self.since.get(key, self.now)


@dataclass(frozen=True, slots=True)
class _Row:
    """What a post's streams and relations depend on."""

    key: int
    parent: int | None
    root: int | None
    quoted: int | None
    created_at: datetime
    title: str | None
    text: str | None
    is_article: bool
    source_id: str
    network: str
    author_id: str | None
    author_handle: str | None
    is_gone: bool  # its words are gone with it: what they made it belong to stays

    @property
    def words(self) -> str:
        return "\n".join(part for part in (self.title, self.text) if part)

    @property
    def accounts(self) -> set[str]:
        return {
            account_key(account)
            for account in (
                self.author_id or "",
                f"{self.network}:{self.author_handle}" if self.author_handle else "",
            )
            if account
        }


class Relations:
    """The rules of the configuration, applied to posts as they come."""

    def __init__(self, cursor: Cursor, config: Config) -> None:
        self._names = Names(config.companies)
        self._own: dict[str, str] = dict(
            cursor.execute(
                "select account, company_id from base.accounts where company_id is not null"
            )
        )
        self._own_feeds = {
            row[0]
            for row in cursor.execute("select source_id from base.sources where origin = 'company'")
        }
        self._config = config
        self.rules = Rules()
        self.reload(cursor)

    def reload(self, cursor: Cursor) -> None:
        """Read events and announcements anew."""
        terms = {event.id: event.terms for event in self._config.events}
        self.rules = Rules()
        for event_id, company_id, t0, end in cursor.execute(
            "select event_id, company_id, announced_at, announced_at + window_after from events "
            "where state = 'active'"
        ):
            words = terms.get(event_id, ())
            rule = EventRule(
                event_id=event_id, company_id=company_id, announced_at=t0.replace(tzinfo=UTC),
                ends_at=end.replace(tzinfo=UTC),
                matches=any_of([parse(term) for term in words]).matches if words else None,
            )  # fmt: skip
            self.rules.by_company.setdefault(company_id, []).append(rule)
            self.rules.company_of[event_id] = company_id
        for event_id, key, url in cursor.execute(
            "select event_id, post_key, url from base.announcements "
            "join events using (event_id) where superseded_at is null and state = 'active'"
        ):
            if key is not None:
                self.rules.by_announcement.setdefault(key, set()).add(event_id)
            if (hashed := url_hash(url)) is not None:
                self.rules.by_url.setdefault(hashed, set()).add(event_id)
        for event_id, key in cursor.execute(
            "select event_id, post_key from base.stated join events using (event_id) "
            "where relation = 'announcement' and state = 'active'"
        ):
            self.rules.by_announcement.setdefault(key, set()).add(event_id)

    def state(self, cursor: Cursor, posts: Iterable[Post], ids: Ids, now: datetime) -> set[int]:
        """Keep what imports state of posts; the keys of those of which that is new."""
        given = {
            (ids.key(post.post_id), post.imported.event_id): post.imported.relation
            for post in posts
            if post.imported is not None and post.imported.event_id is not None
        }
        stored = _stated(cursor, {key for key, _ in given})
        nothing: dict[str, str | None] = {"": None}
        changed = {
            (key, event): relation
            for (key, event), relation in given.items()
            if stored.get(key, nothing).get(event, "") != relation
        }
        cursor.lookup(
            "delete from base.stated as s using {given} as g "
            "where s.post_key = g.post_key and s.event_id = g.event_id",
            {"post_key": "BIGINT", "event_id": "VARCHAR"},
            list(changed),
        )
        rows = [(*pair, relation and str(relation), now) for pair, relation in changed.items()]
        cursor.insert("base.stated", _STATED, rows)
        if Relation.ANNOUNCEMENT in changed.values():
            self.reload(cursor)
        return {key for key, _ in changed}

    def apply(
        self, cursor: Cursor, found: Iterable[Change], ids: Ids, now: datetime, *,
        also: Iterable[int] = (),
    ) -> None:  # fmt: skip
        """Write links, streams and relations of posts that are new or changed, or `also` touched.

        A change may move what hangs on a post; on an id that nobody had named nothing can hang.
        """
        live = [c for c in found if c.post is not None]
        _write_links(cursor, live)
        keys = {c.row["post_key"] for c in live} | _touched(cursor, ids.retold) | set(also)
        self.refresh(cursor, keys | _descendants(cursor, keys - ids.fresh), now)

    def refresh_events(self, cursor: Cursor, event_ids: list[str], now: datetime) -> None:
        """Decide anew about everything that belongs, or could belong, to these events."""
        if not event_ids:
            return
        tops = cursor.execute(
            "with e as (select * from events where event_id = any($1)), "
            "a as (select * from base.announcements where event_id = any($1)) "
            "select post_key from base.reactions where event_id = any($1) "
            "union select post_key from a where post_key is not null "
            "union select p.post_key from base.posts as p join a on p.quoted_key = a.post_key "
            "union select m.post_key from base.mentions as m join e using (company_id)",
            [event_ids],
        )
        linked = cursor.lookup(
            "select post_key from base.links join {given} using (url_hash)",
            {"url_hash": "BIGINT"},
            [(hashed,) for hashed in self.rules.by_url],
        )
        keys = {row[0] for row in [*tops, *linked]}
        self.refresh(cursor, keys | _descendants(cursor, keys), now)

    def refresh_companies(self, cursor: Cursor, company_ids: list[str], now: datetime) -> None:
        """Decide anew about everything that is, or could be, in the streams of these companies."""
        if not company_ids:
            return
        rows = cursor.execute(
            "select post_key from base.mentions where company_id = any(?)", [company_ids]
        )
        keys = {row[0] for row in rows}
        (end,) = cursor.execute("select coalesce(max(post_key), 0) from base.posts")[0]
        for start in range(0, end + 1, _CHUNK):
            for row in _fetch(cursor, range(start, start + _CHUNK)).values():
                own = {self._own.get(account) for account in row.accounts}
                if not own.isdisjoint(company_ids) or not self._names.companies_in(
                    row.words
                ).isdisjoint(company_ids):
                    keys.add(row.key)
        self.refresh(cursor, keys | _descendants(cursor, keys), now)

    def refresh(self, cursor: Cursor, keys: set[int], now: datetime) -> None:
        """Compute streams and relations of these posts and write what changed."""
        if not keys:
            return
        rows = _fetch(cursor, keys)
        tops = _tops(cursor, [row for row in rows.values() if row.parent and not row.root])
        outside = {k for r in rows.values() for k in (r.parent, r.root) if k} | set(tops.values())
        outside -= rows.keys()
        known = {
            key: {event: one for event, one in events.items() if event in self.rules.company_of}
            for key, events in _known(cursor, outside).items()
        }  # an archived event keeps what it has and gains nothing
        owners = self._owners(rows, _fetch(cursor, outside))
        links, stated = _links(cursor, keys), _stated(cursor, keys)
        batch = {
            key: self._facts(
                row,
                owners.get(row.root or tops.get(key, key), frozenset()),
                links.get(key, set()),
                stated.get(key, {}),
            )
            for key, row in rows.items()
        }
        related = relate(batch, known, self.rules)
        streams = {
            key: batch[key].companies | {self.rules.company_of[event] for event in related[key]}
            for key in batch
        }
        gone = {key for key, row in rows.items() if row.is_gone}
        # What was imported was known when it was said; what changes later is known from now on.
        since = {
            key: min(now, row.created_at) for key, row in rows.items() if row.source_id == IMPORT
        }
        watched = {c.id for c in self._config.companies}
        _write_mentions(cursor, streams, watched, gone, _Moments(now, since))
        _write_reactions(cursor, related, self.rules.company_of.keys(), gone, _Moments(now, since))

    def _owners(
        self, rows: Mapping[int, _Row], roots: Mapping[int, _Row]
    ) -> dict[int, frozenset[str]]:
        """Whose account started the thread that begins with a post."""
        owners = {}
        for key, row in [*rows.items(), *roots.items()]:
            if row.parent is None:
                own = {self._own[account] for account in row.accounts if account in self._own}
                owners[key] = frozenset(own)
        return owners

    def _facts(
        self, row: _Row, owners: frozenset[str], links: set[int], stated: Mapping[str, str | None]
    ) -> Facts:
        member = {self.rules.company_of[e] for e in stated if e in self.rules.company_of}
        return Facts(
            key=row.key, parent=row.parent, root=row.root, quoted=row.quoted,
            created_at=row.created_at, text=row.words,
            is_press=row.is_article and row.source_id not in self._own_feeds,
            links=frozenset(links),
            companies=self._names.companies_in(row.words) | owners | member,
            stated={
                event: Relation(relation)
                for event, relation in stated.items()
                if relation is not None and event in self.rules.company_of
            },
        )  # fmt: skip


def _fetch(cursor: Cursor, keys: Iterable[int]) -> dict[int, _Row]:
    rows = cursor.lookup(
        f"select {_FACTS} from base.posts as p join {{given}} using (post_key)",
        _KEY,
        [(key,) for key in keys],
    )
    names = [f.name for f in fields(_Row)]
    found = (dict(zip(names, row, strict=True)) for row in rows)
    return {
        row["key"]: _Row(**{**row, "created_at": row["created_at"].replace(tzinfo=UTC)})
        for row in found
    }


def _touched(cursor: Cursor, retold: Iterable[int]) -> set[int]:
    """Posts that turned out to have another name, and those that quote them under any."""
    rows = cursor.lookup(
        "select post_key from {given} union "
        "select p.post_key from base.posts as p join {given} as g on p.quoted_key = g.post_key",
        _KEY,
        [(key,) for key in retold],
    )
    return {row[0] for row in rows}


def _descendants(cursor: Cursor, keys: set[int]) -> set[int]:
    """Everything stored that hangs on these posts, by parent or by root."""
    rows = cursor.lookup(
        "with recursive below as (select post_key from {given} union "
        "select p.post_key from base.posts as p join below as b "
        "on p.reply_to_key = b.post_key or p.root_key = b.post_key) select post_key from below",
        _KEY,
        [(key,) for key in keys],
    )
    return {row[0] for row in rows}


def _tops(cursor: Cursor, rows: Iterable[_Row]) -> dict[int, int]:
    """Where the threads of posts begin whose sources name a parent only, as far as it is stored."""
    found = cursor.lookup(
        "with recursive up as (select post_key as below, parent as post_key from {given} union "
        "select u.below, coalesce(p.root_key, p.reply_to_key) from up as u "
        "join base.posts as p using (post_key) where p.reply_to_key is not null) "
        "select u.below, u.post_key from up as u join base.posts as p using (post_key) "
        "where p.reply_to_key is null",
        {"post_key": "BIGINT", "parent": "BIGINT"},
        [(row.key, row.parent) for row in rows],
    )
    return dict(found)


def _known(cursor: Cursor, keys: Iterable[int]) -> dict[int, dict[str, Related]]:
    found: dict[int, dict[str, Related]] = {}
    for event_id, key, relation, depth in cursor.lookup(
        "select event_id, post_key, relation, depth from base.reactions "
        "join {given} using (post_key) where superseded_at is null",
        _KEY,
        [(key,) for key in keys],
    ):
        found.setdefault(key, {})[event_id] = Related(Relation(relation), depth)
    return found


def _stated(cursor: Cursor, keys: Iterable[int]) -> dict[int, dict[str, str | None]]:
    """What imports state: by post, events with the relation, if one is given."""
    found: dict[int, dict[str, str | None]] = {}
    for event_id, key, relation in cursor.lookup(
        "select event_id, post_key, relation from base.stated join {given} using (post_key)",
        _KEY,
        [(key,) for key in keys],
    ):
        found.setdefault(key, {})[event_id] = relation
    return found


def _links(cursor: Cursor, keys: Iterable[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for key, hashed in cursor.lookup(
        "select post_key, url_hash from base.links join {given} using (post_key)",
        _KEY,
        [(key,) for key in keys],
    ):
        found.setdefault(key, set()).add(hashed)
    return found


def _write_links(cursor: Cursor, found: list[Change]) -> None:
    changed: list[PostRow] = [c.row for c in found if not c.is_new]
    cursor.lookup(
        "delete from base.links where post_key in (select post_key from {given})",
        _KEY,
        [(row["post_key"],) for row in changed],
    )
    pairs = {
        (c.row["post_key"], hashed)
        for c in found if c.post is not None
        for link in c.post.links if (hashed := url_hash(link)) is not None
    }  # fmt: skip
    cursor.insert("base.links", _LINK, sorted(pairs))


def _write_mentions(
    cursor: Cursor, streams: Mapping[int, Iterable[str]], watched: Container[str], gone: set[int],
    at: _Moments,
) -> None:  # fmt: skip
    wanted = {(company, key) for key, companies in streams.items() for company in companies}
    stored = set(
        cursor.lookup(
            "select company_id, post_key from base.mentions join {given} using (post_key) "
            "where superseded_at is null",
            _KEY,
            [(key,) for key in streams],
        )
    )
    ended = {pair for pair in stored - wanted if pair[0] in watched and pair[1] not in gone}
    _supersede(cursor, "base.mentions", "company_id", ended, at.now)
    rows = [(*pair, at.first(pair[1])) for pair in sorted(wanted - stored)]
    cursor.insert("base.mentions", _MENTION, rows)


def _write_reactions(
    cursor: Cursor, related: Mapping[int, Mapping[str, Related]], watched: Container[str],
    gone: set[int], at: _Moments,
) -> None:  # fmt: skip
    wanted = _pairs(related)
    # What an archived event has stays as it is.
    stored = {p: r for p, r in _pairs(_known(cursor, related)).items() if p[0] in watched}
    for pair, before in stored.items():
        # Its place and links are known still; what its words made of it was decided before.
        if (
            pair[1] in gone
            and before[0] in _BY_WORDS
            and not _goes_before(wanted.get(pair), before)
        ):
            wanted[pair] = before
    ended = {pair for pair, value in stored.items() if wanted.get(pair) != value}
    _supersede(cursor, "base.reactions", "event_id", ended, at.now)
    rows = [
        (*p, *v, at.now if p in stored else at.first(p[1]))
        for p, v in sorted(wanted.items()) if stored.get(p) != v
    ]  # fmt: skip
    cursor.insert("base.reactions", _REACTION, rows)


def _pairs(related: Mapping[int, Mapping[str, Related]]) -> dict[tuple[str, int], _Placed]:
    return {
        (event_id, key): (str(r.relation), r.depth)
        for key, events in related.items() for event_id, r in events.items()
    }  # fmt: skip


def _goes_before(one: _Placed | None, other: _Placed) -> bool:
    return one is not None and _ORDER.index(one[0]) < _ORDER.index(other[0])


def _supersede(
    cursor: Cursor, table: str, column: str, pairs: Iterable[tuple[Any, ...]], now: datetime
) -> None:
    cursor.lookup(
        f"update {table} set superseded_at = g.ended from {{given}} as g where "
        f"{table}.{column} = g.{column} and {table}.post_key = g.post_key "
        f"and {table}.superseded_at is null",
        {column: "VARCHAR", "post_key": "BIGINT", "ended": "TIMESTAMP"},
        [(*pair, now) for pair in pairs],
    )
