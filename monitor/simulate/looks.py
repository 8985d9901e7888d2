"""When the store's polls looked where a post of the world could be seen."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from monitor.identity import recognise
from monitor.simulate.platforms.press import feed_url
from monitor.simulate.worlds.world import Item, Kind, World

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Looks", "Place"]

Place = tuple[str, str]
"""Where one looks: a thread by its root, a search by its company, a site, a feed."""

_POLLS = """
select s.source_id, s.network, s.kind, s.target, p.started_at
from polls as p
join sources as s using (source_id)
where p.outcome in ('ok', 'unchanged')
order by p.started_at
"""
_SPANS = """
select s.network, s.kind, s.target, g.reason, g.started_at,
    coalesce(g.ended_at, timestamp '9999-12-31') as ended_at
from gaps as g
join sources as s using (source_id)
where g.post_id is null and g.missing is null and g.concerns = 'posts' and g.filled_at is null
"""


class Looks:
    """Successful polls and unfilled gaps in time, by place."""

    def __init__(self, world: World, query: Callable[[str], pl.DataFrame]) -> None:
        self._world = world
        self._looks: dict[Place, list[datetime]] = defaultdict(list)
        self._spans: dict[Place, list[tuple[str, datetime, datetime]]] = defaultdict(list)
        for row in query(_POLLS).rows():
            _, network, kind, target, at = _aware(row)
            self._looks[_place(network, kind, target)].append(at)
        for row in query(_SPANS).rows():
            network, kind, target, reason, started_at, ended_at = _aware(row)
            self._spans[_place(network, kind, target)].append((reason, started_at, ended_at))

    def between(self, place: Place, since: datetime, until: datetime | None) -> bool:
        """Did a look at a place fall into [since, until)?"""
        looks = self._looks.get(place, [])
        at = bisect_left(looks, since)
        return at < len(looks) and (until is None or looks[at] < until)

    def follows(self, root: Item) -> bool:
        """Is the thread below a post read?"""
        return _thread(root) in self._looks

    def span(self, item: Item) -> str | None:
        """The reason of a gap in time in which a post appeared, at any of its places."""
        for place in self.places(item):
            for reason, started_at, ended_at in self._spans.get(place, ()):
                if started_at <= item.shown_from <= ended_at:
                    return reason
        return None

    def places(self, item: Item) -> Iterator[Place]:
        """Everywhere that an item is shown."""
        if item.place is not None and item.place.outlet:
            for outlet in (item.place.outlet, *item.also_in):
                yield "feed", feed_url(outlet)
            return
        yield _thread(item.root or item)
        if item.place is not None:
            yield "site", item.place.host
        if item.quoted is not None:
            yield _thread(item.quoted)
        strays = self._world.companies if item.kind is Kind.STRAY else ()
        for company in (*item.names, *strays):
            yield "search", company


def _thread(root: Item) -> Place:
    return "thread", root.place.url if root.place is not None else root.native


def _place(network: str, kind: str, target: str) -> Place:
    """Where a source looks; a thread may be named by its address or by its id."""
    if network == "feed":
        return "feed", target
    if kind == "site":
        return kind, urlsplit(target).netloc
    recognised = recognise(target) if kind == "thread" else None
    return kind, recognised.partition(":")[2] if recognised else target


def _aware(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(v.replace(tzinfo=UTC) if isinstance(v, datetime) else v for v in row)
