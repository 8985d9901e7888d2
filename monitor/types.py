"""What flows through monitor: from a source's answer to the store.

Every `datetime` here is aware and in UTC. `None` means unknown, never zero and never "none".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from monitor.errors import SourceError

__all__ = [
    "IMPORT",
    "LISTS",
    "Claim",
    "Engagement",
    "Gap",
    "GapReason",
    "Harvest",
    "Imported",
    "Known",
    "Outcome",
    "Policy",
    "Poll",
    "Post",
    "PostState",
    "Relation",
    "Revision",
    "Source",
    "SourceKind",
]


IMPORT = "import"
"""The id of the one source that all imports form."""


class Relation(StrEnum):
    """How a post belongs to an event, in order of precedence."""

    ANNOUNCEMENT = "announcement"
    REPLY = "reply"
    QUOTE = "quote"
    REPOST = "repost"
    LINK = "link"
    PRESS = "press"
    MENTION = "mention"


class PostState(StrEnum):
    """What became of a post: served, gone, hidden by the announcer but served, erased by us."""

    LIVE = "live"
    DELETED = "deleted"
    HIDDEN = "hidden"
    ERASED = "erased"


class GapReason(StrEnum):
    """Why something was not seen."""

    NOT_RUNNING = "not_running"
    NOT_YET_WATCHED = "not_yet_watched"
    THROTTLED = "throttled"
    BUDGET = "budget"
    ERROR = "error"
    DEPTH_CAP = "depth_cap"
    PAGE_CAP = "page_cap"
    ACCESS = "access"
    POLICY = "policy"
    HIDDEN = "hidden"
    PARENT_DELETED = "parent_deleted"
    UNAVAILABLE = "unavailable"
    UNEXPLAINED = "unexplained"


class SourceKind(StrEnum):
    """What a source is, so that a collector knows how to read it."""

    FEED = "feed"  # a feed document; `root_id` set: its items answer that post
    ACCOUNT = "account"  # what one account posts
    SEARCH = "search"  # posts that match `queries`
    THREAD = "thread"  # one post, its reply tree, its quotes and its counters
    SITE = "site"  # all posts and comments of one site
    PAGE = "page"  # a web page: an announcement whose network is not known yet


LISTS = (SourceKind.FEED, SourceKind.ACCOUNT, SourceKind.SEARCH)
"""What goes on for ever and shows its newest posts."""

INTERVALS = {
    SourceKind.THREAD: timedelta(minutes=1),
    SourceKind.ACCOUNT: timedelta(minutes=2),
    SourceKind.SITE: timedelta(minutes=2),
    SourceKind.SEARCH: timedelta(minutes=5),
    SourceKind.FEED: timedelta(minutes=5),
    SourceKind.PAGE: timedelta(minutes=15),
}
"""How often a source is polled on average, where the configuration does not say how often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One thing to poll.

    `target` is what the collector asks for: a URL, an account, a native id. `companies` and
    `events` say whom it serves: they decide which events count it among their sources.
    `root_id` is the post that a thread or a comment feed belongs to, where it is known.
    `interval` is taken as written if it `is_fixed`; else it is what the source adds to the budget
    of polls that all adaptive sources share.
    """

    source_id: str
    network: str
    kind: SourceKind
    target: str
    origin: str  # config, company, event, found
    interval: timedelta
    is_fixed: bool = False
    queries: tuple[str, ...] = ()
    root_id: str | None = None
    companies: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()

    def find(self, kind: SourceKind, target: str, **more: Any) -> Source:
        """A source found while reading this one; it serves the same companies and events."""
        network = more.pop("network", self.network)
        return replace(
            self,
            source_id=f"{network}:{kind}:{target}",
            network=network,
            kind=kind,
            target=target,
            origin="found",
            interval=INTERVALS[kind],
            is_fixed=False,
            queries=(),
            root_id=more.pop("root_id", None),
            **more,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import states of a post beyond what a source shows.

    A stated `relation` stands as given; an `event_id` alone puts the post into the stream of that
    event's company. `score` is its sentiment in [-1, 1].
    """

    first_seen_at: datetime | None = None
    clock: str | None = None
    deleted_at: datetime | None = None
    language: str | None = None
    language_confidence: float | None = None
    event_id: str | None = None
    relation: Relation | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """How a post stood before an edit, and since when."""

    text: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A post, comment or article as one source showed it.

    `post_id` follows the identity rules (see `monitor.identity`); `aliases` are further ids under
    which other sources know the same post (a feed knows it by its link). `reply_to_id`, `root_id`
    and `quoted_id` may be aliases too. `title` and `text` are plain text. `claimed_at` is the
    author's word, `indexed_at` the network's own.
    """

    post_id: str
    url: str | None = None
    author_id: str | None = None
    author_handle: str | None = None
    author_name: str | None = None
    author_followers: int | None = None
    title: str | None = None
    text: str | None = None
    claimed_at: datetime | None = None
    indexed_at: datetime | None = None
    edited_at: datetime | None = None
    state: PostState = PostState.LIVE
    reply_to_id: str | None = None
    root_id: str | None = None
    quoted_id: str | None = None
    is_article: bool = False  # an article (of press or a newsroom), not a post or comment
    language_tag: str | None = None  # what the network says, not what we detect
    links: tuple[str, ...] = ()  # absolute http(s) addresses that the post points to
    aliases: tuple[str, ...] = ()
    imported: Imported | None = field(default=None, repr=False)
    earlier: tuple[Revision, ...] = field(default=(), repr=False)  # oldest first

    @property
    def network(self) -> str:
        """The prefix of `post_id`."""
        return self.post_id.partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """Counters of one post as a source showed them at the time of the poll."""

    post_id: str
    likes: int | None = None
    reposts: int | None = None
    replies: int | None = None
    quotes: int | None = None
    views: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """How many replies a network says a post has: `direct` answers, or its whole `tree`."""

    post_id: str
    claimed: int
    scope: str  # direct, tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Posts that we know we did not see, under one post.

    `post_id` is the post whose replies are missing (or, with `concerns="posts"` and no post, the
    source itself); `missing` how many, None where nobody says. Gaps in time are not reported by
    collectors: the store derives them from polls.
    """

    reason: GapReason
    post_id: str | None = None
    missing: int | None = None
    concerns: str = "tree"  # posts, counters, tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store remembers of a post that a source has shown; `last_at` to the hour."""

    post_id: str
    reply_to_id: str | None
    created_at: datetime
    state: PostState
    last_at: datetime


