"""What one account posts, and what bears a company's hashtags: lists, newest first."""

from __future__ import annotations

import re
from datetime import timedelta

from monitor.collect.mastodon.api import DEFAULT_SERVER, Api
from monitor.collect.mastodon.parse import Status, counters, post_id, to_post
from monitor.collect.protocol import Ask
from monitor.errors import Gone, SourceError
from monitor.types import Gap, GapReason, Harvest, SourceKind

__all__ = ["hashtag", "read_account", "read_search"]

_MAX_PAGES = 10
_MAX_PARENTS = 20  # posts asked for because an own one answers them, a poll
_MAX_KEPT = 500
_YOUNG = timedelta(days=3)  # so long a post without replies is watched as a thread
_NAME = re.compile(r"@?([\w.-]{1,100})(?:@([\w.-]+(?::\d+)?))?")


async def read_account(ask: Ask, harvest: Harvest) -> None:
    """Fill `harvest` with what the account `name@host` posts.

    Reads back to a post that is known, or ten pages. Posts that begin a thread are found sources.

    Raises:
        Gone: there is no such account, or no longer.
    """
    target = ask.source.target.removeprefix("mastodon:")
    named = _NAME.fullmatch(target)
    if named is None:
        raise SourceError(f"{target[:100]!r} is no account: write @name@server", url=target)
    name, host = named.groups()
    api = Api(ask.http, ask.base_url or (f"https://{host}" if host else DEFAULT_SERVER))
    account = await api.account(f"{name}@{host}" if ask.base_url and host else name)
    reader = _Lists(ask, harvest, api)
    harvest.ordered = True
    pages = 0
    async for page, more in api.posts_of(account.id):
        pages += 1
        overlap = await reader.take(page)
        for status in page:
            reader.begin_thread(status)
        harvest.complete = not more
        if overlap or pages == _MAX_PAGES:
            break
    reader.finish()


async def read_search(ask: Ask, harvest: Harvest) -> None:
    """Fill `harvest` with what bears the names in `ask.source.queries` as a hashtag.

    Words can be searched with a login only. Each tag is read back to a post that is known, or ten
    pages; a new one is not stopped by what the others found before it.

    Raises:
        AccessDenied: this server shows hashtags to nobody without a login.
    """
    api = Api(ask.http, ask.base_url or DEFAULT_SERVER)
    reader = _Lists(ask, harvest, api)
    asked = ask.source.queries or (ask.source.target,)
    tags = list(dict.fromkeys(tag for query in asked if (tag := hashtag(query))))
    known = set(ask.state.get("tags") or ())
    ends = [await _search(api, reader, tag, new=tag not in known) for tag in tags]
    cut = "cut" in ends
    harvest.complete = all(end == "end" for end in ends)
    harvest.ordered = not cut or len(tags) == 1
    if cut and len(tags) > 1:
        harvest.gaps.append(Gap(reason=GapReason.PAGE_CAP, concerns="posts"))
    harvest.state["tags"] = tags
    reader.finish()


def hashtag(name: str) -> str:
    """A name as people write it behind `#`: letters and digits alone.

    >>> hashtag("Northwind Energy")
    'northwindenergy'
    """
    return "".join(filter(str.isalnum, name.casefold()))


async def _search(api: Api, reader: _Lists, tag: str, *, new: bool) -> str:
    """Read one tag: to its `end`, to a `known` post, or to the last page allowed (`cut`)."""
    pages = 0
    async for page, more in api.tagged(tag):
        pages += 1
        overlap = await reader.take(page)
        if not more:
            return "end"
        if overlap and not new:
            return "known"
        if pages == _MAX_PAGES:
            break
    return "cut"


class _Lists:
    """Takes posts off lists into a harvest, each once."""

    def __init__(self, ask: Ask, harvest: Harvest, api: Api) -> None:
        self.ask = ask
        self.harvest = harvest
        self.api = api
        kept = ask.state.get("parents")
        self.uris: dict[str, str] = dict(kept) if isinstance(kept, dict) else {}
        self.taken: set[str] = set()
        self.left = _MAX_PARENTS
        harvest.state = dict(ask.state)

    async def take(self, page: list[Status]) -> bool:
        """Store what everybody may see; True if one of them was known before."""
        self.uris |= {status.id: status.uri for status in page}
        for status in page:
            if status.uri in self.taken or not status.is_shown:
                continue
            self.taken.add(status.uri)
            parent = await self._parent(status)
            self.harvest.posts.append(to_post(status, parent=parent))
            self.harvest.engagement.append(counters(status))
        return bool(self.ask.memory.seen(post_id(status.uri) for status in page))

    async def _parent(self, status: Status) -> str | None:
        """What a post answers, by its name everywhere; asked for where only an id is known."""
        above = status.in_reply_to_id
        if above is None or above in self.uris or self.left <= 0:
            return self.uris.get(above or "")
        self.left -= 1
        try:
            self.uris[above] = (await self.api.status(above)).uri
        except Gone:
            return None
        return self.uris[above]

    def begin_thread(self, status: Status) -> None:
        """Watch the thread under a post that answers none, if there is or may be one."""
        young = self.ask.now - status.created_at < _YOUNG
        if status.in_reply_to_id or not status.is_shown or not (status.replies_count or young):
            return
        found = self.ask.source.find(
            SourceKind.THREAD, status.url or status.uri, root_id=post_id(status.uri)
        )
        self.harvest.found.append(found)

    def finish(self) -> None:
        """Remember what posts answer."""
        self.harvest.state["parents"] = dict(list(self.uris.items())[-_MAX_KEPT:])
