"""When a post names a company: what readers would say, in many scripts and spellings."""

from __future__ import annotations

import pytest

from monitor.config import Company
from monitor.enrich.stream import Names

NAMED = [
    ("Anthropic", "Anthropic's round"),
    ("Anthropic", "Anthropic\u2019s round"),
    ("Anthropic", "Anthropic-backed"),
    ("Anthropic", "#Anthropic wow"),
    ("Anthropic", "#AnthropicAI wow"),
    ("Anthropic", "ANTHROPIC raises"),
    ("Anthropic", "anthropic.com/news is up"),
    ("Anthropic", "https://www.anthropic.com/news"),
    ("Anthropic", "AnthropicがシリーズGを"),
    ("ソニー", "今日ソニーは発表"),
    ("东风", "东风汽车发布"),
    ("Sony", "ｓｏｎｙ发布"),
    ("Sony", "ＳＯＮＹの新製品"),
    ("Süd", "SÜD ist da"),
    ("Süd", "Su\u0308d ist da"),
    ("Strauß", "STRAUSS kommt"),
    ("İstanbul", "istanbul büyük"),
    ("IBM", "ibm'in yeni"),
    ("Diyar", "DİYAR"),
    ("AT&T", "AT&T is down"),
    ("AT&T", "at&t's network"),
    ("Yahoo!", "yahoo! is back"),
    ("C++", "I love C++!"),
    ("X", "X is down"),
    ("X", "x-ray"),
    ("3M", "the 3M mask"),
    ("Meta Platforms, Inc.", "Meta Platforms, Inc. said"),
    ("Northwind Energy", "Northwind  Energy"),
    ("Northwind Energy", "Northwind\nEnergy rises"),
    ("Northwind Energy", "#NorthwindEnergy"),
    ("Anthropic", "🔥Anthropic🔥"),
    ("Anthropic", "An\u200bthropic"),
    ("أرامكو", "شركة أرامكو أعلنت"),
    ("टाटा", "टाटा ने कहा"),
    ("Газпром", "«Газпром» растёт"),
    ("Renault", "Renault/Nissan"),
    ("Apple", "apple,"),
    ("Coca-Cola", "Coca Cola rises"),
    ("Coca-Cola", "coca\u2011cola"),
    ("日立", "日立製作所"),
]
NOT_NAMED = [
    ("Anthropic", "@AnthropicAI"),
    ("Anthropic", "misanthropic and evil"),
    ("Anthropic", "アンソロピック"),
    ("AT&T", "AT and T"),
    ("Yahoo!", "yahoo is back"),
    ("C++", "C is fine"),
    ("X", "XX is down"),
    ("3M", "13M people"),
    ("Northwind Energy", "northwind's energy"),
    ("أرامكو", "وأرامكو أعلنت"),
    ("टाटा", "टाटास"),
    ("Газпром", "Газпрома акции"),
    ("Apple", "pineapple"),
    ("Nestlé", "nestle is bad"),
    ("Hugging Face", "huggingface released"),
]


def names(name: str, text: str, *exclude: str) -> bool:
    company = Company(id="c", name=name, exclude=exclude)
    return bool(Names((company,)).companies_in(text))


@pytest.mark.parametrize(("name", "text"), NAMED)
def test_it_is_named(name: str, text: str) -> None:
    assert names(name, text)


@pytest.mark.parametrize(("name", "text"), NOT_NAMED)
def test_it_is_not_named(name: str, text: str) -> None:
    assert not names(name, text)


def test_an_exclusion_takes_the_whole_post_out() -> None:
    assert names("Claude", "Claude is new")
    assert not names("Claude", "Claude Monet painted it", "Claude Monet")
    assert not names("Claude", "Claude, unlike CLAUDE MONET, is new", "Claude Monet")
    assert names("Claude", "Claude Monetary policy", "Claude Monet")
