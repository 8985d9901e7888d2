"""The queue of posts that were not looked at yet, and what looks at them gave.

What waits is read off the tables: a kill loses nothing of it. Scores are appended; the latest one
of a post and model counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from monitor.enrich.score import Said, Scored, Waiting
from monitor.store.database import Cursor

__all__ = ["BACKLOG", "first_waiting", "keep", "told", "unscored", "waiting"]

_KEY = {"post_key": "BIGINT"}
_SCORED = {
    "post_key": "BIGINT", "engine": "VARCHAR", "model": "VARCHAR", "version": "INTEGER",
    "parent_version": "INTEGER",
}  # fmt: skip
_LANGUAGE = {
    "post_key": "BIGINT", "version": "INTEGER", "language": "VARCHAR",
    "language_confidence": "DOUBLE",
}  # fmt: skip
_MOOD = {
    "post_key": "BIGINT", "model": "VARCHAR", "score": "DOUBLE", "label": "VARCHAR",
    "positive": "DOUBLE", "neutral": "DOUBLE", "negative": "DOUBLE", "scored_at": "TIMESTAMP",
    "recorded_at": "TIMESTAMP",
}  # fmt: skip

# Of an engine and a model; a post waits while its content, or that of the post it answers, is new.
# What is deleted keeps the language that it had.
_DUE = """
from base.posts as p
left join base.posts as parent on parent.post_key = p.reply_to_key
anti join base.scored as s
    on s.post_key = p.post_key and s.engine = $engine and s.model = $model
    and s.version = p.version and s.parent_version = coalesce(parent.version, 0)
where p.state not in ('deleted', 'erased')
"""
BACKLOG = f"select count(*) as waiting {_DUE}"
"""How many posts wait; parameters `engine` and `model`."""

_STATED = "case when {0}.language_engine is null then {0}.language end"
# What is looked at is picked out first: joined as they are, all posts with their texts would stand
# in memory for the few that are asked for.
_WAITING = f"""
with near as materialized (
    select post_key from {{given}}
    union
    select post_key from base.posts where reply_to_key in (select post_key from {{given}})
),

due as materialized (
    select *
    from base.posts
    where post_key in (select post_key from near) and state not in ('deleted', 'erased')
),

parents as materialized (
    select *
    from base.posts
    where post_key in (select reply_to_key from due)
),

marks as materialized (
    select *
    from base.scored
    where
        post_key in (select post_key from near) and engine = $engine and model = $model
),

-- Of posts whose events all name their languages.
spoken as (
    select r.post_key, flatten(list(e.languages)) as languages
    from base.reactions as r
    join events as e using (event_id)
    where r.superseded_at is null and r.post_key in (select post_key from near)
    group by all
    having bool_and(len(coalesce(e.languages, [])) > 0)
)

select
    p.post_key, p.version, coalesce(parent.version, 0), p.title, p.text, p.language_tag,
    {_STATED.format("p")}, p.language, parent.title, parent.text, parent.language_tag,
    {_STATED.format("parent")},
    (select languages from spoken as k where k.post_key = p.post_key)
from due as p
left join parents as parent on parent.post_key = p.reply_to_key
anti join marks as s
    on s.post_key = p.post_key and s.version = p.version
    and s.parent_version = coalesce(parent.version, 0)
