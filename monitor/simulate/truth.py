"""A world as files: in the form of an import, and as tables of what is true.

`import/posts.csv` and `import/counters.csv` hold what somebody who saw everything would import.
`truth/` says what no observer can know; each of its tables is one of `tables(world)`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from monitor.files import replacing
from monitor.report.csv import write_csv
from monitor.simulate.reach import Reach
from monitor.simulate.run import configuration
from monitor.simulate.worlds.hawkes import expected_by, expected_total, half_life
from monitor.simulate.worlds.maker import kernel_of
from monitor.simulate.worlds.scenario import EventSettings
from monitor.simulate.worlds.world import Item, Kind, Mood, World, descendants

__all__ = ["COUNTED", "import_tables", "tables", "write"]

_LOOKS = [timedelta(minutes=m) for m in (5, 15, 30, 60, 120, 240, 480, 720)]
_DAY = timedelta(days=1)
_SCORES = {Mood.POSITIVE: (0.4, 0.9), Mood.NEUTRAL: (-0.04, 0.04), Mood.NEGATIVE: (-0.9, -0.4)}
COUNTED = {
    "replies": Kind.REPLY, "quotes": Kind.QUOTE, "links": Kind.LINK, "press": Kind.PRESS,
    "mentions": Kind.MENTION,
}  # fmt: skip
_MOMENT = pl.Datetime("us")

Row = dict[str, Any]


def write(world: World, folder: Path) -> dict[str, int]:
    """Write all files below `folder`; their names with their numbers of rows.

    Raises:
        UsageError: the folder can't be written.
    """
    made: dict[str, int] = {}
    groups = {"import": import_tables(world), "truth": tables(world)}
    for group, frames in groups.items():
        (folder / group).mkdir(parents=True, exist_ok=True)
        for name, frame in frames.items():
            with replacing(folder / group / f"{name}.csv") as stream:
                write_csv(frame, stream)
            made[f"{group}/{name}.csv"] = frame.height
    with replacing(folder / "monitor.toml") as stream:
        stream.write(configuration(world, folder.absolute() / "data").encode())
    return made


def import_tables(world: World) -> dict[str, pl.DataFrame]:
    """`posts` and `counters`, with the columns of an import."""
    end = world.scenario.ends_at
    items = [item for item in world.items if item.shown_from <= end]
    posts = [_imported(world, item) for item in items]
    posts += [row for item in items if item.event is not None for row in _reposts(item)]
    counters = list(chain.from_iterable(_counters(item, end) for item in items))
    return {"posts": _frame(posts), "counters": _frame(counters)}


def tables(world: World) -> dict[str, pl.DataFrame]:
    """What is true, by name of table.

    - `posts`: every post and article with its times, edges, mood, what befell it, and
      `unseen_reason`: why the last look at the world's end can't show it (empty: it can).
    - `curves`: the law of the likes: final · (1 - (1 + age/scale)^(-shape)), rounded
      down, `age` in seconds.
    - `reposts`, `edits`: each with its moment.
    - `events`: what follows for each event: posts by relation, response times, and the `answers`
      to the post itself (without what an attack drew) beside `expected_answers` until the world's
      end and `expected_total` for ever.
    - `companies`: what is said every day, expected.
    """
    return {
        "posts": _frame(_true_posts(world)),
        "curves": _frame([_curve(item) for item in world.items if item.network == "bluesky"]),
        "reposts": _frame(
            [
                {"post_id": i.post_id, "reposted_at": at, "author_id": f"bluesky:{by.did}"}
                for i in world.items
                for at, by in i.reposts
            ]
        ),
        "edits": _frame(
            [
                {"post_id": item.post_id, "edited_at": edit.at, "text": edit.text}
                for item in world.items
                for edit in item.edits
            ],
            post_id=pl.String,
            edited_at=_MOMENT,
            text=pl.String,
        ),
        "events": _frame([_true_event(world, event) for event in world.scenario.event]),
        "companies": _frame(
            [
                {
                    "company_id": company.id,
                    "mentions_per_day": company.mentions_per_day,
                    "branching": company.threads.branching,
                    "expected_posts_per_day": expected_total(
                        company.mentions_per_day, company.threads.branching
                    ),
                    "dispersion": company.dispersion,
                }
                for company in world.companies.values()
            ]
        ),
    }


def _imported(world: World, item: Item) -> Row:
    """A post as an import names it; what is deleted has lost its words."""
    end = world.scenario.ends_at
    gone = item.gone_at is not None and item.gone_at <= end
    return {
        "post_id": item.post_id, "network": item.network, "url": item.url,
        "author_id": item.author_id, **_shown_of(item, named=not gone),
        "title": None if gone else item.title, "text": None if gone else item.said(end),
        "created_at": item.created_at, "claimed_at": item.claimed_at or item.created_at,
        "edited_at": item.edited_at(end), "deleted_at": item.gone_at if gone else None,
        "state": "deleted" if gone else "hidden" if item.is_hidden(end) else "live",
        "reply_to_id": _id(item.parent), "root_id": _id(item.root),
        "quoted_id": _id(item.quoted), "language": item.words.language,
        "event_id": item.event.id if item.event else None,
        "relation": str(item.kind) if item.event else None,
        "score": None if gone else _score(world, item),
    }  # fmt: skip


def _shown_of(item: Item, *, named: bool) -> Row:
    """What the network shows of an author; Hacker News shows an account's name alone."""
    author, full = item.author, item.network != "hackernews"
    if author is None:
        return dict.fromkeys(("author_handle", "author_name", "author_followers"))
    return {
        "author_handle": author.handle if full else author.account,
        "author_name": author.name if named and full else None,
        "author_followers": author.followers if full else None,
    }


