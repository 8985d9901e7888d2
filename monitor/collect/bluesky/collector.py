"""Bluesky, read from a public AppView without a login."""

from __future__ import annotations

from datetime import timedelta

from monitor.collect.bluesky.lists import read_account, read_search
from monitor.collect.bluesky.thread import read_thread
from monitor.collect.bluesky.views import WITHHELD
from monitor.collect.by_kind import read_by_kind
from monitor.collect.protocol import Ask
from monitor.types import Harvest, Policy, SourceKind

__all__ = ["Bluesky"]

_READERS = {
    SourceKind.THREAD: read_thread,
    SourceKind.ACCOUNT: read_account,
    SourceKind.SEARCH: read_search,
}


class Bluesky:
    """Threads, accounts and searches.

    Accounts that ask not to be shown without a login (`!no-unauthenticated`) are honoured: nothing
    of their posts is stored, and what is left out so is counted as a gap `policy`.
    """

    network = "bluesky"
    policy = Policy(recheck_deleted_every=timedelta(days=1), never_keep=(WITHHELD.encode(),))

    async def poll(self, ask: Ask, harvest: Harvest) -> None:
        """Read one thread, account or search.

        Raises:
            Gone: the post or account does not exist (any more).
            AccessDenied: this AppView does not search without a login.
            BadAnswer: an answer does not fit the lexicon; the field is named.
            SourceError: another failure, or a kind of source that Bluesky does not have.
        """
        await read_by_kind(self.network, _READERS, ask, harvest)