order by p.post_key
"""


def unscored(cursor: Cursor, engine: str, model: str) -> list[int]:
    """The keys of all posts that wait, the latest first."""
    query = f"select p.post_key {_DUE} order by p.post_key desc"
    return [key for (key,) in cursor.execute(_bound(query, engine, model))]


def waiting(cursor: Cursor, keys: Sequence[int], engine: str, model: str) -> list[Waiting]:
    """Those of `keys`, and of the posts that answer them, that wait."""
    return told(cursor.lookup(_bound(_WAITING, engine, model), _KEY, [(key,) for key in keys]))


def first_waiting(engine: str, model: str, limit: int) -> str:
    """The statement that gives rows for `told`: of some posts that wait, the latest first."""
    given = f"(select p.post_key {_DUE} order by p.post_key desc limit {limit})"
    return _bound(_WAITING.replace("{given}", given), engine, model)


def told(rows: Iterable[Sequence[Any]]) -> list[Waiting]:
    """Rows of the store as posts that wait."""
    return [
        Waiting(
            key=key, version=version, parent_version=parent_version,
            own=Said(_text(title, text), tag, stated),
            parent=Said(_text(*parent[:2]), *parent[2:]) if parent_version else None,
            language=language, among=frozenset(among or ()),
        )
        for key, version, parent_version, title, text, tag, stated, language, *parent, among in rows
    ]  # fmt: skip


def _bound(sql: str, engine: str, model: str) -> str:
    """Names of ours and of plug-ins, put in as text: tables given by name take no parameters."""
    return sql.replace("$engine", _quoted(engine)).replace("$model", _quoted(model))


def _text(title: str | None, text: str | None) -> str | None:
    return "\n".join(part for part in (title, text) if part) or None


def keep(cursor: Cursor, scored: Sequence[Scored], engine: str, model: str, now: datetime) -> None:
    """Write what a look at posts gave; what changed meanwhile stays in the queue."""
    rows = {one.key: one for one in scored}
    known = cursor.lookup(
        "select p.post_key, p.version, v.recorded_at from base.posts as p "
        "join base.versions as v using (post_key, version) join {given} using (post_key)",
        _KEY,
        [(key,) for key in rows],
    )
    written = {
        key: at.replace(tzinfo=UTC) for key, version, at in known if rows[key].version == version
    }
    current = [rows[key] for key in sorted(written)]
    _keep_languages(cursor, current, engine)
    _keep_moods(cursor, current, model, written, now)
    cursor.lookup(
        "delete from base.scored as s using {given} as g "
        "where s.post_key = g.post_key and s.engine = g.engine and s.model = g.model",
        {name: _SCORED[name] for name in ("post_key", "engine", "model")},
        [(one.key, engine, model) for one in current],
    )
    marks = [(one.key, engine, model, one.version, one.parent_version) for one in current]
    cursor.insert("base.scored", _SCORED, marks)


def _keep_languages(cursor: Cursor, scored: Sequence[Scored], engine: str) -> None:
    if engine == "none":
        return
    rows = [(one.key, one.version, one.language, one.confidence) for one in scored]
    cursor.lookup(
        "update base.posts as p set language = g.language, "
        f"language_confidence = g.language_confidence, language_engine = {_quoted(engine)} "
        "from {given} as g where p.post_key = g.post_key "
        "and (p.language is null or p.language_engine is not null)",
        _LANGUAGE,
        rows,
    )
    cursor.lookup(
        "update base.versions as v set language = g.language, "
        "language_confidence = g.language_confidence "
        "from {given} as g where v.post_key = g.post_key and v.version = g.version",
        _LANGUAGE,
        rows,
    )


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _keep_moods(
    cursor: Cursor, scored: Sequence[Scored], model: str, written: dict[int, datetime],
    now: datetime,
) -> None:  # fmt: skip
    """A score is known since its text is: it could have been computed then."""
    cursor.lookup(
        "delete from base.sentiment as s using {given} as g "
        "where s.post_key = g.post_key and s.model = g.model and s.recorded_at = g.recorded_at",
        {name: _MOOD[name] for name in ("post_key", "model", "recorded_at")},
        [(one.key, model, written[one.key]) for one in scored],
    )
    rows = [
        (one.key, model, mood.score, mood.label, mood.positive, mood.neutral, mood.negative, now,
         written[one.key])
        for one in scored
        if (mood := one.mood) is not None
    ]  # fmt: skip
    cursor.insert("base.sentiment", _MOOD, rows)
