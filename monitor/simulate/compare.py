"""What was collected beside what there was: every post of a world, and why it is not there."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitor.identity import recognise
from monitor.simulate.platforms.press import feed_url
from monitor.simulate.reach import Reach
from monitor.simulate.worlds.world import Item, Kind, World

if TYPE_CHECKING:
    import polars as pl

__all__ = ["NOBODY_SAYS", "Account", "compare"]

NOBODY_SAYS = ("uncounted", "unnoticed")
"""Reasons that only the simulator knows.

`uncounted`: beneath a reply that is hidden itself, so that nobody who is seen counts it;
`unnoticed`: it came and went between two looks, or while it might not be kept.
"""

_FOUND_WITHIN = timedelta(days=1)

_COUNTED = """
select s.network, g.post_id, g.reason, g.missing
from gaps as g
join sources as s using (source_id)
where g.ended_at is null and (g.post_id is not null or g.missing is not null)
"""
_SPANS = """
select g.source_id, g.reason, g.started_at, coalesce(g.ended_at, timestamp 'infinity') as ended_at
from gaps as g
where g.post_id is null and g.missing is null and g.concerns = 'posts' and g.filled_at is null
"""
_POLLS = """
select s.source_id, s.network, s.kind, s.target, p.started_at
from polls as p
join sources as s using (source_id)
where p.outcome in ('ok', 'unchanged')
order by p.started_at
"""


@dataclass(slots=True)
class Account:
    """One network's account.

    `unseen` counts, by reason, what the world holds and the store does not; `gaps` counts by
    reason what the store says to be missing. They agree but for `NOBODY_SAYS`, unless something
    is `lost`: it was shown to us and is neither stored nor accounted for. `strange` are ids that
    the world does not know.
    """

    network: str
    truth: int = 0
    collected: int = 0
    unseen: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Does collected + gaps by reason (and what nobody can say) make the truth?"""
        said = Counter({r: n for r, n in self.unseen.items() if r not in NOBODY_SAYS})
        whole = self.collected + self.unseen.total() == self.truth
        return whole and said == +self.gaps and not self.lost and not self.strange

    def __str__(self) -> str:
        unseen = "".join(f", {reason} {n}" for reason, n in sorted(self.unseen.items()))
        said = "" if self.is_exact else f"; not exact: gaps say {dict(self.gaps)}"
        return (
            f"{self.network}: {self.truth} in the world, {self.collected} collected{unseen}, "
            f"lost {len(self.lost)}{said}"
        )


def compare(world: World, query: Callable[[str], pl.DataFrame]) -> list[Account]:
    """One account a network, at the world's end.

    Args:
        query: runs SQL on the store that collected this world.
    """
    return _Comparison(world, query).accounts()


