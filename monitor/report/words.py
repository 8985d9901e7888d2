"""Numbers and reasons in plain words."""

from __future__ import annotations

__all__ = ["FLAGS", "REASONS", "RELATIONS", "amount", "count", "counted", "reaction_lag", "span"]

REASONS = {
    "not_running": "monitor did not run",
    "not_yet_watched": "before the source was first read, and older than what it showed then",
    "throttled": "the network asked us to wait",
    "budget": "the budget of requests or money was spent",
    "error": "the source failed or could not be reached",
    "depth_cap": "the network cuts deep branches off",
    "page_cap": "more than the pages that a poll may read",
    "access": "not readable without a login or a key",
    "policy": "the author or the network does not want it stored",
    "hidden": "replies stand behind blocks",
    "parent_deleted": "below a post that is gone",
    "unavailable": "the network does not show it",
    "unexplained": "the network counts more replies than it shows, and does not say why",
}
RELATIONS = {
    "replies": "replies", "quotes": "quotes", "reposts": "reposts", "links": "links",
    "press": "press items", "mentions": "mentions",
}  # fmt: skip
FLAGS = {
    "no_data_yet": "these hours lie behind the end of the data",
    "not_observed": "no source was read in this time; `monitor status` says why",
    "no_counters": "no likes, reposts, replies, quotes or views are known well enough",
    "no_sentiment": "nothing is scored; [enrich] sentiment and `monitor status` say more",
    "no_baseline": "too little is known of usual days: seven wholly observed ones with 50 posts "
    "before the announcement, and buckets of 15 minutes or more that divide a day",
    "no_band": "usual days are too few for an interval; the value stands without one",
    "window_short": "the event's window ends before these hours do",
    "partial": "an hour of it was not wholly observed",
    "no_reaction": "nothing came above the expected",
    "not_yet": "the reaction still goes on",
}
"""What the words in a column `flag` mean."""
_MAGNITUDES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def count(number: float | None) -> str:
    """A whole number with thin spaces between thousands; `?` where nobody knows it.

    >>> count(None)
    '?'
    """
    return "?" if number is None else f"{round(number):,}".replace(",", "\u202f")


def counted(number: float | None, things: str) -> str:
    """How many of `things` (a plural) there are.

    >>> counted(1, "replies")
    '1 reply'
    """
    one = f"{things[:-3]}y" if things.endswith("ies") else things.removesuffix("s")
    return f"{count(number)} {one if number == 1 else things}"


def amount(value: float, currency: str | None) -> str:
    """A sum of money.

    >>> amount(30e9, "USD")
    'USD 30 billion'
    """
    name = next(((size, word) for size, word in _MAGNITUDES if value >= size), (1, ""))
    number = f"{value / name[0]:,.4g}" if name[1] else f"{value:,.0f}"
    return " ".join(part for part in (currency, number, name[1]) if part)


def span(seconds: float) -> str:
    """A duration in its two largest units.

    >>> span(75_600)
    '21 h'
    """
    left, parts = max(round(seconds), 0), []
    for size, unit in _UNITS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def reaction_lag(seconds: float) -> str:
    """How long after the announcement, or before it."""
    return f"{span(seconds)} after" if seconds >= 0 else f"{span(-seconds)} before"
