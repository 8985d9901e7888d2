"""Amounts of money as announcements state them: `$30B`, `380 Milliarden Euro`."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Stated", "stated_money"]

_SCALES = {
    "k": 1e3, "thousand": 1e3, "tausend": 1e3,
    "m": 1e6, "mn": 1e6, "mm": 1e6, "mio": 1e6, "mill": 1e6, "million": 1e6, "millions": 1e6,
    "millionen": 1e6, "millones": 1e6, "milhões": 1e6, "milioni": 1e6,
    "b": 1e9, "bn": 1e9, "mrd": 1e9, "md": 1e9, "billion": 1e9, "billions": 1e9,
    "milliarde": 1e9, "milliarden": 1e9, "milliard": 1e9, "milliards": 1e9, "miliardi": 1e9,
    "trillion": 1e12, "t": 1e12, "tn": 1e12, "crore": 1e7, "lakh": 1e5,
}  # fmt: skip
_CURRENCIES = {
    "us$": "USD", "$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "dólares": "USD",
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR",
    "£": "GBP", "gbp": "GBP", "pounds": "GBP", "pfund": "GBP",
    "¥": "JPY", "jpy": "JPY", "yen": "JPY", "₹": "INR", "inr": "INR", "rupees": "INR",
    "chf": "CHF", "francs": "CHF", "franken": "CHF",
}  # fmt: skip


def _words(known: dict[str, object]) -> str:
    return "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))


_SIGN = _words({**_CURRENCIES})
_SCALE = _words({**_SCALES})
_MONEY = re.compile(
    rf"(?<!\w)(?P<before>{_SIGN})?\s?(?P<number>\d[\d.,]{{0,14}}|\d)"
    rf"(?:[\s-]?(?P<scale>{_SCALE})\b\.?)?(?:[\s-]?(?:of\s|de\s|d')?(?:US-?)?(?P<after>{_SIGN})(?!\w))?",
    re.IGNORECASE,
)
_WORTH = re.compile(
    r"post-?money|pre-?money|valu(?:ation|ed|ing)|bewert\w*|valoris\w*|valorac\w*|valutazion\w*",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:.!?\n](?:\s|$)")
_LEAST = 100_000  # prices and the like are less
_NEAR = 40
"""Characters between a sum and the word that makes it a valuation."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a text states: how much, at what valuation, in which currency (ISO 4217)."""

    amount: float | None = None
    valuation: float | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class _Sum:
    value: float
    currency: str
    start: int
    end: int


def stated_money(text: str) -> Stated:
    """The first sum in `text` that is no valuation, and the first that is one.

    A sum needs a currency, and is at least 100,000: what is less is a price.

    >>> stated_money("Series G: $30B at $380B post-money")
    Stated(amount=30000000000.0, valuation=380000000000.0, currency='USD')
    """
    sums = list(_sums(text))
    worth = _valuation(text, sums)
    amount = next((one for one in sums if one is not worth), None)
    first = amount or worth
    if first is None:
        return Stated()
    both = amount and worth and amount.currency == worth.currency
    return Stated(
        amount=amount.value if amount else None,
        valuation=worth.value if worth and (both or not amount) else None,
        currency=first.currency,
    )


def _sums(text: str) -> list[_Sum]:
    found = []
    for match in _MONEY.finditer(text):
        sign = match["before"] or match["after"]
        value = _number(match["number"].rstrip(".,"))
        if sign is None or value is None:
            continue
        value *= _SCALES.get((match["scale"] or "").lower(), 1)
        if value >= _LEAST:
            currency = _CURRENCIES[sign.lower()]
            found.append(_Sum(round(value, 2), currency, match.start(), match.end()))
    return found


def _number(digits: str) -> float | None:
    """`1,200.5`, `1.200,5`, `1.2`, `1,2`, `1,200`: the last mark is a point unless it groups."""
    marks = re.findall(r"[.,]", digits)
    if marks and len(set(marks)) == 1:
        groups = re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", digits)
        if len(marks) > 1 and not groups:
            return None
        if groups:
            return float(re.sub(r"[.,]", "", digits))
    whole, _, part = digits.rpartition(marks[-1]) if marks else (digits, "", "")
    return float(f"{re.sub(r'[.,]', '', whole)}.{part or 0}")


def _valuation(text: str, sums: list[_Sum]) -> _Sum | None:
    """The sum nearest to a word of valuation; one in another clause is further away."""
    best: tuple[int, _Sum] | None = None
    for word in _WORTH.finditer(text):
        for one in sums:
            follows = one.start >= word.end()
            between = text[word.end() : one.start] if follows else text[one.end : word.start()]
            gap = len(between) + _NEAR * bool(_CLAUSE.search(between))
            is_apart = not follows and one.end > word.start()
            if not is_apart and gap <= 2 * _NEAR and (best is None or gap < best[0]):
                best = (gap, one)
    return best[1] if best else None
