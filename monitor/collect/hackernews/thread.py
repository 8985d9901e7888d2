"""One story or comment with all that is below it, from an index that lags and a site that does not.

The index (Algolia) shows a whole tree in one answer, minutes late; its list of new comments is a
little less late. The site's own API is true to the second and shows one item at a time. So the
tree is read from the index, the story's counters and whatever the index lacks from the site, and
nothing counts as deleted before the site says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.collect.hackernews.api import Api
from monitor.collect.hackernews.parse import (
    Fresh,
    Item,
    counters,
    number_of,
    post_id,
    to_post,
)
from monitor.collect.hackernews.tree import Thread, comments_below
from monitor.collect.protocol import Ask
from monitor.errors import BadAnswer, Gone, SourceError
from monitor.types import Claim, Gap, GapReason, Harvest

__all__ = ["read_thread"]

MAX_ASKED = 60  # single items asked of the site in one poll: a minute at the default rate
_MAX_LOOKS = 30  # comments asked for answers that nothing else shows
_TREE_EVERY = timedelta(minutes=15)
_LAG = timedelta(minutes=10)  # so late the index may add a comment among older ones
_LIST = 1000  # the most that one list holds
_MAX_LISTS = 30
_ASK_AGAIN = timedelta(days=1)  # what is dead may be brought back
_MAX_KEPT = 2000


async def read_thread(ask: Ask, harvest: Harvest) -> None:
    """Fill `harvest` with the thread that `ask.source.target` names (address, id or number).

    Raises:
        Gone: the item does not exist, or was deleted before we saw it.
        SourceError: anything else that kept us from reading on.
    """
    number = number_of(ask.source.target)
    if number is None:
        raise SourceError(
            f"{ask.source.target[:200]!r} names no item of Hacker News: give "
            "https://news.ycombinator.com/item?id=… or hackernews:…",
            url=ask.source.target,
        )
    harvest.resolved = post_id(number)
    harvest.state = dict(ask.state)
    await _Reading(ask, harvest, number).read()


class _Reading:
    """One reading of one thread."""

    def __init__(self, ask: Ask, harvest: Harvest, number: int) -> None:
        self.ask = ask
        self.harvest = harvest
        self.api = Api(ask.http, ask.base_url)
        self.known = _numbers(ask)
        self.thread = Thread(
            top=number,
            held={one: parent for one, parent in self.known.items() if one != number},
            gone=_gone(ask.state.get("gone")),
            story=ask.state.get("story"),
        )
        self.left = MAX_ASKED
        self.unasked: set[int] = set()
        self.cut = False
        self.emitted: set[int] = set()

    async def read(self) -> None:
        fresh = await self._top()
        if self.thread.story is not None:
            self._emit()
        is_whole = await self._index()
        if fresh is not None and not fresh.is_gone:  # whose story a comment belongs to is known now
            self.thread.items[fresh.id] = fresh.item(self.thread.story)
        self._emit()
        await self._bridge([*_waiting(self.ask.state), *(fresh.kids if fresh else [])])
        if is_whole:
            await self._confirm()
        await self._seek(fresh)
        self._emit()
        self._finish(is_whole=is_whole and not self.cut and not self.unasked)

    # The item itself, as the site shows it.

    async def _top(self) -> Fresh | None:
        number, one = self.thread.top, post_id(self.thread.top)
        fresh = await self.api.item(number)
        if fresh is not None and fresh.type != "comment":
            self.thread.story = number
        if fresh is not None and not fresh.is_gone:
            self.thread.items[number] = fresh.item(self.thread.story)
            if fresh.descendants is not None and fresh.type != "comment":
                self.harvest.claims = [Claim(one, max(fresh.descendants, 0), "tree")]
            return fresh
        if one not in self.ask.memory.seen([one]):
            what = "deleted or dead" if fresh else "no such item"
            url = f"https://news.ycombinator.com/item?id={number}"
            raise Gone(f"{url}: {what}", url=url, status=200)
        if number in self.known:
            self.harvest.removed.append(one)
        return fresh

    # What the index shows.

    async def _index(self) -> bool:
        """Read the tree when it is due, and always what is new; True if nothing is left out."""
        state, now = self.harvest.state, self.ask.now
        read_at = state.get("tree_at")
        due = not isinstance(read_at, str) or now - datetime.fromisoformat(read_at) >= _TREE_EVERY
        has_tree = due and await self._tree()
        if self.thread.story is not None:
            state["story"] = self.thread.story
            await self._list(since=self._since() if has_tree or not due else 0)
        if due and (has_tree or self.thread.story is not None):
            state["tree_at"] = now.isoformat()
            return True
        return False

    async def _tree(self) -> bool:
        """Take the tree; False where there is none yet, or one too deep for any JSON reader."""
        answer = await self.api.tree(self.thread.top)
        if answer is None:
            return False
        try:
            self.thread.take(answer)
        except BadAnswer as error:
            if isinstance(error.__cause__, RecursionError):
                return False
            raise
        return True

    def _since(self) -> int:
        """From when on the index may have added comments that we lack (seconds since 1970)."""
        times = [item.at for item in self.thread.items.values()]
        times += [known.created_at for known in self.ask.memory.live().values()]
        newest = max(times, default=datetime.fromtimestamp(0, UTC) + _LAG)
        return max(int((min(newest, self.ask.now) - _LAG).timestamp()), 0)

    async def _list(self, since: int) -> None:
        """Take the story's comments made after `since`, page by page backwards in time."""
        found: dict[int, Item] = {}
        until = ""
        for _ in range(_MAX_LISTS):
            page = await self.api.newest(
                tags=f"comment,story_{self.thread.story}",
                hitsPerPage=_LIST,
                numericFilters=f"created_at_i>{since}{until}",
            )
            shown = {int(hit.number): hit.item() for hit in page.hits}
            new = {number: item for number, item in shown.items() if number not in found}
            found |= {number: item for number, item in new.items() if item is not None}
            if page.total <= len(page.hits):
                break
            if not new:  # more than a page in one second
                self.cut = True
                break
            until = f",created_at_i<={min(hit.created_at_i for hit in page.hits)}"
        else:
            self.cut = True
        for item in comments_below(self.thread, found.values()):
            self.thread.show(replace(item, story=self.thread.story))

    # What the index lacks.

    async def _fetch(self, number: int) -> Fresh | None:
        """Ask the site for one item and note what it says; None where it can't be shown."""
        self.left -= 1
        fresh = await self.api.item(number)
        if fresh is None or fresh.is_gone or fresh.type != "comment":
            # One that was never seen may be too new: it is asked for again with the next tree.
            is_new = fresh is None and number not in self.known
            at = self.ask.now - (_ASK_AGAIN if is_new else timedelta(0))
            self.thread.lose(number, at.timestamp())
        else:
            self.thread.gone.pop(number, None)
            self.thread.holes.pop(number, None)
            self.thread.items[number] = fresh.item(self.thread.story)
        return fresh

    async def _bridge(self, kids: Iterable[int]) -> None:
        """Follow answers that the site names and the index lacks, and parents that nobody showed.

        What is deleted may have answers still.
        """
        waiting = [one for one in (*kids, *sorted(self.thread.parents())) if self._is_new(one)]
        while waiting and self.left > 0:
            number = waiting.pop()
            if not self._is_new(number):
                continue
            fresh = await self._fetch(number)
            if fresh is None:
                continue
            waiting += [kid for kid in fresh.kids if self._is_new(kid)]
            if fresh.parent is not None and number in self.thread.items:
                waiting += [fresh.parent] if self._is_new(fresh.parent) else []
        self.unasked |= {one for one in waiting if self._is_new(one)}

    def _is_new(self, number: int) -> bool:
        return not self.thread.knows(number) and (number > self.thread.top)

    async def _seek(self, fresh: Fresh | None) -> None:
        """Where the story counts more than we hold, ask its newest comments for their answers.

        Once for each comment that is lacking: what the count holds and nobody shows stays lacking.
        """
        claimed = fresh.descendants if fresh and not fresh.is_gone else None
        before = self.ask.state.get("short", 0)
        looks = _MAX_LOOKS
        if claimed is not None and claimed - len(self.thread.live()) > before:
            for number in sorted(self.thread.live(), reverse=True):
                if looks == 0 or self.left <= 0 or claimed <= len(self.thread.live()):
                    break
                looks -= 1
                asked = await self._fetch(number)
                await self._bridge(asked.kids if asked else [])
        if not self.unasked:
            short = 0 if claimed is None else claimed - len(self.thread.live())
            self.harvest.state["short"] = max(short, 0)

    # What is there no more.

    async def _confirm(self) -> None:
        """Ask the site for what the whole tree lacks or shows empty, in turn, within the bound."""
        again = self.ask.now.timestamp() - _ASK_AGAIN.total_seconds()
        thread = self.thread
        doubtful = (thread.held.keys() - thread.items.keys() - thread.gone.keys()) | set(
            thread.holes
        )
        doubtful |= {one for one, at in thread.gone.items() if at <= again}
        last = self.harvest.state.pop("asked", 0)
        turn = [one for one in sorted(doubtful) if one > last]
        turn += [one for one in sorted(doubtful) if one <= last]
        for number in turn:
            if self.left <= 0:
                return
            await self._fetch(number)
            self.harvest.state["asked"] = number

    # The harvest.

    def _emit(self) -> None:
        """Hand over what is certain: an error later on must not lose it."""
        for number in sorted(self.thread.items.keys() - self.emitted):
            item = self.thread.items[number]
            self.emitted.add(number)
            self.harvest.posts.append(to_post(item))
            counted = counters(item)
            if counted is not None and number == self.thread.top:
                self.harvest.engagement.append(counted)

    def _finish(self, *, is_whole: bool) -> None:
        thread, harvest = self.thread, self.harvest
        top = post_id(thread.top)
        gone = sorted(thread.gone.keys() & self.known.keys())
        harvest.removed += [post_id(one) for one in gone]
        lost = {post_id(one) for one in thread.gone}
        harvest.posts = [post for post in harvest.posts if post.post_id not in lost]
        named = thread.parents() & (thread.gone.keys() | thread.holes.keys())
        ids = {post_id(one) for one in named}
        for one in sorted(ids - self.ask.memory.seen(ids)):
            harvest.gaps.append(Gap(reason=GapReason.PARENT_DELETED, post_id=one))
        if self.cut or self.unasked:
            missing = len(self.unasked) if self.unasked and not self.cut else None
            harvest.gaps.append(Gap(reason=GapReason.PAGE_CAP, post_id=top, missing=missing))
        newest = sorted(thread.gone.items(), key=lambda pair: (-pair[1], pair[0]))[:_MAX_KEPT]
        harvest.state["waiting"] = sorted(self.unasked)[:_MAX_KEPT]
        harvest.state["gone"] = {str(number): at for number, at in newest}
        harvest.complete = is_whole


def _numbers(ask: Ask) -> dict[int, int | None]:
    """The items that this source has shown and that are believed live, each with its parent."""
    found = {}
    for known in ask.memory.live().values():
        number = number_of(known.post_id)
        if number is not None:
            found[number] = number_of(known.reply_to_id or "")
    return found


def _waiting(state: Mapping[str, object]) -> list[int]:
    """What an earlier poll knew of and could not ask for any more."""
    kept = state.get("waiting")
    return [int(one) for one in kept] if isinstance(kept, list) else []


def _gone(kept: object) -> dict[int, float]:
    pairs = kept.items() if isinstance(kept, dict) else ()
    return {int(number): float(at) for number, at in pairs}
