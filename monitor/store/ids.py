"""Keys of posts: every id that was ever named has a 64-bit key, its aliases share it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from monitor.store.database import Cursor
from monitor.types import Post

__all__ = ["Ids"]

_COLUMNS = {"post_id": "VARCHAR", "post_key": "BIGINT", "is_alias": "BOOLEAN"}
_KEYED = {
    # Where keys stand, and so what a merge of two keys has to touch.
    "base.posts": ("reply_to_key", "root_key", "quoted_key"),
    "base.sentiment": ("post_key",),
    "base.stated": ("post_key",),
    "base.citations": ("post_key", "press_post_key"),
    "base.labels": ("post_key",),
    "base.announcements": ("post_key",),
    "base.sightings": ("post_key",),
    "base.engagement": ("post_key",),
    "base.engagement_last": ("post_key",),
    "base.claims": ("post_key",),
    "base.gaps": ("post_key",),
    "base.mentions": ("post_key",),
    "base.reactions": ("post_key",),
    "base.exclusions": ("post_key",),
}
_ONCE = {
    # Of which a post has one row a company, event or source.
    "base.mentions": ("company_id", "and superseded_at is null"),
    "base.reactions": ("event_id", "and superseded_at is null"),
    "base.exclusions": ("event_id", "and superseded_at is null"),
    "base.engagement_last": ("source_id", ""),
}
_CACHE_LIMIT = 50_000


@dataclass(slots=True)
class Ids:
    """Resolves ids for one writer. Call `begin` before every group of polls."""

    next_key: int = 1
    _keys: dict[str, int] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _new: list[tuple[str, int, bool]] = field(default_factory=list)
    renamed: dict[int, str] = field(default_factory=dict)
    fresh: set[int] = field(default_factory=set)  # keys made since `begin`
    retold: set[int] = field(default_factory=set)  # keys renamed or merged into since `begin`

    @classmethod
    def load(cls, cursor: Cursor) -> Ids:
        """The state that the database holds."""
        return cls(
            next_key=cursor.execute("select coalesce(max(post_key), 0) from base.ids")[0][0] + 1
        )

    def begin(self) -> None:
        """Forget what belonged to the transaction before."""
        self._new, self.renamed, self.fresh, self.retold = [], {}, set(), set()
        if len(self._keys) > _CACHE_LIMIT:  # only here: later on, ids not written yet stand there
            latest = islice(self._keys.items(), len(self._keys) - _CACHE_LIMIT // 2, None)
            self._keys = dict(latest)
            self._names = {key: self._names[key] for key in self._keys.values()}

    def key(self, post_id: str) -> int:
        """The key of an id that was resolved before."""
        return self._keys[post_id]

    def name(self, key: int) -> str:
        """The id that a key's post bears now."""
        return self._names[key]

    def resolve(self, cursor: Cursor, post_ids: Iterable[str]) -> None:
        """Give every id a key: the stored one, or a new one."""
        missing = []
        for post_id in dict.fromkeys(post_ids):
            if post_id in self._keys:
                self._keys[post_id] = self._keys.pop(post_id)  # among the latest again
            else:
                missing.append(post_id)
        self._fetch(cursor, missing)
        for post_id in missing:
            if post_id not in self._keys:
                self._add(post_id, self.next_key, is_alias=False)
                self.fresh.add(self.next_key)
                self.next_key += 1

    def known(self, cursor: Cursor, post_ids: Iterable[str]) -> set[str]:
        """Those of these ids whose posts are stored; their keys are known from here on."""
        wanted = list(dict.fromkeys(post_ids))
        self._fetch(cursor, [post_id for post_id in wanted if post_id not in self._keys])
        keys = {self._keys[post_id] for post_id in wanted if post_id in self._keys}
        stored = cursor.lookup(
            "select post_key from base.posts join {given} using (post_key)",
            {"post_key": "BIGINT"},
            [(key,) for key in sorted(keys)],
        )
        there = {key for (key,) in stored}
        return {post_id for post_id in wanted if self._keys.get(post_id) in there}

    def _fetch(self, cursor: Cursor, post_ids: list[str]) -> None:
        rows = cursor.lookup(
            "select post_id, post_key, is_alias from base.ids join {given} using (post_id)",
            {"post_id": "VARCHAR"},
            [(post_id,) for post_id in post_ids],
        )
        for post_id, key, is_alias in rows:
            self._keys[post_id] = key
            if not is_alias:
                self._names[key] = post_id
        unnamed = {key for _, key, _ in rows if key not in self._names}
        self._names |= cursor.lookup(
            "select post_key, post_id from base.ids join {given} using (post_key) "
            "where not is_alias",
            {"post_key": "BIGINT"},
            [(key,) for key in sorted(unnamed)],
        )

    def _add(self, post_id: str, key: int, *, is_alias: bool) -> None:
        self._keys[post_id] = key
        self._new.append((post_id, key, is_alias))
        if not is_alias:
            self._names[key] = post_id

    def claim(self, cursor: Cursor, posts: Iterable[Post]) -> None:
        """Tie the aliases of `posts` to them; their own ids become the names.

        A post that was known by its link only bears its native id from here on.
        """
        named = [post for post in posts if post.aliases]
        ids = dict.fromkeys(i for post in named for i in (post.post_id, *post.aliases))
        self._fetch(cursor, [i for i in ids if i not in self._keys])
        for post in named:
            for alias in post.aliases:
                if alias != post.post_id:
                    self._tie(cursor, post.post_id, alias)

    def _tie(self, cursor: Cursor, post_id: str, alias: str) -> None:
        if _is_feed(post_id) and not _is_feed(alias):
            post_id, alias = alias, post_id
        key, other = self._keys.get(post_id), self._keys.get(alias)
        if key is not None and other is None:
            self._add(alias, key, is_alias=True)
        elif key is None and other is not None:
            self._join(cursor, other, post_id)
        elif key is None:
            self.resolve(cursor, [post_id])
            self._add(alias, self._keys[post_id], is_alias=True)
        elif other is not None and key != other:
            self._merge(cursor, other, key)

    def _join(self, cursor: Cursor, key: int, post_id: str) -> None:
        """A new id of a post that is known by its alias: a native id becomes its name."""
        if _is_feed(post_id):
            self._add(post_id, key, is_alias=True)
        elif _is_feed(self._names[key]):
            self.flush(cursor)
            cursor.execute("update base.ids set is_alias = true where post_key = ?", [key])
            self._add(post_id, key, is_alias=False)
            self.renamed[key] = post_id
            self.retold.add(key)
        else:  # two native ids: two posts, whatever their links say
            self.resolve(cursor, [post_id])

    def _merge(self, cursor: Cursor, old: int, new: int) -> None:
        """Two keys turn out to be one post. Rare: both were named before anyone knew."""
        if not _is_feed(self._names[old]):
            old, new = new, old
        if not _is_feed(self._names[old]):
            return  # two native ids again
        self.flush(cursor)
        _merge_rows(cursor, old, new)
        self.renamed[new] = self._names[new]
        self.retold.add(new)
        self.retold.discard(old)
        self._keys = {i: new if k == old else k for i, k in self._keys.items()}
        self._names.pop(old)

    def flush(self, cursor: Cursor) -> None:
        """Write new ids, and new names into the posts that carry them."""
        cursor.insert("base.ids", _COLUMNS, self._new)
        self._new = []
        for key, name in self.renamed.items():
            network = name.partition(":")[0]
            cursor.execute(
                "update base.posts set post_id = ?, network = ? where post_key = ?",
                [name, network, key],
            )
            cursor.execute(
                "update base.announcements set post_id = ?, network = ? where post_key = ?",
                [name, network, key],
            )
            for kind in ("reply_to", "root", "quoted"):
                cursor.execute(
                    f"update base.posts set {kind}_id = ? where {kind}_key = ?", [name, key]
                )
        self.renamed = {}


