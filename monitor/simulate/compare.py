"""What was collected beside what there was: every post of a world, and why it is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.simulate.looks import Looks
from monitor.simulate.platforms.hackernews import LAG
from monitor.simulate.reach import Reach
from monitor.simulate.worlds.world import Item, Kind, World

if TYPE_CHECKING:
    import polars as pl

__all__ = ["NOBODY_SAYS", "Account", "compare"]

NOBODY_SAYS = ("uncounted", "unnoticed")
"""Reasons that only the simulator knows.

`uncounted`: it stands beneath a reply that is hidden itself, or answers something that may not be
kept, so that no post which is seen counts it. `unnoticed`: it came and was deleted between two
looks, or while it might not be kept.
"""
_FOUND_WITHIN = timedelta(days=1)

# A site and a thread on it may both state what is missing beneath a post.
_COUNTED = """
select s.network, g.post_id, g.reason, max(g.missing) as missing
from gaps as g
join sources as s using (source_id)
where g.ended_at is null and (g.post_id is not null or g.missing is not null)
group by s.network, g.post_id, g.concerns, g.reason, if(g.post_id is null, g.gap_id, null)
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
        return said == +self.gaps and not self.lost and not self.strange

    def __str__(self) -> str:
        unseen = "".join(f", {reason} {n}" for reason, n in sorted(self.unseen.items()))
        said = "" if self.is_exact else f"; not exact: gaps say {dict(+self.gaps)}"
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
        self.looks = Looks(world, query)
        self.reach = Reach(world, self.end, self.stored)

    def accounts(self) -> list[Account]:
        made = {name: Account(name) for name in ("bluesky", "wordpress", "feed")}
        if self.world.of("hackernews"):
            made["hackernews"] = Account("hackernews")
        for item in self.world.items:
            if self._findable_from(item) <= self.end:
                self._add(made[item.network], item)
        known = {item.post_id for item in self.world.items if item.shown_from <= self.end}
        for stranger in sorted(self.stored - known):
            network = stranger.partition(":")[0]
            made.setdefault(network, Account(network)).strange.append(stranger)
        for network, post_id, reason, missing in self.counted:
            # A gap of this reason names the post that is missing itself.
            own = int(post_id not in self.stored) if reason == "parent_deleted" else 0
            made[network].gaps[reason] += own or missing or 0
        return list(made.values())

    def _add(self, account: Account, item: Item) -> None:
        account.truth += 1
        if item.post_id in self.stored:
            account.collected += 1
        elif (reason := self._reason(item)) is not None:
            account.unseen[reason] += 1
        elif self._was_shown(item):
            account.lost.append(item.post_id)
        elif (span := self.looks.span(item)) is not None:
            # A gap in time says when, not how many: it accounts for whatever came in it.
            account.unseen[span] += 1
            account.gaps[span] += 1
        elif item.gone_at is not None and item.gone_at <= self.end:
            account.unseen["unnoticed"] += 1
        else:
            account.lost.append(item.post_id)

    def _findable_from(self, item: Item) -> datetime:
        """Since when a post can be found; what is only searched for, when searches show it."""
        if item.network == "hackernews":  # what came later may be found, but need not be
            return item.shown_from + LAG
        searched = item.network == "bluesky" and (item.names or item.kind is Kind.STRAY)
        lag = self.world.scenario.search_lag if searched else timedelta(0)
        return item.shown_from + lag

    def _reason(self, item: Item) -> str | None:
        """Why a post is not stored, as far as gaps with numbers tell, or nobody could."""
        if item.gone_at is not None and item.gone_at <= self.end:
            return self._of_what_is_gone(item)
        if item.network != "bluesky":
            return None
        parent = item.parent
        counted = parent is not None and parent.post_id in self.stored and parent.exists(self.end)
        hidden = "unexplained" if counted else "uncounted"
        if item not in self.reach:
            return hidden
        if item.is_withheld:
            return "policy"
        # What somebody counts is looked for in its author's feed, a few feeds at each look.
        blocked_at = item.blocked_at
        if blocked_at is None or blocked_at > self.end:
            return None
        return None if counted and self.end - blocked_at > _FOUND_WITHIN else hidden

    def _of_what_is_gone(self, item: Item) -> str | None:
        if not item.is_withheld and self._was_shown(item):
            return None
        answers = [c for c in item.children if c.post_id in self.stored and c.exists(self.end)]
        if answers and item.network == "wordpress":  # they name one that may not be read
            return "hidden"
        if answers and self.looks.follows(item.root or item):
            return "parent_deleted"
        return "unnoticed" if item.is_withheld else None

    def _was_shown(self, item: Item) -> bool:
        """Was there a look while a post stood in sight?"""
        if item.network == "feed":
            return self._was_among_the_newest(item)
        until = [moment for moment in (item.gone_at,) if moment is not None]
        if not item.names:  # in a thread, whatever befalls those above hides it
            until += [one.gone_at for one in _above(item) if one.gone_at is not None]
            line = (item, *_above(item))
            until += [one.blocked_at for one in line if one.blocked_at is not None]
        since = self._findable_from(item)
        places = self.looks.places(item)
        return any(self.looks.between(p, since, min(until, default=None)) for p in places)

    def _was_among_the_newest(self, item: Item) -> bool:
        """Was there a look at a feed before newer articles had pushed one out?"""
        for place, outlet in zip(self.looks.places(item), _outlets(item), strict=True):
            later = [
                other.created_at
                for other in self.world.of("feed")
                if other.created_at > item.created_at and outlet in _outlets(other)
            ]
            size = self.world.outlets[outlet].items
            pushed_at = later[size - 1] if len(later) >= size else None
            if self.looks.between(place, item.created_at, pushed_at):
                return True
        return False


def _outlets(item: Item) -> tuple[str, ...]:
    return (item.place.outlet, *item.also_in) if item.place is not None else ()


def _above(item: Item) -> Iterable[Item]:
    parent = item.parent
    while parent is not None:
        yield parent
        parent = parent.parent
