"""Sums as announcements state them, in several languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.watch.money import Stated, stated_money

STATED = [
    ("Series G: $30B at $380B post-money", Stated(30e9, 380e9, "USD")),
    (
        "We raised $30 billion in Series G funding at a $380 billion post-money valuation.",
        Stated(30e9, 380e9, "USD"),
    ),
    ("at $380B post-money, $30B raised", Stated(30e9, 380e9, "USD")),
    (
        "30 Milliarden Dollar bei einer Bewertung von 380 Mrd. US-Dollar",
        Stated(30e9, 380e9, "USD"),
    ),
    ("Northwind raises US$40 million, valued at $400M", Stated(40e6, 400e6, "USD")),
    ("€1,2 Mrd. Finanzierung", Stated(1.2e9, None, "EUR")),
    ("eine Runde über 3.500.000 €", Stated(3.5e6, None, "EUR")),
    ("acquires Blume for £450m", Stated(450e6, None, "GBP")),
    ("a ₹500 crore round", Stated(5e9, None, "INR")),
    ("now valued at $1.25 trillion", Stated(None, 1.25e12, "USD")),
    ("a $30,000,000 round", Stated(30e6, None, "USD")),
    # Prices, years, counts and versions are no sums.
    ("From December it costs €14.99 a month, not $1,200 a year", Stated()),
    ("In 2026 we launched v2.0 with 3B parameters and 30 people", Stated()),
    ("A$AP Rocky, $TSLA and 1.2.3.4", Stated()),
    ("", Stated()),
]


@pytest.mark.parametrize(("text", "stated"), STATED)
def test_what_a_text_states(text: str, stated: Stated) -> None:
    assert stated_money(text) == stated


@given(st.text(alphabet="$€£0123456789., MBbnmillionvaluation\n", max_size=300))
def test_any_text_has_an_answer(text: str) -> None:
    stated = stated_money(text)
    known = [value for value in (stated.amount, stated.valuation) if value is not None]
    assert all(value >= 100_000 for value in known)
    assert (stated.currency is not None) == bool(known)
