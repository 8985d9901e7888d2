"""How relations are decided, apart from any store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.enrich.relations import EventRule, Facts, Related, Rules, relate
from monitor.types import Relation

T0 = datetime(2026, 2, 12, 18, tzinfo=UTC)
ANNOUNCEMENT, URL = 1, 77


def rules(*names: str, matches=None) -> Rules:
    """Events of company `acme`, each announced by post 1 and by the page 77."""
    made = Rules()
    for name in names or ("a",):
        rule = EventRule(
            event_id=name, company_id="acme", announced_at=T0, ends_at=T0 + timedelta(days=1),
            matches=matches,
        )  # fmt: skip
        made.by_company.setdefault("acme", []).append(rule)
        made.by_announcement.setdefault(ANNOUNCEMENT, set()).add(name)
        made.by_url.setdefault(URL, set()).add(name)
        made.company_of[name] = "acme"
    return made


def fact(key: int, **more) -> Facts:
    given = {"parent": None, "root": None, "quoted": None, "text": "", "is_press": False,
             "created_at": T0 + timedelta(hours=1)}  # fmt: skip
    return Facts(key=key, **given | more)


def decide(*facts: Facts, known=None, by: Rules | None = None) -> dict[int, dict[str, Related]]:
    return relate({one.key: one for one in facts}, known or {}, by or rules())


NAMED = {"companies": frozenset({"acme"})}


def test_precedence() -> None:
    everything = {"quoted": ANNOUNCEMENT, "links": frozenset({URL}), **NAMED}
    found = decide(
        fact(ANNOUNCEMENT, parent=9, **everything),
        fact(2, parent=ANNOUNCEMENT, **everything),
        fact(3, **everything),
        fact(4, links=frozenset({URL}), is_press=True, **NAMED),
        fact(5, is_press=True, **NAMED),
        fact(6, **NAMED),
        fact(7),
    )
    assert {key: [r.relation for r in events.values()] for key, events in found.items()} == {
        1: ["announcement"], 2: ["reply"], 3: ["quote"], 4: ["link"], 5: ["press"],
        6: ["mention"], 7: [],
    }  # fmt: skip


def test_a_mention_is_within_the_window_and_about_the_event() -> None:
    by = rules(matches=lambda text: "round" in text)
    hours = {2: -0.01, 3: 0, 4: 23.99, 5: 24}
    facts = [
        fact(key, created_at=T0 + timedelta(hours=h), text="a round", **NAMED)
        for key, h in hours.items()
    ]
    found = decide(*facts, fact(6, text="a square", **NAMED), by=by)
    assert [key for key, events in found.items() if events] == [3, 4]


def test_a_reply_counts_at_any_time() -> None:
    late = fact(2, parent=ANNOUNCEMENT, created_at=T0 + timedelta(days=400))
    assert decide(late)[2]["a"] == Related(Relation.REPLY, 1)


def test_mentions_begin_no_tree() -> None:
    assert decide(fact(2, **NAMED), fact(3, parent=2))[3] == {}


def test_one_post_may_react_to_two_events() -> None:
    found = decide(fact(2, parent=ANNOUNCEMENT), by=rules("a", "b"))
    assert found[2] == dict.fromkeys("ab", Related(Relation.REPLY, 1))


def test_depth_is_unknown_where_a_parent_is() -> None:
    found = decide(fact(2, parent=8, root=ANNOUNCEMENT), fact(3, parent=2))
    assert (found[2]["a"].depth, found[3]["a"].depth) == (None, None)


def test_what_is_known_of_parents_outside_counts() -> None:
    known = {8: {"a": Related(Relation.LINK, 0)}, 9: {"a": Related(Relation.MENTION, 0)}}
    found = decide(fact(2, parent=8), fact(3, parent=9), known=known)
    assert (found[2], found[3]) == ({"a": Related(Relation.REPLY, 1)}, {})


posts = st.lists(
    st.tuples(
        st.none() | st.integers(1, 8), st.none() | st.integers(1, 8), st.none() | st.integers(1, 8),
        st.booleans(), st.booleans(),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


def facts_of(drawn, *, circles: bool) -> list[Facts]:
    def below(n: int, other: int | None) -> int | None:
        return other if other is not None and (circles or other < n) else None

    return [
        fact(
            n, parent=below(n, parent), root=below(n, root), quoted=quoted,
            links=frozenset({URL} if links else ()),
            companies=frozenset({"acme"} if named else ()),
        )
        for n, (parent, root, quoted, links, named) in enumerate(drawn, 1)
    ]  # fmt: skip


@given(posts, st.randoms(use_true_random=False))
def test_order_within_a_batch_changes_nothing(drawn, random) -> None:
    facts = facts_of(drawn, circles=False)
    before = decide(*facts)
    random.shuffle(facts)
    assert decide(*facts) == before


@given(posts)
def test_a_batch_equals_its_posts_one_by_one_from_the_top(drawn) -> None:
    facts = facts_of(drawn, circles=False)
    known: dict[int, dict[str, Related]] = {}
    for one in facts:
        known |= decide(one, known=known)
    assert decide(*facts) == known


@given(posts)
def test_circles_end_and_every_post_is_decided(drawn) -> None:
    facts = facts_of(drawn, circles=True)
    assert decide(*facts).keys() == {one.key for one in facts}


def test_a_thread_of_ten_thousand_needs_no_recursion() -> None:
    found = decide(*(fact(n, parent=n - 1) for n in range(2, 10_000)))
    assert found[9_999]["a"].depth == 9_998