class _Comparison:
    def __init__(self, world: World, query: Callable[[str], pl.DataFrame]) -> None:
        self.world = world
        self.end = world.scenario.ends_at
        self.stored = {row[0] for row in query("select post_id from posts").rows()}
        self.counted = query(_COUNTED).rows()
        self.spans = [_aware(row) for row in query(_SPANS).rows()]
        self.looks: dict[tuple[str, str], list[datetime]] = {}
        self.ids: dict[tuple[str, str], str] = {}
        for row in query(_POLLS).rows():
            source_id, network, kind, target, at = _aware(row)
            key = (network, kind if kind in ("search", "site") else target)
            self.looks.setdefault(key, []).append(at)
            self.ids[key] = source_id

    def accounts(self) -> list[Account]:
        made = {name: Account(name) for name in ("bluesky", "wordpress", "feed")}
        shown = [item for item in self.world.items if self._findable_from(item) <= self.end]
        reach = Reach(self.world, self.end, self.stored)
        for item in shown:
            account = made[item.network]
            account.truth += 1
            if item.post_id in self.stored:
                account.collected += 1
            elif (reason := self._reason(item, reach)) is None:
                account.lost.append(item.post_id)
            else:
                account.unseen[reason] += 1
        known = {item.post_id for item in self.world.items if item.shown_from <= self.end}
        for stranger in sorted(self.stored - known):
            made.setdefault(network := stranger.partition(":")[0], Account(network))
            made[network].strange.append(stranger)
        for network, post_id, reason, missing in self.counted:
            # A gap of this reason names the post that is missing itself.
            own = int(post_id not in self.stored) if reason == "parent_deleted" else 0
            made[network].gaps[reason] += own or missing or 0
        for account in made.values():
            for reason in {span[1] for span in self.spans}:
                # A span says when, not how many: it accounts for whatever lies in it.
                if reason not in account.gaps and account.unseen[reason]:
                    account.gaps[reason] = account.unseen[reason]
        return list(made.values())

    def _findable_from(self, item: Item) -> datetime:
        """Since when a post can be found; what is only searched for, when searches show it."""
        searched = item.network == "bluesky" and (item.names or item.kind is Kind.STRAY)
        lag = self.world.scenario.search_lag if searched else timedelta(0)
        return item.shown_from + lag

    def _reason(self, item: Item, reach: Reach) -> str | None:
        """Why a post is not stored; None: it was shown, and is lost."""
        if item.network == "feed":
            return self._pushed_out(item)
        if item.gone_at is not None and item.gone_at <= self.end:
            kept = self._was_shown(item) and not item.is_withheld
            return None if kept else self._vanished(item)
        parent = item.parent
        counted = parent is not None and parent.post_id in self.stored and parent.exists(self.end)
        if item.network != "bluesky" or item in reach:
            if item.is_withheld:
                return "policy"
            # What somebody counts is looked for in its author's feed, a few feeds at each look.
            if item.blocked_at is None or item.blocked_at > self.end:
                return None
            if counted and self.end - item.blocked_at > _FOUND_WITHIN:
                return None
        return "unexplained" if counted else "uncounted"

    def _vanished(self, item: Item) -> str:
        """Why nobody saw a post before it was deleted."""
        answers = [c for c in item.children if c.post_id in self.stored and c.exists(self.end)]
        if answers and item.network == "wordpress":  # they name one that may not be read
            return "hidden"
        if answers and ("bluesky", (item.root or item).native) in self.looks:
            return "parent_deleted"
        return self._span(item) or "unnoticed"

    def _pushed_out(self, item: Item) -> str | None:
        """An article that no look found among its feed's newest."""
        outlets = [item.place.outlet, *item.also_in] if item.place else []
        for outlet in outlets:
            size = self.world.outlets[outlet].items
            later = [
                other.created_at
                for other in self.world.items
                if other.network == "feed" and other.place and other.created_at > item.created_at
                and outlet in (other.place.outlet, *other.also_in)
            ]  # fmt: skip
            pushed_at = later[size - 1] if len(later) >= size else None
            if self._looked(("feed", feed_url(outlet)), item.created_at, pushed_at):
                return None
        return self._span(item)

    def _was_shown(self, item: Item) -> bool:
        """Was there a look while a post stood in sight?"""
        if item.gone_at is None:
            return True
        if item.network == "wordpress":
            keys = [("wordpress", "site")]
            if item.root and item.root.place:
                keys.append(("wordpress", item.root.place.url))
            return any(self._looked(key, item.shown_from, item.gone_at) for key in keys)
        if item.names:
            return self._looked(("bluesky", "search"), self._findable_from(item), item.gone_at)
        hidden = [one.gone_at for one in _above(item) if one.gone_at is not None]
        hidden += [one.blocked_at for one in (item, *_above(item)) if one.blocked_at is not None]
        until = min([item.gone_at, *hidden])
        root = item.root or item
        return self._looked(("bluesky", root.native), item.shown_from, until)

    def _looked(self, key: tuple[str, str], since: datetime, until: datetime | None) -> bool:
        looks = self.looks.get(key, [])
        at = bisect_left(looks, since)
        return at < len(looks) and (until is None or looks[at] < until)

    def _span(self, item: Item) -> str | None:
        """The reason of an interval in which a post appeared."""
        for source_id, reason, started_at, ended_at in self.spans:
            shows = source_id in self._sources(item)
            if shows and started_at <= item.shown_from <= ended_at:
                return str(reason)
        return None

    def _sources(self, item: Item) -> set[str]:
        if item.network == "feed" and item.place:
            keys = [("feed", feed_url(o)) for o in (item.place.outlet, *item.also_in)]
        else:
            root = item.root or item
            where = root.place.url if root.place else root.native
            keys = [(item.network, where), (item.network, "search"), (item.network, "site")]
        return {self.ids[key] for key in keys if key in self.ids}


def _native(target: str) -> str:
    """What a source reads, as items name it."""
    recognised = recognise(target)
    return recognised.partition(":")[2] if recognised else target


def _above(item: Item) -> Iterable[Item]:
    parent = item.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _aware(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(v.replace(tzinfo=UTC) if isinstance(v, datetime) else v for v in row)
