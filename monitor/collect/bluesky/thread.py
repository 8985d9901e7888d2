"""One announcement on Bluesky: its reply tree, its quotes, its counters, and what is missing.

An AppView shows less than it counts: blocks, even between two repliers, and deleted posts take
whole branches out of its answers without a word. So the tree is read to its end first; then posts
that we know and that did not come are asked for by name; then the feeds of those who take part
are searched; the rest is reported as gaps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from monitor.collect.bluesky.api import DEFAULT_BASE, Api, ThreadAnswer
from monitor.collect.bluesky.tree import Tree
from monitor.collect.bluesky.views import (
    PostView,
    at_uri,
    count,
    counters,
    hidden_replies,
    is_post,
    place,
    post_id,
    quotes,
    to_post,
    when,
    withheld,
)
from monitor.collect.protocol import Ask
from monitor.errors import (
    AccessDenied,
    BadAnswer,
    Gone,
    HttpError,
    SourceError,
    Throttled,
    Unreachable,
)
from monitor.types import Claim, Gap, GapReason, Harvest, PostState, SourceKind

__all__ = ["read_thread"]

_MAX_TREE = 200  # requests for the tree, a poll
_MAX_LOOKS = 40  # pages of author feeds, a poll
_PAGES_EACH = 3  # pages of one author's feed
_MAX_QUOTE_PAGES = 20
_MAX_RECHECKS = 1000  # known posts that did not come, asked for by name, a poll
_FOLLOWERS_AGE = timedelta(days=1)


async def read_thread(ask: Ask, harvest: Harvest) -> None:
    """Fill `harvest` with the thread that `ask.source.target` names (at-uri or address).

    Raises:
        Gone: the post does not exist and was never seen.
        SourceError: anything else that kept us from reading on.
    """
    api = Api(ask.http, ask.base_url or DEFAULT_BASE)
    harvest.state = dict(ask.state)
    uri = await _resolve(ask, harvest, api)
    harvest.resolved = post_id(uri)
    await _Thread(ask, harvest, api, uri).read()


async def _resolve(ask: Ask, harvest: Harvest, api: Api) -> str:
    """The at-uri of the target; a handle is asked for once, it may change hands later."""
    target = ask.source.target
    kept = ask.state.get("uri")
    if isinstance(kept, str) and ask.state.get("target") == target:
        return kept
    named = at_uri(target.removeprefix("bluesky:"))
    if named is None:
        raise SourceError(
            f"{target[:200]!r} names no Bluesky post: give at://…/app.bsky.feed.post/… "
            "or https://bsky.app/profile/…/post/…",
            url=target,
        )
    who, key = named
    did = who if who.startswith("did:") else await api.did(who.removeprefix("@"))
    uri = f"at://{did}/app.bsky.feed.post/{key}"
    if not is_post(uri):
        raise SourceError(f"{target[:200]!r} names no Bluesky post: {did[:100]!r} is no id")
    harvest.state |= {"uri": uri, "target": target}
    return uri


class _Thread:
    """One reading of one thread."""

    def __init__(self, ask: Ask, harvest: Harvest, api: Api, uri: str) -> None:
        self.ask = ask
        self.harvest = harvest
        self.api = api
        self.uri = uri
        self.live = ask.memory.live()
        self.tree = Tree(uri, lost=Counter(_counts(ask.state.get("lost"))))
        self.others: set[str] = set()  # posts shown that stand in no tree of ours: quotes
        self.removed: dict[str, None] = {}
        self.gone: set[str] = set()  # asked for by name and not returned
        self.gaps: list[Gap] = []
        self.hidden = _known_hidden(ask)
        self.followers: int | None = None
        self.looks_left = _MAX_LOOKS

    async def read(self) -> None:
        await self._announcer()
        served = await self._root()
        if served:
            await self._quotes()
        if not self.tree.capped:
            await self._recheck()
            if served:
                self._note_lost()
                await self._search()
            await self._close_parents()
        self._finish(served=served)

    # The announcer's followers, once a day: they change slowly.

    async def _announcer(self) -> None:
        state = self.harvest.state
        asked_at = when(state.get("followers_at"))
        if asked_at is None or self.ask.now - asked_at >= _FOLLOWERS_AGE:
            try:
                profile = await self.api.profile(self.uri.split("/")[2])
            except Throttled:
                raise
            except HttpError:
                return
            state["followers"] = count(profile.followers_count)
            state["followers_at"] = self.ask.now.isoformat()
        self.followers = state.get("followers")

    # The tree as the network shows it.

    async def _root(self) -> bool:
        """Read the tree; False if its first post is not served any more."""
        try:
            answer = await self.api.thread(self.uri)
            self._gate(answer)
            cut = self._take(answer, self.uri)
        except Gone:
            if not self.harvest.state.get("shown"):
                raise
            return False
        if self.uri not in self.tree.posts:
            if not self.harvest.state.get("shown"):
                raise Gone(
                    f"{answer.url}: the post is deleted or blocked", url=answer.url, status=200
                )
            return False
        self.harvest.state["shown"] = True
        await self._branches(cut)
        return True

    def _gate(self, answer: ThreadAnswer) -> None:
        """Whom the announcer hides; the gate stands beside the thread or on its first post."""
        post = answer.thread.get("post")
        if isinstance(post, dict):
            self.hidden = hidden_replies(answer.threadgate or post.get("threadgate"))

    def _take(self, answer: ThreadAnswer, asked: str) -> list[str]:
        fresh, cut = self.tree.take(answer)
        first = answer.thread.get("post")
        if isinstance(first, dict) and first.get("uri") != asked:
            raise BadAnswer(
                f"{answer.url}: asked for {asked}, got {str(first.get('uri'))[:200]}; "
                "the answer is kept",
                url=answer.url,
                payload=answer.body,
            )
        for view in fresh:
            self._show(view)
        return cut

    async def _branches(self, uris: Iterable[str]) -> None:
        """Go on where an answer stopped, each post once, within the poll's budget."""
        waiting = list(uris)
        asked: set[str] = set()
        while waiting:
            uri = waiting.pop()
            if uri in self.tree.expanded:
                continue
            if uri in asked:
                self.tree.capped[uri] = GapReason.DEPTH_CAP
            elif self.api.spent >= _MAX_TREE:
                self.tree.capped[uri] = GapReason.PAGE_CAP
            else:
                asked.add(uri)
                waiting += await self._branch(uri)

    async def _branch(self, uri: str) -> list[str]:
        try:
            return self._take(await self.api.thread(uri), uri)
        except Gone:  # deleted while we read
            return []

    # Quotes.

    async def _quotes(self) -> None:
        listed = kept_back = pages = 0
        top = self.tree.posts[self.uri]
        try:
            async for page in self.api.quotes(self.uri):
                if pages == _MAX_QUOTE_PAGES:
                    unread = max(0, (count(top.quote_count) or 0) - listed) or None
                    self.gaps.append(self._quote_gap(GapReason.PAGE_CAP, unread))
                    break
                pages += 1
                listed += len(page.posts)
                kept_back += sum(self._quote(view) for view in page.posts)
        except Gone:
            return
        if kept_back:
            self.gaps.append(self._quote_gap(GapReason.POLICY, kept_back))

    def _quote_gap(self, reason: GapReason, missing: int | None) -> Gap:
        top = None if withheld(self.tree.posts[self.uri]) else post_id(self.uri)
        return Gap(reason=reason, post_id=top, missing=missing, concerns="posts")

    def _quote(self, view: PostView) -> bool:
        """Take a quote; True if its author does not want it stored."""
        if view.uri in self.tree.posts or view.uri in self.others:
            return False
        self.others.add(view.uri)
        self._show(view)
        if not withheld(view) and view.reply_count:
            found = self.ask.source.find(SourceKind.THREAD, view.uri, root_id=post_id(view.uri))
            self.harvest.found.append(found)
        return withheld(view)

    # What we know, or know of, and did not see.

    async def _recheck(self) -> None:
        """Ask by name for posts that did not come: those not returned are gone."""
        known = [uri for uri in self._unseen() if is_post(uri)]
        asked = self._in_turn(known)
        blocked = [uri for uri in self.tree.blocked if is_post(uri)][:_MAX_RECHECKS]
        views = await self.api.posts([*asked, *blocked])
        served = {view.uri for view in views}
        self.gone = set(asked) - served
        self.removed |= {post_id(uri): None for uri in asked if uri in self.gone}
        await self._adopt(views, known=set(known))

    def _unseen(self) -> list[str]:
        uris = {post.removeprefix("bluesky:") for post in self.live}
        if self.uri not in self.tree.posts and self.harvest.state.get("shown"):
            uris.add(self.uri)
        return sorted(uris - set(self.tree.posts) - self.others)

    def _in_turn(self, uris: list[str]) -> list[str]:
        """As many as one poll may ask for; the next poll goes on behind the last of them."""
        if len(uris) <= _MAX_RECHECKS:
            self.harvest.state.pop("rechecked", None)
            return uris
        last = str(self.harvest.state.get("rechecked", ""))
        turn = [uri for uri in uris if uri > last] + [uri for uri in uris if uri <= last]
        chosen = turn[:_MAX_RECHECKS]
        self.harvest.state["rechecked"] = chosen[-1]
        if self.uri in uris and self.uri not in chosen:
            chosen.append(self.uri)
        return chosen

    async def _adopt(self, views: Iterable[PostView], known: Iterable[str] = ()) -> None:
        """Take posts that came outside of the tree, and what hangs under them."""
        branches = []
        for view in sorted(views, key=place):
            if view.uri in self.tree.posts or view.uri in self.others:
                continue
            if view.uri == self.uri or self.tree.belongs(view):
                self.tree.add(view)
                self._show(view)
                if view.reply_count:
                    branches.append(view.uri)
            elif view.uri in known:
                self.others.add(view.uri)
                self._show(view)
        await self._branches(reversed(branches))

    def _note_lost(self) -> None:
        """Replies that we hold and whose accounts went away are claimed still, and no gap."""
        self.tree.forget_lost()
        before = _counts(self.ask.state.get("missing"))
        gone = Counter(
            known.reply_to_id.removeprefix("bluesky:")
            for one in self.removed
            if (known := self.live.get(one)) and known.reply_to_id
        )
        now = self.tree.missing()
        for uri, number in gone.items():
            grown = now.get(uri, 0) - before.get(uri, 0)
            self.tree.lost[uri] += max(0, min(number, grown))

    async def _search(self) -> None:
        """Look for missing replies in the feeds of those who take part, once a set of claims.

        What is missing is compared as it stands before the search: a reply that is found again and
        again and may not be stored would else begin it anew each time.
        """
        sought, missing = _counts(self.ask.state.get("sought")), self.tree.missing()
        same = all(number <= sought.get(uri, 0) for uri, number in missing.items())
        self.harvest.state["sought"] = missing
        kept = self.ask.state.get("looked")
        looked = set(kept) if same and isinstance(kept, list) else set()
        since = place(self.tree.posts[self.uri])
        writers = Counter(v.author.did for v in self.tree.posts.values() if not withheld(v))
        for did, _ in writers.most_common():
            if did in looked or not self.tree.missing():
                continue
            if self.looks_left <= 0:
                break
            try:
                await self._look(did, since)
            except (Throttled, Unreachable):
                break
            looked.add(did)
        self.harvest.state["looked"] = sorted(looked & set(writers)) if missing else []

    async def _look(self, did: str, since: datetime) -> None:
        pages = 0
        try:
            async for page in self.api.author_feed(did):
                pages += 1
                self.looks_left -= 1
                own = [item.post for item in page.feed if item.post.author.did == did]
                await self._adopt([view for view in own if self.tree.belongs(view)])
                for view in own:  # a block hides quotes, too
                    if quotes(view, self.uri):
                        self._quote(view)
                if pages == _PAGES_EACH or any(place(view) < since for view in own[-1:]):
                    return
        except (Gone, AccessDenied):
            return

    async def _close_parents(self) -> None:
        """Parents that posts name and that did not come: served after all, or deleted."""
        strange: set[str] = set()
        while asked := {uri for uri in self.tree.orphans() - strange if is_post(uri)}:
            views = await self.api.posts(sorted(asked - self.gone))
            served = {view.uri for view in views}
            self.tree.deleted |= asked - served
            await self._adopt(views)
            strange |= served

    # The harvest.

    def _show(self, view: PostView) -> None:
        if withheld(view):
            if post_id(view.uri) in self.live:
                self.removed[post_id(view.uri)] = None
            return
        announcer = view.author.did == self.uri.split("/")[2]
        followers = self.followers if announcer else None
        post = to_post(view, hidden=view.uri in self.hidden, followers=followers)
        self.harvest.posts.append(post)
        self.harvest.engagement.append(counters(view))
        claimed = count(view.reply_count)
        if claimed is not None and view.uri not in self.others:
            self.harvest.claims.append(Claim(post.post_id, claimed, "direct"))

    def _finish(self, *, served: bool) -> None:
        cut = any(gap.reason is GapReason.PAGE_CAP for gap in self.gaps)
        self.harvest.complete = served and not self.tree.capped and not cut
        self.harvest.removed = [one for one in self.removed if one in self.live]
        self.harvest.gaps = self.gaps + self.tree.gaps()
        self.harvest.state["missing"] = self.tree.missing()
        self.harvest.state["lost"] = dict(+self.tree.lost)


def _counts(kept: Any) -> dict[str, int]:
    return dict(kept) if isinstance(kept, dict) else {}


def _known_hidden(ask: Ask) -> frozenset[str]:
    """What was hidden the last time; holds where the announcer's choice can't be read any more."""
    known = ask.memory.live().values()
    hidden = (one.post_id for one in known if one.state is PostState.HIDDEN)
    return frozenset(one.removeprefix("bluesky:") for one in hidden)
