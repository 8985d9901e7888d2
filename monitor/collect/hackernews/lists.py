"""What one account posts, what searches find, and where an address is discussed."""

from __future__ import annotations

import re
from datetime import timedelta

from monitor.collect.hackernews.api import Api
from monitor.collect.hackernews.parse import Item, Page, counters, post_id, to_post
from monitor.collect.protocol import Ask
from monitor.errors import Gone, SourceError
from monitor.identity import canonical_url
from monitor.types import Gap, GapReason, Harvest, SourceKind

__all__ = ["read_account", "read_search"]

_NAME = re.compile(r"[\w-]{1,30}", re.ASCII)
_WORDS = "title,story_text,comment_text"
_LONGEST_QUERY = 500  # the index refuses more than 512 bytes
_YOUNG = timedelta(days=3)  # so long a story without comments is watched as a thread


async def read_account(ask: Ask, harvest: Harvest) -> None:
    """Fill `harvest` with what the account `ask.source.target` posts.

    Reads back to a post that is known, or ten pages. Stories are found sources.

    Raises:
        Gone: there is no such account.
    """
    name = ask.source.target.removeprefix("hackernews:").removeprefix("@")
    if not _NAME.fullmatch(name):
        raise SourceError(f"{name[:80]!r} is no name of a Hacker News account", url=name)
    api = Api(ask.http, ask.base_url)
    reader = _Lists(ask, harvest)
    more = False
    async for page in api.pages("search_by_date", tags=f"author_{name},(story,comment,poll)"):
        items, more = _shown(page), page.more
        overlap = reader.take(items)
        for item in items:
            reader.begin_thread(item)
        if overlap:
            break
    if not reader.taken and not await api.has_user(name):
        url = f"https://news.ycombinator.com/user?id={name}"
        raise Gone(f"{url}: there is no account of that name (case counts)", url=url, status=200)
    harvest.ordered, harvest.complete = True, not more


async def read_search(ask: Ask, harvest: Harvest) -> None:
    """Fill `harvest` with what each of `ask.source.queries` finds.

    A query that is an http(s) address finds the stories that point there, and their threads are
    found sources. Others are read newest first, back to a post that is known or ten pages; a new
    one is not stopped by what the others found before it.
    """
    api = Api(ask.http, ask.base_url)
    reader = _Lists(ask, harvest)
    queries = list(dict.fromkeys(ask.source.queries or (ask.source.target,)))
    ends = []
    for query in queries:
        address = canonical_url(query)
        if address is None:
            ends.append(await _search(api, reader, query))
        else:
            ends.append(await _discussions(api, reader, address))
    cut = "cut" in ends
    harvest.complete = all(end == "end" for end in ends)
    by_time = all(canonical_url(query) is None for query in queries)
    harvest.ordered = by_time and (not cut or len(queries) == 1)
    if cut and not harvest.ordered:
        harvest.gaps.append(Gap(reason=GapReason.PAGE_CAP, concerns="posts"))
    harvest.state = {"queries": queries}


async def _search(api: Api, reader: _Lists, query: str) -> str:
    """Read one query: to its `end`, to a `known` post, or to the last page allowed (`cut`)."""
    new = query not in (reader.ask.state.get("queries") or ())
    words = " ".join(query.replace('"', " ").split())
    more = False
    async for page in api.pages(
        "search_by_date",
        query=f'"{words}"',
        tags="(story,comment)",
        advancedSyntax="true",
        typoTolerance="false",
        restrictSearchableAttributes=_WORDS,
    ):
        more = page.more
        if reader.take(_shown(page)) and not new:
            return "known" if more else "end"
    return "cut" if more else "end"


async def _discussions(api: Api, reader: _Lists, address: str) -> str:
    """Read the stories that point to the canonical `address`: to the `end`, or `cut`.

    The index compares words, also in part: only a story whose own address is the same counts.
    """
    more = False
    async for page in api.pages(
        "search",
        query=address.removeprefix("https://")[:_LONGEST_QUERY],
        tags="story",
        restrictSearchableAttributes="url",
    ):
        more = page.more
        same = [one for one in _shown(page) if one.url and canonical_url(one.url) == address]
        reader.take(same)
        for item in same:
            reader.follow(item)
    return "cut" if more else "end"


def _shown(page: Page) -> list[Item]:
    return [item for hit in page.hits if (item := hit.item()) is not None]


class _Lists:
    """Takes items off lists into a harvest, each once."""

    def __init__(self, ask: Ask, harvest: Harvest) -> None:
        self.ask = ask
        self.harvest = harvest
        self.taken: set[int] = set()
        self.live = ask.memory.live()

    def take(self, items: list[Item]) -> bool:
        """Take items; True if one of them was known before this poll.

        What was deleted since it was shown stays so: the index lags, and is no witness.
        """
        known = self.ask.memory.seen(post_id(item.number) for item in items)
        for item in items:
            one = post_id(item.number)
            if item.number in self.taken or (one in known and one not in self.live):
                continue
            self.taken.add(item.number)
            self.harvest.posts.append(to_post(item))
            if (counted := counters(item)) is not None:
                self.harvest.engagement.append(counted)
        return bool(known)

    def begin_thread(self, item: Item) -> None:
        """Watch the thread under a story, if there is or may be one."""
        if item.kind != "comment" and (item.comments or self.ask.now - item.at < _YOUNG):
            self.follow(item)

    def follow(self, item: Item) -> None:
        """Watch the thread under an item."""
        one = post_id(item.number)
        found = self.ask.source.find(SourceKind.THREAD, str(item.number), root_id=one)
        self.harvest.found.append(found)