def _is_feed(post_id: str) -> bool:
    """Is it the id of an item whose own network nobody has named?"""
    return post_id.startswith("feed:")


def _merge_rows(cursor: Cursor, old: int, new: int) -> None:
    """Make everything about `old` be about `new`; where both have a row, that of `new` stands."""
    cursor.execute(
        "update base.sightings as s set first_at = least(s.first_at, o.first_at), "
        "last_at = greatest(s.last_at, o.last_at) from base.sightings as o "
        "where s.post_key = ? and o.post_key = ? and s.source_id = o.source_id",
        [new, old],
    )
    once = {"base.sightings": ("source_id", ""), **_ONCE}
    for table, (column, which) in once.items():
        cursor.execute(
            f"delete from {table} where post_key = ? {which} and {column} in "
            f"(select {column} from {table} where post_key = ? {which})",
            [old, new],
        )
    _merge_posts(cursor, old, new)
    for table, columns in _KEYED.items():
        for column in columns:
            cursor.execute(f"update {table} set {column} = ? where {column} = ?", [new, old])
    cursor.execute(
        "update base.ids set post_key = ?, is_alias = true where post_key = ?", [new, old]
    )


def _merge_posts(cursor: Cursor, old: int, new: int) -> None:
    tables = ("base.posts", "base.versions", "base.links")
    if not cursor.execute("select 1 from base.posts where post_key = ?", [new]):
        for table in tables:
            cursor.execute(f"update {table} set post_key = ? where post_key = ?", [new, old])
        return
    # First seen when either of them was; no time may lie far behind that.
    cursor.execute(
        "update base.posts as p set first_seen_at = o.first_seen_at, source_id = o.source_id, "
        "clock = if(p.created_at > o.first_seen_at + interval 5 minute, 'first_seen', p.clock), "
        "created_at = "
        "if(p.created_at > o.first_seen_at + interval 5 minute, o.first_seen_at, p.created_at) "
        "from base.posts as o where p.post_key = ? and o.post_key = ? "
        "and o.first_seen_at < p.first_seen_at",
        [new, old],
    )
    for table in tables:
        cursor.execute(f"delete from {table} where post_key = ?", [old])
