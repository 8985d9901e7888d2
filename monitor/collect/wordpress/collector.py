"""WordPress: announcements and their comments by the REST API of each site.

The comment feed holds ten comments and loses a burst; the API lists all that are approved.
Pingbacks and trackbacks are listed nowhere without a login: they are kept where a comment names
one as its parent, and otherwise not seen.
"""

from __future__ import annotations

from monitor.collect.protocol import Ask
from monitor.collect.wordpress.site import poll_site
from monitor.collect.wordpress.thread import poll_thread
from monitor.errors import SourceError
from monitor.types import Harvest, Policy, SourceKind

__all__ = ["WordPress"]


class WordPress:
    """Reads posts with their comments (`THREAD`) and whole sites (`SITE`)."""

    network = "wordpress"
    policy = Policy()

    async def poll(self, ask: Ask, harvest: Harvest) -> None:
        """Read `ask.source` and fill `harvest`.

        Raises:
            SourceError: the source could not be read (to its end); what `harvest` holds is kept.
        """
        match ask.source.kind:
            case SourceKind.THREAD:
                await poll_thread(ask, harvest)
            case SourceKind.SITE:
                await poll_site(ask, harvest)
            case kind:
                raise SourceError(
                    f"{ask.source.source_id}: WordPress has no {kind} to read; "
                    "give the address of a post or of a site",
                    url=ask.source.target,
                )
