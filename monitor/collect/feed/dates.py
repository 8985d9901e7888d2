"""Dates as feeds write them: ISO 8601, RFC 822 with all its habits, with or without a zone."""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from time import struct_time

__all__ = ["feed_date"]

# Zone names that the standard library does not know, in hours and minutes.
_ZONES = {
    "CET": "+0100", "CEST": "+0200", "MEZ": "+0100", "MESZ": "+0200", "MET": "+0100",
    "MEST": "+0200", "BST": "+0100", "WET": "+0000", "WEST": "+0100", "EET": "+0200",
    "EEST": "+0300", "MSK": "+0300", "JST": "+0900", "KST": "+0900", "HKT": "+0800",
    "SGT": "+0800", "AEST": "+1000", "AEDT": "+1100", "NZST": "+1200", "NZDT": "+1300",
    "AKST": "-0900", "AKDT": "-0800", "HST": "-1000",
}  # fmt: skip
_ZONE_NAME = re.compile(r"\b([A-Z]{3,4})\s*$")
_OFFSET_WITH_COLON = re.compile(r"(?:GMT|UTC)?([+-]\d\d):(\d\d)\s*$")
_TWELVE_HOURS = re.compile(r"\b(\d{1,2})(:\d\d(?::\d\d)?)\s*([AP])M\b", re.IGNORECASE)
_LONGEST = 100
_EARLIEST, _LATEST = 1900, 2200  # years; what lies outside stands for "no date" (0001-01-01)


def feed_date(written: str | None, parsed: struct_time | None = None) -> datetime | None:
    """`written` as an aware time in UTC; without a zone it is taken as UTC.

    `parsed` is another parser's reading (in UTC), used where the usual forms don't fit.

    >>> feed_date("Thu, 12 Feb 2026 19:00:00 CET")
    datetime.datetime(2026, 2, 12, 18, 0, tzinfo=datetime.timezone.utc)
    """
    text = (written or "").strip()
    if not text or len(text) > _LONGEST:
        return None
    found = _iso(text) or _rfc822(text) or (_from_struct(parsed) if parsed else None)
    return found if found and _EARLIEST <= found.year <= _LATEST else None


def _iso(text: str) -> datetime | None:
    try:
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _rfc822(text: str) -> datetime | None:
    text = _TWELVE_HOURS.sub(_of_twentyfour, text)
    text = _OFFSET_WITH_COLON.sub(r"\1\2", text)
    text = _ZONE_NAME.sub(lambda match: _ZONES.get(match[1], match[1]), text)
    try:
        parts = parsedate_tz(text)
        if parts is None:
            return None
        zone = timezone(timedelta(seconds=parts[9] or 0))
        return _utc(datetime(*parts[:6], tzinfo=zone))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _of_twentyfour(match: re.Match[str]) -> str:
    return f"{int(match[1]) % 12 + (12 if match[3] in 'Pp' else 0)}{match[2]}"


def _from_struct(parsed: struct_time) -> datetime | None:
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _utc(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
