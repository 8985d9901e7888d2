"""What holds in every world, whatever its scenario and seed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from statistics import fmean, stdev

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import Company
from monitor.enrich.stream import Names
from monitor.enrich.terms import parse
from monitor.errors import ConfigError, UsageError
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import Scenario, load, names
from monitor.simulate.worlds.world import Curve, Kind, Mood, World, descendants

SEEDS = st.integers(min_value=0, max_value=10**6)
REACTIONS = (Kind.REPLY, Kind.QUOTE, Kind.LINK, Kind.PRESS, Kind.MENTION)


def drawn(scenario: str, seed: int) -> World:
    return make(load(scenario, seed=seed))


def facts(world: World) -> list[tuple[object, ...]]:
    return [
        (i.post_id, i.kind, i.created_at, i.words, i.gone_at, i.hidden_at, i.blocked_at, i.edits,
         i.parent and i.parent.post_id, i.likes, len(i.reposts), i.also_in)
        for i in world.items
    ]  # fmt: skip


@pytest.mark.parametrize("scenario", names())
def test_one_seed_makes_one_world_and_another_seed_another(scenario: str) -> None:
    assert facts(drawn(scenario, 5)) == facts(drawn(scenario, 5))
    assert facts(drawn(scenario, 5)) != facts(drawn(scenario, 6))


@given(scenario=st.sampled_from(names()), seed=SEEDS)
@settings(max_examples=15)
def test_what_happens_can_happen(scenario: str, seed: int) -> None:
    world = drawn(scenario, seed)
    start, end = world.scenario.starts_at, world.scenario.ends_at
    assert len({item.post_id for item in world.items}) == len(world.items)
    for item in world.items:
        assert start <= item.created_at <= end
        assert item.shown_from >= item.created_at
        if item.gone_at is not None:
            assert item.shown_from < item.gone_at < end
        if item.parent is not None:
            assert item.parent.created_at <= item.created_at
            assert item.parent.shown_from <= item.created_at
            assert item.parent.gone_at is None or item.created_at < item.parent.gone_at
            assert item.root is (item.parent.root or item.parent)
            assert item in item.parent.children
            assert item.network == item.parent.network
        if item.quoted is not None:
            assert item.quoted.created_at <= item.created_at
        assert all(edit.at > item.created_at for edit in item.edits)
        assert item.reposts == sorted(item.reposts, key=lambda r: (r[0], r[1].number))
    for event in world.scenario.event:
        for announced in world.announcements(event):
            assert all(one.event is event for one in descendants(announced))


@given(scenario=st.sampled_from(names()), seed=SEEDS)
@settings(max_examples=15)
def test_who_is_named_is_named_in_the_text_and_nobody_else(scenario: str, seed: int) -> None:
    """Otherwise truth and what a search finds would disagree."""
    world = drawn(scenario, seed)
    spoken = Names(
        Company(id=c.id, name=c.name, aliases=c.aliases, exclude=c.strays)
        for c in world.companies.values()
    )
    for item in world.items:
        words = "\n".join(part for part in (item.title, item.said(item.created_at)) if part)
        found = spoken.companies_in(words)
        assert item.names <= found, words
        if item.network == "bluesky":
            assert found == item.names, words
        for event in world.scenario.event:
            about = parse(f'"{event.topic}"').matches(words)
            if item.event is event and item.kind in (Kind.MENTION, Kind.PRESS):
                assert about, words
            elif item.kind in (Kind.BACKGROUND, Kind.OTHER, Kind.OWN, Kind.STRAY):
                assert not about, words


@given(curve=st.builds(Curve, st.integers(0, 10**6)), ages=st.lists(st.floats(0, 1e7), min_size=2))
def test_counters_never_fall_and_end_below_their_final_value(
    curve: Curve, ages: list[float]
) -> None:
    grown = [curve.at(age) for age in sorted(ages)]
    assert grown == sorted(grown)
    assert 0 <= grown[0] <= grown[-1] <= curve.final
    assert curve.at(0.0) == 0


@given(share=st.floats(0.0, 0.95))
def test_a_curve_has_each_share_at_the_age_that_it_says(share: float) -> None:
    curve = Curve(10**6)
    assert curve.at(curve.age(share)) == pytest.approx(share * 10**6, abs=2)


def test_the_everyday_stream_has_the_expected_size() -> None:
    """Mentions and their replies: per day, mentions / (1 - branching)."""
    scenario = load("null")
    (company,) = scenario.company
    days = (scenario.ends_at - scenario.starts_at) / timedelta(days=1)
    expected = days * company.mentions_per_day / (1 - company.threads.branching)
    counts = [
        sum(item.kind is Kind.BACKGROUND for item in drawn("null", seed).items)
        for seed in range(40)
    ]
    # What would still be said about the newest posts lies behind the world's end: a little less.
    error = stdev(counts) / len(counts) ** 0.5
    assert expected * 0.985 - 4 * error < fmean(counts) < expected + 4 * error


def test_an_announcement_to_which_nobody_reacts_has_no_reactions() -> None:
    world = drawn("null", 3)
    assert not [item for item in world.items if item.kind in REACTIONS]
    assert [item.kind for item in world.items].count(Kind.ANNOUNCEMENT) == 2


def test_the_mood_of_a_crisis_is_worse_than_that_of_a_launch() -> None:
    def mean(world: World) -> float:
        said_so = Counter(item.words.mood for item in world.items if item.kind is Kind.REPLY)
        return (said_so[Mood.POSITIVE] - said_so[Mood.NEGATIVE]) / said_so.total()

    assert mean(drawn("crisis", 1)) < -0.3 < 0.0 < mean(drawn("quiet", 1))


def test_a_competitor_attacks_and_the_company_answers_when_the_scenario_says() -> None:
    world = drawn("funding", 7)
    (event,) = world.scenario.event
    attack = next(
        i for i in world.items if i.author is world.accounts["samplix"] and i.kind is Kind.REPLY
    )
    t0 = world.announced_at(event)
    assert attack.parent in world.announcements(event)
    assert attack.created_at - t0 == event.attack
    (answer,) = [i for i in attack.children if i.author is world.accounts["exampla"]]
    assert answer.created_at - t0 == event.answer
    earlier = [i for i in world.items if i.author is attack.author and i.kind is Kind.BACKGROUND]
    assert len(earlier) == 2
    assert all(i.created_at < t0 and i.words.mood is Mood.NEGATIVE for i in earlier)


def test_the_press_copies_itself_and_shows_articles_twice() -> None:
    world = drawn("funding", 7)
    articles = [i for i in world.items if i.network == "feed" and i.event is not None]
    texts = Counter(item.words for item in articles)
    assert texts.most_common(1)[0][1] > 1
    assert {item.words.language for item in articles} >= {"en", "de"}
    assert any(item.also_in for item in world.items)


@pytest.mark.parametrize("scenario", names())
def test_scenarios_say_what_they_are(scenario: str) -> None:
    loaded = load(scenario)
    assert loaded.title
    assert loaded.starts_at < loaded.announced_at < loaded.ends_at


HEAD = 'title = "x"\n[[company]]\nid = "a"\nname = "A"\n'
EVENT = '[[event]]\nid = "e"\ntitle = "t"\ntopic = "t"\n'


@pytest.mark.parametrize(
    ("text", "said_of_it"),
    [
        ('title = "x"', "company"),
        ('befor = "3d"\n' + HEAD, "befor"),
        ('before = "3 days"\n' + HEAD, "3 days"),
        (HEAD.replace('"a"', '"A b"'), "company"),
        (HEAD + EVENT + 'company = "b"', "no company of this scenario"),
        (HEAD + EVENT + 'company = "a"', "articles need a [[press]]"),
        ("title = = 1", "line 1"),
        (HEAD + HEAD.partition("\n")[2], "company a: this id is there twice"),
        ('background = "0s"\n' + HEAD, "background must be longer"),
        (HEAD + 'threads = { median = "0s" }', "threads.median must be longer"),
        (HEAD + "earlier_posts = -1", "earlier_posts"),
        (HEAD + EVENT + 'company = "a"\narticles = 0\nattack = "3h"', "belong together"),
        (
            HEAD + EVENT + 'company = "a"\narticles = 0\nattack = "9d"\nattack_by = "a"',
            "before the world's end",
        ),
        ("announced_at = 2026-02-12T18:00:00\n" + HEAD, "needs a zone"),
    ],
)
def test_a_wrong_scenario_says_what_is_wrong(tmp_path: Path, text: str, said_of_it: str) -> None:
    file = tmp_path / "world.toml"
    file.write_text(text, "utf8")
    with pytest.raises(ConfigError, match=r"world\.toml") as caught:
        load(file)
    assert said_of_it in str(caught.value)


def test_moments_of_another_zone_are_the_same_moments(tmp_path: Path) -> None:
    file = tmp_path / "world.toml"
    file.write_text("announced_at = 2026-02-12T20:00:00+02:00\n" + HEAD, "utf8")
    announced_at = load(file).announced_at
    assert announced_at.isoformat() == "2026-02-12T18:00:00+00:00"


def test_a_site_may_have_many_articles_before_it_announces_something() -> None:
    scenario = load("quiet")
    (company,) = scenario.company
    many = msgspec.structs.replace(company, earlier_posts=30)
    world = make(msgspec.structs.replace(scenario, company=(many,)))
    assert len({item.post_id for item in world.items}) == len(world.items)


def test_a_scenario_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(UsageError, match='did you mean "funding"'):
        load("fundign")


def test_a_language_without_texts_is_refused() -> None:
    scenario: Scenario = msgspec.structs.replace(load("quiet"), languages={"tlh": 1.0})
    with pytest.raises(UsageError, match='no texts in "tlh"'):
        make(scenario)
