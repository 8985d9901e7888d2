"""Worlds that nobody would write by hand: whatever order and company polls come in, one truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config import Config
from monitor.store.database import Database
from monitor.types import Claim, Engagement, Gap, GapReason, Poll, Post, PostState, SourceKind
from tests.world import ACME, ANNOUNCED, ANNOUNCEMENT, a_poll, a_source, a_store, at, configured

SOURCES = {
    "thread": a_source("thread"),
    "search": a_source("search", kind=SourceKind.SEARCH, target="acme", events=frozenset()),
    "press": a_source("press", "feed", SourceKind.FEED, "https://press.example/rss"),
    "blog": a_source("blog", "feed", SourceKind.FEED, "https://blog.example/rss"),
}
TEXTS = (
    "Acme has a new round", "a funding round", "Acme Bakery bakes a round loaf", "hello", "Acme",
)  # fmt: skip
POSTS = 6
AUTHORS = (("bluesky:did:plc:acme", "acme.example"), ("bluesky:did:plc:ann", "ann.example"))
FAST = settings(
    max_examples=6, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What one kind of source says about a post that is always the same. Edges lead downwards."""

    text: str
    author: int
    reply_to: int | None
    root: int | None
    quoted: int | None
    links: bool


def native_id(n: int) -> str:
    return ANNOUNCED if n == 0 else f"bluesky:at://did:plc:ann/app.bsky.feed.post/{n}"


def link_id(n: int) -> str:
    return f"feed:{n}"


@st.composite
def said(draw: st.DrawFn, n: int) -> Said:
    below = st.none() | st.integers(0, n - 1) if n else st.none()
    return Said(
        draw(st.sampled_from(TEXTS)), draw(st.integers(0, 1)), draw(below), draw(below),
        draw(below), draw(st.booleans()),
    )  # fmt: skip


@dataclass(frozen=True)
class World:
    """Six posts, as their network and as feeds show them; `odd` ones name others by their links."""

    at_home: tuple[Said, ...]
    in_feeds: tuple[Said, ...]
    odd: frozenset[int]
    hidden: frozenset[int]

    def post(self, n: int, source: str, *, tells: bool) -> Post:
        """How `source` shows a post; `tells`: it knows both ids."""
        is_feed = source in ("press", "blog")
        now = (self.in_feeds if is_feed else self.at_home)[n]
        name = link_id if n in self.odd else native_id
        author, handle = AUTHORS[now.author]
        own, other = (link_id(n), native_id(n)) if is_feed and n % 2 else (native_id(n), link_id(n))
        is_hidden = source == "thread" and n in self.hidden
        return Post(
            post_id=own,
            aliases=(other,) if tells else (),
            author_id=author, author_handle=handle, text=now.text, claimed_at=at(n / 10),
            reply_to_id=None if now.reply_to is None else name(now.reply_to),
            root_id=None if now.root is None else name(now.root),
            quoted_id=None if now.quoted is None else name(now.quoted),
            links=(ANNOUNCEMENT,) if now.links else (),
            is_article=is_feed,
            state=PostState.HIDDEN if is_hidden else PostState.LIVE,
        )  # fmt: skip


def worlds() -> st.SearchStrategy[World]:
    return st.builds(
        World,
        st.tuples(*(said(n) for n in range(POSTS))),
        st.tuples(*(said(n) for n in range(POSTS))),
        st.frozensets(st.integers(0, POSTS - 1)),
        st.frozensets(st.integers(0, POSTS - 1), max_size=2),
    )


@dataclass(frozen=True)
class Look:
    """One poll: which source shows which posts, with which edit, and misses which."""

    source: str
    shows: tuple[tuple[int, int, bool], ...]
    misses: frozenset[int] = frozenset()
    likes: int = 0

    def poll(self, world: World, moment: int) -> Poll:
        posts = []
        for n, edit, tells in self.shows:
            post = world.post(n, self.source, tells=tells)
            posts.append(replace(post, text=TEXTS[edit - 1]) if edit else post)
        return a_poll(
            posts,
            source=SOURCES[self.source],
            when=at(2) + timedelta(minutes=moment),
            engagement=[Engagement(post_id=post.post_id, likes=self.likes) for post in posts],
            claims=[Claim(post.post_id, self.likes, "direct") for post in posts],
            gaps=[Gap(reason=GapReason.HIDDEN, post_id=native_id(0), missing=self.likes)],
            removed=[native_id(n) for n in sorted(self.misses)],
        )


def looks(*, stable: bool) -> st.SearchStrategy[list[Look]]:
    shows = st.tuples(
        st.integers(0, POSTS - 1), st.just(0) if stable else st.integers(0, 2), st.booleans()
    )
    return st.lists(
        st.builds(
            Look,
            st.sampled_from(sorted(SOURCES)),
            st.lists(shows, max_size=4, unique_by=lambda one: one[0]).map(tuple),
            st.just(frozenset()) if stable else st.frozensets(st.integers(0, 5), max_size=2),
            st.just(3) if stable else st.integers(0, 3),
        ),
        min_size=1,
        max_size=6,
    )


def groups(polls: list[Poll], cuts: frozenset[int]) -> Iterator[list[Poll]]:
    start = 0
    for end in [*sorted(cut for cut in cuts if 0 < cut < len(polls)), len(polls)]:
        yield polls[start:end]
        start = end


cuts = st.frozensets(st.integers(1, 5))


@dataclass(frozen=True)
class Stage:
    """Two databases to compare."""

    first: Database
    second: Database
    config: Config


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    config = configured(tmp_path_factory.mktemp("world"), ACME)
    with Database.open(None) as first, Database.open(None) as second:
        yield Stage(first, second, config)


@FAST
@given(worlds(), looks(stable=False), cuts, st.booleans())
def test_polls_leave_the_same_in_whatever_company_they_are_stored(
    stage: Stage, world: World, seen: list[Look], cuts: frozenset[int], restarts: bool
) -> None:
    polls = [look.poll(world, n) for n, look in enumerate(seen)]
    sources = list(SOURCES.values())
    with a_store(stage.first, stage.config, *sources) as whole:
        whole.commit(*polls)
        assert whole.problems() == []
        with a_store(stage.second, stage.config, *sources) as pieces:
            for group in groups(polls, cuts):
                pieces.commit(*group)
                assert pieces.problems() == []
                if restarts:
                    pieces.restart()
            assert pieces.content() == whole.content()


@FAST
@given(worlds(), looks(stable=True), st.randoms(use_true_random=False), cuts)
def test_what_does_not_change_is_learned_in_any_order_and_only_once(
    stage: Stage, world: World, seen: list[Look], random, cuts: frozenset[int]
) -> None:
    sources = list(SOURCES.values())
    with a_store(stage.first, stage.config, *sources) as store:
        for n, look in enumerate(seen):
            store.commit(look.poll(world, n))
        before = store.everything()
        store.commit(*(look.poll(world, 10 + n) for n, look in enumerate(seen)))
        after = store.everything()
        changed = {table for table, rows in after.items() if rows != before[table]}
        assert changed <= {"base.polls", "base.sources"}
        learned = store.content()
    random.shuffle(seen)
    with a_store(stage.second, stage.config, *sources) as other:
        for group in groups([look.poll(world, n) for n, look in enumerate(seen)], cuts):
            other.commit(*group)
        assert other.problems() == []
        assert other.content() == learned
