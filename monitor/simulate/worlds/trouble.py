"""What befalls posts: deletions, edits, late approval, hiding, blocks, wrong clocks."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from monitor.simulate.worlds.scenario import Trouble
from monitor.simulate.worlds.world import Edit, Item, Kind, World, site_of

__all__ = ["befall"]

_WRONG = (timedelta(days=-730), timedelta(days=31))


def befall(world: World, rng: random.Random) -> None:
    """Let it happen to some; numbers the comments when their order is settled."""
    trouble = world.scenario.trouble
    accounts = set(world.accounts.values())
    for item in world.items:
        if item.network == "bluesky" and item.author not in accounts:
            _post(world, item, trouble, rng)
        elif item.network == "wordpress" and item.kind is Kind.REPLY:
            _comment(world, item, trouble, rng)
        elif item.network == "hackernews" and item.parent is not None:
            if rng.random() < trouble.deleted:
                _delete(world, item, rng)
        elif item.network == "feed" and rng.random() < trouble.twice:
            others = [o for o in world.outlets if item.place and o != item.place.outlet]
            if others:
                item.also_in = (rng.choice(others),)
    _number(world)


def _post(world: World, item: Item, trouble: Trouble, rng: random.Random) -> None:
    """One thing at most befalls a post."""
    draw = rng.random()
    answers = item.kind in (Kind.REPLY, Kind.OTHER) and item.parent is not None and not item.names
    own = item.parent is not None and item.parent.author in world.accounts.values()
    if (draw := draw - trouble.deleted) < 0:
        _delete(world, item, rng)
    elif (draw := draw - trouble.wrong_clock) < 0:
        if answers:
            item.claimed_at = item.created_at + rng.choice(_WRONG)
    elif (draw := draw - trouble.hidden) < 0:
        if answers and own:
            item.hidden_at = item.created_at + timedelta(minutes=rng.expovariate(1 / 30))
    elif draw - trouble.blocked < 0 and answers and not own:
        item.blocked_at = item.created_at + timedelta(minutes=rng.expovariate(1 / 5))


def _comment(world: World, item: Item, trouble: Trouble, rng: random.Random) -> None:
    draw = rng.random()
    if (draw := draw - trouble.deleted) < 0:
        _delete(world, item, rng)
    elif (draw := draw - trouble.edited) < 0:
        at = _later(item.created_at, timedelta(hours=rng.uniform(0.5, 12)))
        if at < world.scenario.ends_at:
            item.edits = (Edit(at, item.text + " (edited)"),)
    elif draw - trouble.late < 0 and not item.children:
        at = _later(item.created_at, timedelta(hours=rng.uniform(2, 30)))
        # One that nobody approves before the end was never published.
        item.visible_from = at


def _delete(world: World, item: Item, rng: random.Random) -> None:
    """Nobody answers what is deleted: it goes after the last answer to it."""
    last = max((child.created_at for child in item.children), default=item.created_at)
    at = _later(last, timedelta(hours=0.3 + rng.expovariate(1 / 5)))
    if at < world.scenario.ends_at:
        item.gone_at = at


def _later(at: datetime, by: timedelta) -> datetime:
    return (at + by).replace(microsecond=0)


def _number(world: World) -> None:
    """Comments are numbered as they were written, whoever approves them when."""
    for company in world.companies:
        host = site_of(company)
        for number, item in enumerate(_comments(world.items, host), 1):
            item.post_id = f"wordpress:{host}/comment/{number}"


def _comments(items: Iterable[Item], host: str) -> list[Item]:
    return [
        item
        for item in items
        if item.network == "wordpress" and item.parent and item.place and item.place.host == host
    ]