@dataclass(slots=True)
class Harvest:
    """What one poll brought. A collector fills it as answers arrive.

    Whatever stands here is stored, also when the poll ends in an error half-way; only `complete`,
    `removed` and `gaps` must be set at the end, once they are certain.

    `complete`: everything that the source holds was read (a whole tree, a whole site).
    `ordered`: the list was newest-first by time, so that it observes back to its oldest item.
    `removed`: ids that the network confirmed to be gone. `gaps`: all count gaps that this source
    sees now; earlier ones that are no longer here are closed. `found`: further things to poll.
    `resolved`: the id of the post that a thread or page turned out to be. `retire`: never poll
    this source again. `state`: what the collector wants to find again at its next poll.
    """

    posts: list[Post] = field(default_factory=list)
    engagement: list[Engagement] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    found: list[Source] = field(default_factory=list)
    complete: bool = False
    ordered: bool = False
    unchanged: bool = False
    resolved: str | None = None
    retire: bool = False
    state: dict[str, Any] = field(default_factory=dict)
    http_status: int | None = None
    requests: int = 0
    bytes: int = 0
    error: SourceError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a network's terms ask of a collector; enforced by the store, strict by default.

    This is how we read the terms, not legal advice. Of a poll with an answer that holds one of
    `never_keep`, no answers are kept.
    """

    store_text: bool = True
    max_age_text: timedelta | None = None
    recheck_deleted_every: timedelta | None = timedelta(days=1)
    export_text: bool = True
    quote_chars: int = 300
    never_keep: tuple[bytes, ...] = ()


class Outcome(StrEnum):
    """How a poll ended."""

    OK = "ok"
    UNCHANGED = "unchanged"
    ERROR = "error"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A finished poll, ready to be stored.

    `validators` are the HTTP door's, `answers` what came, packed (see `monitor.collect.kept`).
    """

    source: Source
    started_at: datetime
    finished_at: datetime
    outcome: Outcome
    harvest: Harvest
    next_at: datetime
    validators: dict[str, Any] = field(default_factory=dict)
    answers: bytes = field(default=b"", repr=False)
