"""Hacker News, read from Algolia's index and the site's own API, without a login."""

from __future__ import annotations

from datetime import timedelta

from monitor.collect.by_kind import read_by_kind
from monitor.collect.hackernews.lists import read_account, read_search
from monitor.collect.hackernews.thread import read_thread
from monitor.collect.protocol import Ask
from monitor.types import Harvest, Policy, SourceKind

__all__ = ["HackerNews"]

_READERS = {
    SourceKind.THREAD: read_thread,
    SourceKind.ACCOUNT: read_account,
    SourceKind.SEARCH: read_search,
}


class HackerNews:
    """Threads, accounts, and searches for words or for discussions of an address."""

    network = "hackernews"
    policy = Policy(recheck_deleted_every=timedelta(days=1))

    async def poll(self, ask: Ask, harvest: Harvest) -> None:
        """Read one thread, account or search.

        Raises:
            Gone: the item or account does not exist (any more).
            BadAnswer: an answer is not what is documented; the field is named.
            SourceError: another failure, or a kind of source that Hacker News does not have.
        """
        await read_by_kind(self.network, _READERS, ask, harvest)
