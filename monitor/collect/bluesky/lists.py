"""What one account posts, and what searches find: lists, newest first."""

from __future__ import annotations

from datetime import timedelta

from monitor.collect.bluesky.api import DEFAULT_BASE, Api
from monitor.collect.bluesky.views import PostView, counters, post_id, to_post, when, withheld
from monitor.collect.protocol import Ask
from monitor.errors import AccessDenied
from monitor.types import Gap, GapReason, Harvest, SourceKind

__all__ = ["read_account", "read_search"]

_MAX_PAGES = 10
_YOUNG = timedelta(days=3)  # so long a post without replies is watched as a thread


async def read_account(ask: Ask, harvest: Harvest) -> None:
    """Fill `harvest` with what the account `ask.source.target` (handle or did) posts.

    Reads back to a post that is known, or ten pages. Posts that begin a thread are found sources.

    Raises:
        Gone: there is no such account, or no longer.
    """
    api = Api(ask.http, ask.base_url or DEFAULT_BASE)
    reader = _Lists(ask, harvest)
    pages = 0
    harvest.ordered = True
    async for page in api.author_feed(_actor(ask.source.target)):
        pages += 1
        own = [item.post for item in page.feed if not item.reason]
        overlap = reader.take(own)
        for view in own:
            reader.begin_thread(view)
        harvest.complete = not page.cursor
        if overlap or pages == _MAX_PAGES:
            break
    reader.finish()


def _actor(target: str) -> str:
    """The handle or did in `bluesky:name`, `@name`, or a profile's address."""
    name = target.removeprefix("bluesky:")
    _, found, rest = name.partition("bsky.app/profile/")
    return (rest.split("/")[0] if found else name).removeprefix("@")


async def read_search(ask: Ask, harvest: Harvest) -> None:
    """Fill `harvest` with what each of `ask.source.queries` finds.

    Each query is read back to a post that is known, or ten pages; a new query is not stopped by
    what the others found before it.

    Raises:
        AccessDenied: this AppView does not search without a login.
    """
    api = Api(ask.http, ask.base_url or DEFAULT_BASE)
    reader = _Lists(ask, harvest)
    queries = list(dict.fromkeys(ask.source.queries or (ask.source.target,)))
    ends = []
    for query in queries:
        try:
            ends.append(await _search(api, reader, query))
        except AccessDenied as error:
            raise AccessDenied(
                f"{error.url}: searching needs a login at this AppView (HTTP {error.status}); "
                "name one that allows it as network.bluesky.base_url, or leave search off",
                url=error.url or "",
                status=error.status,
                body=error.body,
            ) from error
    cut = "cut" in ends
    harvest.complete = all(end == "end" for end in ends)
    harvest.ordered = not cut or len(queries) == 1
    if cut and len(queries) > 1:
        harvest.gaps.append(Gap(reason=GapReason.PAGE_CAP, concerns="posts"))
    harvest.state["queries"] = queries
    reader.finish()


async def _search(api: Api, reader: _Lists, query: str) -> str:
    """Read one query: to its `end`, to a `known` post, or to the last page allowed (`cut`)."""
    new = query not in (reader.ask.state.get("queries") or ())
    pages = 0
    async for page in api.search(_phrase(query)):
        pages += 1
        overlap = reader.take(page.posts)
        if not page.cursor:
            return "end"
        if overlap and not new:
            return "known"
        if pages == _MAX_PAGES:
            break
    return "cut"


def _phrase(query: str) -> str:
    """Words that belong together are searched as one phrase."""
    bare = query.strip()
    return f'"{bare}"' if " " in bare and '"' not in bare else bare


class _Lists:
    """Takes posts off lists into a harvest, each once."""

    def __init__(self, ask: Ask, harvest: Harvest) -> None:
        self.ask = ask
        self.harvest = harvest
        self.taken: set[str] = set()
        self.kept_back = bool(ask.state.get("kept_back"))
        harvest.state = dict(ask.state)

    def take(self, views: list[PostView]) -> bool:
        """Store what may be stored; True if one of them was known before."""
        fresh = [view for view in views if view.uri not in self.taken]
        self.taken |= {view.uri for view in views}
        for view in fresh:
            if withheld(view):
                self._keep_back(view)
            else:
                self.harvest.posts.append(to_post(view))
                self.harvest.engagement.append(counters(view))
        return bool(self.ask.memory.seen(post_id(view.uri) for view in views))

    def _keep_back(self, view: PostView) -> None:
        self.kept_back = True
        if post_id(view.uri) in self.ask.memory.live():
            self.harvest.removed.append(post_id(view.uri))

    def begin_thread(self, view: PostView) -> None:
        """Watch the thread under a post that answers none, if there is or may be one."""
        posted = when(view.indexed_at)
        young = posted is not None and self.ask.now - posted < _YOUNG
        if view.record.reply or withheld(view) or not (view.reply_count or young):
            return
        found = self.ask.source.find(SourceKind.THREAD, view.uri, root_id=post_id(view.uri))
        self.harvest.found.append(found)

    def finish(self) -> None:
        """Say that something is kept back by policy; how much, a list read in part can't say."""
        self.harvest.state["kept_back"] = self.kept_back
        if self.kept_back:
            self.harvest.gaps.append(Gap(reason=GapReason.POLICY, concerns="posts"))
