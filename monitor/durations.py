"""Durations and times as people write them: `90s`, `1h30m`, `14d`, `2026-02-12T18:00:00Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal

from monitor.errors import UsageError

__all__ = ["MAX_DURATION", "format_duration", "parse_duration", "parse_time"]

MAX_DURATION = timedelta(days=36_500)
"""Longer ones are typing errors, and would leave the calendar."""

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([wdhms])")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
_SHOWN = 60


def parse_duration(text: str) -> timedelta:
    """The duration that `text` states: numbers with a unit of s, m, h, d or w, one or several.

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)

    Raises:
        UsageError: it is none, or longer than a hundred years.
    """
    given = text.strip()
    if len(given) > _SHOWN or not _WHOLE.fullmatch(given):
        raise UsageError(
            f"{_shown(text)} is no duration; write numbers with a unit (s, m, h, d, w), "
            "such as 90s, 5m, 1.5h or 14d"
        )
    seconds = sum((Decimal(n) * _SECONDS[unit] for n, unit in _PART.findall(given)), Decimal(0))
    if seconds > int(MAX_DURATION.total_seconds()):
        raise UsageError(f"{_shown(text)} is too long; at most {MAX_DURATION.days}d are possible")
    # Whole microseconds in integers: floats would not give the same duration back.
    return timedelta(
        microseconds=int((seconds * 1_000_000).to_integral_value(rounding=ROUND_HALF_EVEN))
    )


def format_duration(duration: timedelta) -> str:
    """The shortest form that `parse_duration` reads as the same duration, days the longest unit.

    >>> format_duration(timedelta(hours=36))
    '1d12h'
    """
    if duration < timedelta(0):
        return "-" + format_duration(-duration)
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{duration.microseconds:06d}".rstrip("0") if duration.microseconds else ""
    parts = [(duration.days, "", "d"), (hours, "", "h"), (minutes, "", "m")]
    parts.append((seconds, fraction, "s"))
    return "".join(f"{n}{rest}{unit}" for n, rest, unit in parts if n or rest) or "0s"


def parse_time(text: str, now: datetime, tz: tzinfo = UTC) -> datetime:
    """The moment that `text` names, aware and in UTC.

    Args:
        text: ISO 8601, a day (its beginning), `now`, or a duration: that long before `now`.
        now: the moment of asking.
        tz: the zone of a time that names none.

    Raises:
        UsageError: it names no moment.
    """
    given = text.strip()
    if given == "now":
        return now
    if _WHOLE.fullmatch(given):
        return _before(now, parse_duration(given), text)
    try:
        moment = datetime.fromisoformat(given.upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=tz)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{_shown(text)} is no time; write ISO 8601 such as 2026-02-12T18:00:00Z or "
            "2026-02-12, or a duration such as 6h or 2d for that long ago"
        ) from None


def _before(now: datetime, duration: timedelta, text: str) -> datetime:
    try:
        return (now - duration).astimezone(UTC)
    except OverflowError:
        raise UsageError(f"{_shown(text)} before now is outside the calendar") from None


def _shown(text: str) -> str:
    short = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return repr(short).replace("'", '"') if "'" not in short else repr(short)
