"""Any ActivityPub server with Mastodon's API, read without a login."""

from __future__ import annotations

from datetime import timedelta

from monitor.collect.by_kind import read_by_kind
from monitor.collect.mastodon.lists import read_account, read_search
from monitor.collect.mastodon.thread import read_thread
from monitor.collect.protocol import Ask
from monitor.types import Harvest, Policy, SourceKind

__all__ = ["Mastodon"]

_READERS = {
    SourceKind.THREAD: read_thread,
    SourceKind.ACCOUNT: read_account,
    SourceKind.SEARCH: read_search,
}


class Mastodon:
    """Threads, accounts, and hashtags. What is not public or unlisted is not stored."""

    network = "mastodon"
    policy = Policy(recheck_deleted_every=timedelta(days=1))

    async def poll(self, ask: Ask, harvest: Harvest) -> None:
        """Read one thread, account or search.

        Raises:
            Gone: the post or account does not exist (any more).
            AccessDenied: the server shows it to nobody without a login.
            BadAnswer: an answer is not what is documented; the field is named.
            SourceError: another failure, or a kind of source that Mastodon does not have.
        """
        await read_by_kind(self.network, _READERS, ask, harvest)
