"""How posts belong to events: one relation per event and post, decided from what is known now.

Pure: rules and facts in, relations out. `monitor.store.relate` fetches and writes around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.types import Relation

__all__ = ["EventRule", "Facts", "Related", "Rules", "relate"]

_PRECEDENCE = {relation: n for n, relation in enumerate(Relation)}
# A reply is any descendant of one of these; a mention or repost starts no tree.
_TREE = frozenset(
    (Relation.ANNOUNCEMENT, Relation.REPLY, Relation.QUOTE, Relation.LINK, Relation.PRESS)
)


@dataclass(frozen=True, slots=True)
class Related:
    """One post's place in one event. `depth` counts from the top of its thread; None: unknown."""

    relation: Relation
    depth: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRule:
    """What decides whether a post of the company's stream is about the event."""

    event_id: str
    company_id: str
    announced_at: datetime
    ends_at: datetime
    matches: Callable[[str], bool] | None = None  # the event's terms; None: every post

    def about(self, created_at: datetime, text: str) -> bool:
        """Is a post of the stream, created then and saying that, about this event?"""
        if not self.announced_at <= created_at < self.ends_at:
            return False
        return self.matches is None or self.matches(text)


@dataclass(slots=True)
class Rules:
    """All events, indexed by what leads to them."""

    by_company: dict[str, list[EventRule]] = field(default_factory=dict)
    by_announcement: dict[int, set[str]] = field(default_factory=dict)  # post key → events
    by_url: dict[int, set[str]] = field(default_factory=dict)  # url hash → events
    company_of: dict[str, str] = field(default_factory=dict)  # event → company


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What relations need to know of one post. `companies`: whose stream it is in."""

    key: int
    parent: int | None
    root: int | None
    quoted: int | None
    created_at: datetime
    text: str
    is_press: bool
    links: frozenset[int] = frozenset()
    companies: frozenset[str] = frozenset()
    stated: Mapping[str, Relation] = field(default_factory=dict)  # event → relation, as given


def relate(
    batch: Mapping[int, Facts], known: Mapping[int, Mapping[str, Related]], rules: Rules
) -> dict[int, dict[str, Related]]:
    """The relations of every post in `batch`.

    Args:
        batch: posts that are new or changed, with all their stored descendants.
        known: relations of posts outside the batch that are parents or roots in it.
    """
    done: dict[int, dict[str, Related]] = {}
    for key in _parents_first(batch):
        done[key] = _relate_one(batch[key], done, known, rules)
    return done


def _relate_one(
    post: Facts,
    done: Mapping[int, Mapping[str, Related]],
    known: Mapping[int, Mapping[str, Related]],
    rules: Rules,
) -> dict[str, Related]:
    parent = _of(post.parent, done, known, rules)
    root = _of(post.root, done, known, rules) if post.root != post.key else {}
    found: dict[str, Related] = {}
    for event_id, offered in [*_by_place(parent, root), *_by_content(post, rules)]:
        before = found.get(event_id)
        if before is None or _PRECEDENCE[offered.relation] < _PRECEDENCE[before.relation]:
            found[event_id] = offered
    # A reaction to one event is in the company's stream, and so may be a mention of another.
    joined = {rules.company_of[event_id] for event_id in found} - post.companies
    for event_id, offered in _by_stream(post, joined, rules):
        found.setdefault(event_id, offered)
    for event_id, relation in post.stated.items():
        before = found.get(event_id)
        same = before is not None and before.relation is relation
        depth = None if relation is Relation.REPLY else 0
        found[event_id] = before if before is not None and same else Related(relation, depth)
    return found


def _by_place(
    parent: Mapping[str, Related], root: Mapping[str, Related]
) -> Iterator[tuple[str, Related]]:
    for event_id, above in parent.items():
        if above.relation in _TREE:
            depth = None if above.depth is None else above.depth + 1
            yield event_id, Related(Relation.REPLY, depth)
    # The parent may be hidden or deleted; the root still says where the post belongs.
    for event_id, top in root.items():
        if top.relation in _TREE:
            yield event_id, Related(Relation.REPLY, None)


def _by_content(post: Facts, rules: Rules) -> Iterator[tuple[str, Related]]:
    for event_id in rules.by_announcement.get(post.key, ()):
        yield event_id, Related(Relation.ANNOUNCEMENT, 0)
    if post.quoted is not None:
        for event_id in rules.by_announcement.get(post.quoted, ()):
            yield event_id, Related(Relation.QUOTE, 0)
    for url in post.links:
        for event_id in rules.by_url.get(url, ()):
            yield event_id, Related(Relation.LINK, 0)
    yield from _by_stream(post, post.companies, rules)


def _by_stream(
    post: Facts, companies: Iterable[str], rules: Rules
) -> Iterator[tuple[str, Related]]:
    named = Relation.PRESS if post.is_press else Relation.MENTION
    for company in companies:
        for rule in rules.by_company.get(company, ()):
            if rule.about(post.created_at, post.text):
                yield rule.event_id, Related(named, 0)


def _of(
    key: int | None,
    done: Mapping[int, Mapping[str, Related]],
    known: Mapping[int, Mapping[str, Related]],
    rules: Rules,
) -> Mapping[str, Related]:
    if key is None:
        return {}
    if key in done:
        return done[key]
    # An announcement counts as one also while nobody has shown us the post itself.
    announced = rules.by_announcement.get(key, ())
    return {
        **known.get(key, {}),
        **{event_id: Related(Relation.ANNOUNCEMENT, 0) for event_id in announced},
    }


def _parents_first(batch: Mapping[int, Facts]) -> Iterable[int]:
    """Keys so that parents and roots come before what hangs on them; cycles are cut."""
    placed: dict[int, None] = {}
    for start in batch:
        stack = [start]
        on_path: set[int] = set()
        while stack:
            key = stack[-1]
            if key in placed:
                stack.pop()
                continue
            on_path.add(key)
            post = batch[key]
            above = [
                other
                for other in (post.parent, post.root)
                if other in batch and other not in placed and other not in on_path
            ]
            if above:
                stack.extend(other for other in above if other is not None)
            else:
                placed[key] = None
                stack.pop()
    return placed
