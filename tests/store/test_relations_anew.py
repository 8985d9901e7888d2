"""Relations kept post by post are those that the contract gives to all posts at once.

The second implementation below knows the contract only; posts arrive in any order and company, and
an event is configured before, between or after its posts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import Config
from monitor.store.database import Database
from monitor.types import Post
from tests.world import ACME, a_poll, a_source, a_store, at, configured

THREAD = a_source("thread")
URLS = {"acme-a": "https://acme.example/round", "acme-b": "https://acme.example/robot"}
TERMS = {"acme-a": ("round",), "acme-b": ("robot",)}
EVENT = """
[[event]]
id = "{}"
company = "acme"
announced_at = 2026-02-12T18:00:00Z
window_after = "4h"
terms = ["{}"]
announcements = ["{}", "https://bsky.app/profile/did:plc:ann/post/{}"]
"""
COMPANY = ACME[: ACME.index("[[event]]")]
EVENTS = [EVENT.format(e, *TERMS[e], URLS[e], n) for n, e in enumerate(URLS)]
TEXTS = ("hello", "Acme has a round", "a round", "the Acme robot", "Acme Bakery has a round")
POSTS = 7
ANNOUNCED = dict(enumerate(URLS))
"""The first two posts announce one event each."""


def native(n: int) -> str:
    return f"bluesky:at://did:plc:ann/app.bsky.feed.post/{n}"


@dataclass(frozen=True)
class Said:
    """One post; the numbers below its own are older posts."""

    n: int
    text: str
    hour: int
    is_own: bool
    is_article: bool
    parent: int | None
    names_top: bool
    quoted: int | None
    link: str | None


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Said, ...]:
    def older(n: int) -> st.SearchStrategy[int | None]:
        return st.sampled_from([None, *range(n)])

    return tuple(
        Said(
            n, draw(st.sampled_from(TEXTS)), draw(st.integers(-1, 5)), draw(st.booleans()),
            draw(st.booleans()), draw(older(n)), draw(st.booleans()), draw(older(n)),
            draw(st.sampled_from([None, *URLS.values()])),
        )
        for n in range(POSTS)
    )  # fmt: skip


def top(world: tuple[Said, ...], n: int) -> int:
    parent = world[n].parent
    return n if parent is None else top(world, parent)


def as_post(world: tuple[Said, ...], said: Said) -> Post:
    names_top = said.names_top and said.parent is not None
    return Post(
        post_id=native(said.n), text=said.text, claimed_at=at(said.hour),
        author_id="bluesky:did:plc:acme" if said.is_own else "bluesky:did:plc:ann",
        author_handle="acme.example" if said.is_own else "ann.example",
        reply_to_id=None if said.parent is None else native(said.parent),
        root_id=native(top(world, said.n)) if names_top else None,
        quoted_id=None if said.quoted is None else native(said.quoted),
        links=(said.link,) if said.link else (), is_article=said.is_article,
    )  # fmt: skip


class Contract:
    """What it says of the posts of a world that are `shown`."""

    def __init__(self, world: tuple[Said, ...], shown: frozenset[int]) -> None:
        self.world, self.shown = world, shown

    def relations(self) -> dict[tuple[str, str], str]:
        """(event, post) → relation."""
        pairs = [(event, n) for event in URLS for n in sorted(self.shown)]
        found = {(event, native(n)): self.relation(event, n) for event, n in pairs}
        return {pair: relation for pair, relation in found.items() if relation}

    def relation(self, event: str, n: int) -> str | None:
        said = self.world[n]
        if found := self.by_place(event, n):
            return found
        fits = 0 <= said.hour < 4 and TERMS[event][0] in said.text
        if fits and self.is_in_the_stream(event, n):
            return "press" if said.is_article else "mention"
        return None

    def by_place(self, event: str, n: int) -> str | None:
        """Announcement, reply, quote or link; words say the rest."""
        said = self.world[n]
        if ANNOUNCED.get(n) == event:
            return "announcement"
        if any(self.leads(event, one) for one in self.above(n)):
            return "reply"
        if said.quoted is not None and ANNOUNCED.get(said.quoted) == event:
            return "quote"
        return "link" if said.link == URLS[event] else None

    def above(self, n: int) -> set[int]:
        """The parent, and where the thread begins if the post says so."""
        said = self.world[n]
        named = {said.parent, top(self.world, n) if said.names_top else None}
        return {one for one in named if one not in (None, n)}

    def leads(self, event: str, n: int) -> bool:
        """Is what hangs on this post a reply? An announcement is one though nobody shows it."""
        if ANNOUNCED.get(n) == event:
            return True
        return n in self.shown and self.relation(event, n) not in (None, "mention")

    def is_in_the_stream(self, event: str, n: int) -> bool:
        text, first = self.world[n].text, self.begins(n)
        is_named = "Acme" in text and "Bakery" not in text
        by_us = first in self.shown and self.world[first].is_own
        return is_named or by_us or any(self.by_place(e, n) for e in URLS if e != event)

    def begins(self, n: int) -> int | None:
        """The top of the thread, as far as what is shown leads to it."""
        said = self.world[n]
        if said.parent is None:
            return n
        if said.names_top:
            return top(self.world, n)
        return self.begins(said.parent) if said.parent in self.shown else None


@dataclass(frozen=True)
class Run:
    """In which order posts arrive, which never do, how many together, and when events are named."""

    order: list[int]
    unseen: frozenset[int]
    together: int
    named_at: tuple[int, int]


RUNS = st.builds(
    Run,
    st.permutations(range(POSTS)),
    st.frozensets(st.integers(0, POSTS - 1), max_size=3),
    st.integers(1, 4),
    st.sampled_from([(0, 0), (0, 0), (0, 3), (2, 5), (POSTS, POSTS)]),
)


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> list[Config]:
    """Without an event, with the first, with both."""
    return [
        configured(tmp_path_factory.mktemp("world"), COMPANY + "".join(EVENTS[:n]))
        for n in range(3)
    ]


@settings(max_examples=25, database=None)
@given(worlds(), RUNS)
def test_relations_are_those_that_the_contract_gives_to_all_posts_at_once(
    database: Database, configs: list[Config], world: tuple[Said, ...], run: Run
) -> None:
    seen = [n for n in run.order if n not in run.unseen]
    with a_store(database, configs[0], THREAD) as store:
        events = 0
        for start in range(0, POSTS + run.together, run.together):
            while events < 2 and run.named_at[events] <= start:
                events += 1
                store.restart(configs[events])
            posts = [as_post(world, world[n]) for n in seen[start : start + run.together]]
            when = at(6) + timedelta(minutes=start)
            store.commit(a_poll(posts, source=THREAD, when=when))
        rows = store.rows("select event_id, post_id, relation from reactions")
        found = {(row["event_id"], row["post_id"]): row["relation"] for row in rows}
        assert found == Contract(world, frozenset(seen)).relations()
        assert store.problems() == []
