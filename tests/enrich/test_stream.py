from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import Company
from monitor.enrich.stream import Names
from monitor.enrich.words import fold

NAMES = Names(
    [
        Company(
            id="anthropic",
            name="Anthropic",
            aliases=("Claude", "Claude AI"),
            exclude=("Claude Monet",),
        ),
        Company(id="northwind", name="Northwind Energy", aliases=("ノースウインド",)),
        Company(id="xai", name="xAI"),
    ]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anthropic raised", {"anthropic"}),
        ("ANTHROPIC\u2019s round and xAI", {"anthropic", "xai"}),
        ("anthropics", set()),
        ("philanthropic", set()),
        ("Northwind\nEnergy", {"northwind"}),
        ("Northwind", set()),
        ("#NorthwindEnergy and #xai", {"northwind", "xai"}),
        ("株式会社ノースウインドは", {"northwind"}),
        ("@anthropic.example.org", {"anthropic"}),
        ("xAIs", set()),
        ("", set()),
    ],
)
def test_a_post_names_a_company_by_whole_words(text: str, expected: set[str]) -> None:
    assert NAMES.companies_in(text) == expected


def test_a_post_that_matches_an_exclusion_is_not_about_the_company_whatever_else_it_says() -> None:
    assert NAMES.companies_in("a painting by Claude") == {"anthropic"}
    assert NAMES.companies_in("a painting by Claude Monet") == set()
    assert NAMES.companies_in("Anthropic named it after #ClaudeMonet; so says xAI") == {"xai"}


def test_an_alias_in_which_nothing_can_be_seen_names_nobody() -> None:
    names = Names([Company(id="a", name="Northwind", aliases=("\u00ad", " "))])
    assert names.companies_in("any text") == set()


@given(st.text(max_size=80))
def test_any_text_can_be_asked_and_folding_twice_changes_nothing(text: str) -> None:
    assert NAMES.companies_in(text) <= {"anthropic", "northwind", "xai"}
    once = fold(text.replace("#", "").replace("\uff03", "").replace("\ufe5f", ""))
    assert fold(once) == once


def test_names_are_found_in_a_text_of_any_length() -> None:
    long = "anthropics " * 100_000
    assert NAMES.companies_in(long) == set()
    assert NAMES.companies_in(long + "#" * 1000 + " Anthropic") == {"anthropic"}
