"""Does the store keep its promises? Every check is a statement that must return no row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CHECKS", "verify"]

CHECKS: dict[str, str] = {
    "a post stands twice": "select post_id from posts group by all having count(*) > 1",
    "an id has two keys": "select post_id from base.ids group by all having count(*) > 1",
    "a key has two names": (
        "select post_key from base.ids where not is_alias group by all having count(*) > 1"
    ),
    "a post's key and id disagree": (
        "select p.post_id from base.posts as p left join base.ids as i "
        "on i.post_key = p.post_key and i.post_id = p.post_id and not i.is_alias "
        "where i.post_id is null"
    ),
    "an edge's key and id disagree": (
        "select p.post_id from base.posts as p, unnest([(p.reply_to_id, p.reply_to_key), "
        "(p.root_id, p.root_key), (p.quoted_id, p.quoted_key)]) as e (edge) "
        "left join base.ids as i "
        "on i.post_key = edge[2] and i.post_id = edge[1] and not i.is_alias "
        "where (edge[1] is not null or edge[2] is not null) and i.post_id is null"
    ),
    "a post answers itself": "select post_id from posts where reply_to_id = post_id",
    "a post lacks its version": (
        "select p.post_id from base.posts as p left join base.versions as v "
        "on v.post_key = p.post_key and v.version = p.version where v.post_key is null"
    ),
    "a version stands twice": (
        "select post_key from base.versions group by post_key, version having count(*) > 1"
    ),
    "a post is from the future": (
        "select post_id from posts where created_at > first_seen_at + interval 5 minute"
    ),
    "a deleted post kept its words": (
        "select post_id from posts where state in ('deleted', 'erased') "
        "and (text is not null or title is not null or author_name is not null)"
    ),
    "an empty string stands for unknown": (
        "select post_id from posts where '' in (url, author_id, author_handle, author_name, "
        "title, text, reply_to_id, root_id, quoted_id)"
    ),
    "a reaction stands twice": (
        "select event_id, post_id from reactions group by event_id, post_id having count(*) > 1"
    ),
    "a mention stands twice": (
        "select post_id from company_mentions group by company_id, post_id having count(*) > 1"
    ),
    "a reaction's or mention's post is missing": (
        "select post_key from base.reactions anti join base.posts using (post_key) "
        "where superseded_at is null union all "
        "select post_key from base.mentions anti join base.posts using (post_key) "
        "where superseded_at is null"
    ),
    "a post's version is not its content": (
        "select p.post_id from base.posts as p join base.versions as v "
        "on v.post_key = p.post_key and v.version = p.version where p.state <> 'erased' and "
        "(p.text is distinct from v.text or p.title is distinct from v.title "
        "or p.state is distinct from v.state)"
    ),
    "a last counter is not the last": (
        "select post_key from base.engagement_last as l where observed_at <> "
        "(select max(e.observed_at) from base.engagement as e "
        "where e.post_key = l.post_key and e.source_id = l.source_id)"
    ),
    "a last counter stands twice": (
        "select post_key from base.engagement_last group by post_key, source_id having count(*) > 1"
    ),
    "a sighting stands twice": (
        "select post_key from base.sightings group by post_key, source_id having count(*) > 1"
    ),
    "a counter is negative": (
        "select post_key from base.engagement "
        "where least(likes, reposts, replies, quotes, views) < 0"
    ),
    "a poll stands twice": "select poll_id from base.polls group by all having count(*) > 1",
    "a poll has no source": "from base.polls anti join base.sources using (source_id)",
    "a gap stands twice": "select gap_id from base.gaps group by all having count(*) > 1",
    "a gap ends before it starts": "select gap_id from base.gaps where ended_at < started_at",
    "two open gaps in time of one source": (
        "select source_id from base.gaps where ended_at is null and post_key is null "
        "and not coalesce(is_stated, false) group by all having count(*) > 1"
    ),
}


def verify(query: Callable[[str], pl.DataFrame]) -> list[str]:
    """One line for each broken promise: what, how often, and an example."""
    problems = []
    for promise, sql in CHECKS.items():
        rows = query(sql)
        if rows.height:
            problems.append(f"{promise}: {rows.height} times, for example {rows.row(0)[0]}")
    return problems
