"""One post and all that answers it, from its server and from those of the people who take part.

Without a login a server cuts contexts off, and it only has the replies that reached it. So the tree
is read on where it was cut; then the servers of the authors whose posts lack replies are asked;
known posts that did not come are asked for by name; the rest is reported as gaps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from monitor.collect.mastodon.api import Api
from monitor.collect.mastodon.parse import Status, counters, place, post_id, to_post
from monitor.collect.mastodon.revisions import Revisions
from monitor.collect.mastodon.tree import Tree
from monitor.collect.protocol import Ask
from monitor.errors import Gone, SourceError, Throttled
from monitor.types import Claim, Gap, GapReason, Harvest

__all__ = ["read_thread"]

_MAX_TREE = 200  # requests for the tree, a poll
_MAX_LOOKS = 20  # requests to other servers for what is missing, a poll
_MAX_RECHECKS = 40  # known posts that did not come, a poll
_MAX_KEPT = 2000  # entries of a state


async def read_thread(ask: Ask, harvest: Harvest) -> None:
    """Fill `harvest` with the thread of the post that `ask.source.target` names.

    Raises:
        Gone: the post does not exist and was never seen.
        AccessDenied: the server shows it to nobody without a login.
        SourceError: anything else that kept us from reading on.
    """
    harvest.state = dict(ask.state)
    where = _kept(ask) or await _found(ask, harvest)
    await _Thread(ask, harvest, *where).read()


def _kept(ask: Ask) -> tuple[str, str, str] | None:
    """Server, id and uri, as an earlier poll found them."""
    where = ask.state.get("where")
    if ask.state.get("target") != ask.source.target or not isinstance(where, list):
        return None
    server, number, uri = where
    return server, number, uri


async def _found(ask: Ask, harvest: Harvest) -> tuple[str, str, str]:
    """Ask the configured server, then the one that the address names."""
    target = ask.source.target
    named = place(target)
    if named is None:
        raise SourceError(
            f"{target[:200]!r} names no post: give https://server/@name/ID or "
            "https://server/users/name/statuses/ID",
            url=target,
        )
    own, number = named
    servers = list(dict.fromkeys(one for one in (ask.base_url, own) if one))
    for server in servers:
        api = Api(ask.http, server)
        try:
            status = await api.status(number)
        except Gone:
            if server == servers[-1]:
                raise
            continue
        if api.server == own or _is_same(status, target):
            harvest.state |= {"target": target, "where": [api.server, number, status.uri]}
            return api.server, number, status.uri
    raise Gone(f"{target}: {servers[-1]} shows another post there", url=target, status=200)


def _is_same(status: Status, target: str) -> bool:
    """On another server an id may mean another post."""
    path = urlsplit(target.removeprefix("ap:")).path.rstrip("/")
    return path in (urlsplit(one or "").path.rstrip("/") for one in (status.url, status.uri))


class _Thread:
    """One reading of one thread."""

    def __init__(self, ask: Ask, harvest: Harvest, server: str, number: str, uri: str) -> None:
        self.ask = ask
        self.harvest = harvest
        self.number = number
        self.api = Api(ask.http, server)
        self.home = (place(ask.source.target) or (server, ""))[0]
        self.others: dict[str, Api] = {}
        self.tree = Tree(uri)
        self.root = uri
        self.above: str | None = None
        self.live = ask.memory.live()
        self.capped: set[str] = set()
        self.looks = _MAX_LOOKS
        self.revisions = Revisions(harvest.state)
        harvest.resolved = post_id(uri)

    async def read(self) -> None:
        served = await self._top()
        if served:
            await self._elsewhere()
        await self._recheck()
        self._finish(served=served)

    # The tree as its server shows it.

    async def _top(self) -> bool:
        """Read the tree; False if its first post is not served any more."""
        try:
            status = await self.api.status(self.number)
        except Gone:
            if not self.harvest.state.get("shown"):
                raise
            self.harvest.removed.append(post_id(self.tree.top))
            return False
        if not status.is_shown:
            raise SourceError(
                f"{self.ask.source.target}: is a repost, or not for everybody; give the address of "
                "a public post",
                url=self.ask.source.target,
            )
        around = await self.api.context(self.number)
        self.tree.learn(self.api.server, [*around.ancestors, status])
        if around.ancestors:
            self.above = around.ancestors[-1].uri
            first = around.ancestors[0]
            self.root = first.uri if first.in_reply_to_id is None else self.root
        self.tree.add(self.api.server, status)
        await self._show(self.api, [status])
        fresh, doubtful = self.tree.take(self.api.server, status.uri, around.descendants)
        await self._show(self.api, fresh)
        self.harvest.state["shown"] = True
        await self._branches(doubtful, asked={status.uri})
        return True

    async def _branches(self, waiting: Iterable[str], asked: set[str]) -> None:
        """Go on where an answer may have been cut, each post once, within the poll's budget."""
        stack = list(waiting)
        while stack:
            uri = stack.pop()
            if uri in asked or uri not in self.tree.missing():
                continue
            if self.api.spent >= _MAX_TREE:
                self.capped.add(uri)
                continue
            asked.add(uri)
            server, number = self.tree.places[uri]
            try:
                around = await self.api.context(number)
            except Gone:  # deleted while we read
                continue
            fresh, doubtful = self.tree.take(server, uri, around.descendants)
            await self._show(self.api, fresh)
            stack += doubtful

    # What never reached that server.

    async def _elsewhere(self) -> None:
        """Ask the servers of authors whose posts lack replies, once a number of claims."""
        looked = _numbers(self.harvest.state.get("looked"))
        for uri in sorted(self.tree.missing(), key=lambda one: one != self.tree.top):
            claimed = self.tree.claims[uri]
            where = self.tree.posts[uri].home
            if uri in self.capped or where is None or looked.get(uri, -1) >= claimed:
                continue
            server = self._server(where[0])
            if server == self.api.server or self.looks <= 0:
                continue
            await self._look(server, where[1], uri)
            if self.looks > 0:  # else not all that it shows was asked for
                looked[uri] = claimed
        kept = {uri: n for uri, n in looked.items() if uri in self.tree.claims}
        self.harvest.state["looked"] = dict(list(kept.items())[-_MAX_KEPT:])

    async def _look(self, server: str, number: str, uri: str) -> None:
        api = self._api(server)
        self.looks -= 1
        try:
            around = await api.context(number)
        except Throttled:
            raise
        except SourceError:  # gone, locked, or no server of that kind: nothing is known by it
            return
        self.tree.ids[server, number] = uri
        self.tree.learn(server, around.descendants)
        found = [
            status
            for one in around.descendants
            if one.uri not in self.tree.posts and self.tree.parent(server, one) is not None
            if (status := await self._vouched(server, one)) is not None
        ]
        await self._show(api, self.tree.take(server, uri, found)[0])

    async def _vouched(self, server: str, status: Status) -> Status | None:
        """A post as its own server shows it: another may say anything of it. Its place stays."""
        where = place(status.uri)
        if where is None or self._server(where[0]) == server:
            return status if where is not None else None
        if self.looks <= 0:
            return None
        self.looks -= 1
        try:
            own = await self._api(self._server(where[0])).status(where[1])
        except Throttled:
            raise
        except SourceError:
            return None
        if own.uri != status.uri:
            return None
        return msgspec.structs.replace(own, id=status.id, in_reply_to_id=status.in_reply_to_id)

    def _server(self, named: str) -> str:
        """The announcement's host may be asked at a configured address."""
        return self.api.server if named == self.home else named

    def _api(self, server: str) -> Api:
        if server == self.api.server:
            return self.api
        return self.others.setdefault(server, Api(self.ask.http, server))

    # What we know and did not see.

    async def _recheck(self) -> None:
        """Ask for known posts that did not come where they were written: 404 means gone."""
        seen = {post_id(uri) for uri in self.tree.posts} | set(self.harvest.removed)
        doubtful = sorted(one for one in self.live if one not in seen)
        last = str(self.harvest.state.get("rechecked", ""))
        turn = [one for one in doubtful if one > last] + [one for one in doubtful if one <= last]
        for one in turn[:_MAX_RECHECKS]:
            self.harvest.state["rechecked"] = one
            where = place(one)
            if where is None:
                continue
            api = self._api(self._server(where[0]))
            try:
                status = await api.status(where[1])
            except Gone:
                self.harvest.removed.append(one)
                continue
            except Throttled:
                raise
            except SourceError:
                continue
            if post_id(status.uri) == one:
                await self._adopt(api, status, one)

    async def _adopt(self, api: Api, status: Status, one: str) -> None:
        """A known post is served, but not in its place: it stays where it was."""
        known = self.live[one]
        if self.tree.add(api.server, status):
            above = (known.reply_to_id or "").removeprefix("ap:") or None
            self.tree.parents[status.uri] = self.tree.parents[status.uri] or above
            await self._show(api, [status])

    # The harvest.

    async def _show(self, api: Api, statuses: Iterable[Status]) -> None:
        for status in statuses:
            above = self.above if status.uri == self.tree.top else self.tree.parents[status.uri]
            post = to_post(status, parent=above, root=self.root)
            self.harvest.posts.append(await self.revisions.of(api, status, post))
            self.harvest.engagement.append(counters(status))
            if status.replies_count is not None:
                self.harvest.claims.append(Claim(post.post_id, status.replies_count, "direct"))

    def _finish(self, *, served: bool) -> None:
        missing = self.tree.missing()
        for uri, number in missing.items():
            reason = GapReason.UNEXPLAINED
            if uri in self.capped:
                reason = GapReason.PAGE_CAP
            elif uri in self.tree.cut:  # no way leads to what stands behind
                reason = GapReason.DEPTH_CAP
            self.harvest.gaps.append(Gap(reason=reason, post_id=post_id(uri), missing=number))
        self.harvest.removed = [one for one in self.harvest.removed if one in self.live]
        cut = missing.keys() & self.tree.cut
        self.harvest.complete = served and not self.capped and not cut
        self.revisions.keep(self.harvest.state)


def _numbers(kept: Any) -> dict[str, int]:
    pairs = kept.items() if isinstance(kept, dict) else ()
    return {str(uri): int(number) for uri, number in pairs}
