"""A world out of a scenario. The same scenario and seed make the same world."""

from __future__ import annotations

from monitor.errors import UsageError
from monitor.simulate.worlds.discussion import make_discussions
from monitor.simulate.worlds.maker import Maker
from monitor.simulate.worlds.press import make_articles, make_other_articles
from monitor.simulate.worlds.reaction import make_reaction
from monitor.simulate.worlds.scenario import Scenario
from monitor.simulate.worlds.speech import languages
from monitor.simulate.worlds.stream import make_stream
from monitor.simulate.worlds.trouble import befall
from monitor.simulate.worlds.world import World

__all__ = ["make"]


def make(scenario: Scenario) -> World:
    """Everything that happens in a scenario.

    Raises:
        UsageError: it names a language in which there are no texts.
    """
    strange = [
        language
        for language in (*scenario.languages, *(outlet.language for outlet in scenario.press))
        if language not in languages()
    ]
    if strange:
        raise UsageError(
            f'no texts in "{strange[0]}"; the simulator speaks {", ".join(languages())}'
        )
    maker = Maker(scenario)
    for company in scenario.company:
        make_stream(maker, company)
    for event in scenario.event:
        make_reaction(maker, event)
        make_articles(maker, event)
    make_other_articles(maker)
    for event in scenario.event:  # at the end: whatever came before stays as it was without them
        make_discussions(maker, event)
    world = World(scenario, maker.people, maker.items, maker.accounts)
    befall(world, maker.part("trouble"))
    return world