def _score(world: World, item: Item) -> float:
    """The known mood as a number in [-1, 1]."""
    rng = random.Random(f"{world.scenario.seed}:score:{item.post_id}")
    return round(rng.uniform(*_SCORES[item.words.mood]), 3)


def _reposts(item: Item) -> Iterator[Row]:
    """Reposts of what belongs to an event; no post of their own on Bluesky, but a record."""
    key = item.native.rpartition("/")[2]
    for at, by in item.reposts:
        yield {
            "post_id": f"bluesky:at://{by.did}/app.bsky.feed.repost/{key}", "network": "bluesky",
            "author_id": f"bluesky:{by.did}", "author_handle": by.handle, "author_name": by.name,
            "author_followers": by.followers, "created_at": at, "claimed_at": at, "state": "live",
            "event_id": item.event.id if item.event else None, "relation": str(Kind.REPOST),
        }  # fmt: skip


def _counters(item: Item, end: datetime) -> Iterator[Row]:
    """Counters as a patient observer would note them: soon, then later and later, at the end."""
    if item.network != "bluesky":
        return
    ages = [*_LOOKS, *(n * _DAY for n in range(1, (end - item.created_at) // _DAY + 1))]
    moments = {item.created_at + age for age in ages}
    last = min(item.gone_at or end, end)
    for at in sorted({moment for moment in moments if moment <= last} | {last}):
        age = item.age(at)
        yield {
            "post_id": item.post_id, "observed_at": at, "likes": item.likes.at(age),
            "reposts": item.repost_count(at), "replies": item.replies(at),
            "quotes": item.quote_count(at),
        }  # fmt: skip


def _true_posts(world: World) -> list[Row]:
    reach = Reach(world, world.scenario.ends_at)
    return [
        {
            "post_id": item.post_id, "network": item.network, "kind": str(item.kind),
            "event_id": item.event.id if item.event else None,
            "companies": " ".join(sorted(item.names)) or None,
            "author_id": item.author_id,
            "created_at": item.created_at, "claimed_at": item.claimed_at or item.created_at,
            "shown_from": item.shown_from, "gone_at": item.gone_at, "hidden_at": item.hidden_at,
            "blocked_at": item.blocked_at, "edits": len(item.edits),
            "reply_to_id": _id(item.parent), "root_id": _id(item.root),
            "quoted_id": _id(item.quoted), "link": item.link, "mood": str(item.words.mood),
            "language": item.words.language, "also_in": " ".join(item.also_in) or None,
            "unseen_reason": _unseen(world, item, reach),
        }
        for item in world.items
    ]  # fmt: skip


def _unseen(world: World, item: Item, reach: Reach) -> str | None:
    end = world.scenario.ends_at
    if item.shown_from > end:
        return "not_published"
    if item.gone_at is not None and item.gone_at <= end:
        return "deleted"
    if item.network != "bluesky":
        return None
    if item not in reach:
        parent = item.parent
        counted = parent is not None and parent in reach and not parent.is_withheld
        return "unexplained" if counted else "uncounted"
    return "policy" if item.is_withheld else None


def _curve(item: Item) -> Row:
    return {
        "post_id": item.post_id, "created_at": item.created_at,
        "likes_final": item.likes.final, "likes_scale_seconds": item.likes.scale,
        "likes_shape": item.likes.shape,
    }  # fmt: skip


def _true_event(world: World, event: EventSettings) -> Row:
    t0, kernel = world.announced_at(event), kernel_of(event.threads)
    about = [item for item in world.items if item.event is event]
    own = world.accounts[event.company]
    rivals = {account for company, account in world.accounts.items() if company != event.company}
    attacks = [i for i in about if i.author in rivals and i.kind is Kind.REPLY]
    answers = [i for i in about if i.author is own and i.parent in attacks]
    post = next(i for i in world.announcements(event) if i.network == "bluesky")
    crowd = {one for attack in attacks for one in (attack, *descendants(attack))}
    span = (world.scenario.ends_at - t0).total_seconds()
    return {
        "event_id": event.id, "company_id": event.company, "announced_at": t0,
        **{name: sum(item.kind is kind for item in about) for name, kind in COUNTED.items()},
        "reposts": sum(len(item.reposts) for item in about),
        "answers": len(set(descendants(post)) - crowd),
        "expected_answers": expected_by(event.direct, event.threads.branching, kernel, span),
        "expected_total": expected_total(event.direct, event.threads.branching),
        "expected_direct": event.direct, "branching": event.threads.branching,
        "answer_median_seconds": kernel.median,
        "half_life_seconds": half_life(event.threads.branching, kernel),
        "first_competitor_response_seconds": _since(t0, attacks),
        "company_first_response_seconds": (
            _since(attacks[0].created_at, answers) if attacks else None
        ),
    }  # fmt: skip


def _since(start: datetime, items: list[Item]) -> float | None:
    return min(((item.created_at - start).total_seconds() for item in items), default=None)


def _id(item: Item | None) -> str | None:
    return None if item is None else item.post_id


def _frame(rows: list[Row], **schema: Any) -> pl.DataFrame:
    """Rows as a frame; moments become naive UTC, as everywhere in the store."""
    plain = [
        {k: v.replace(tzinfo=None) if isinstance(v, datetime) else v for k, v in row.items()}
        for row in rows
    ]
    return (
        pl.from_dicts(plain, schema=schema or None, infer_schema_length=None)
        if (plain or schema)
        else pl.DataFrame()
    )
