"""How each kind of value in the configuration is read: checked, converted, or reported.

A reader takes the value and returns what it means, or raises `Wrong`. That is reported at the
value's place and reading goes on, so that all problems come out at once.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from monitor.config_file.lines import Path
from monitor.durations import parse_duration
from monitor.errors import UsageError

__all__ = [
    "Field",
    "Fields",
    "Nested",
    "Place",
    "Reader",
    "Wrong",
    "amount",
    "boolean",
    "choice",
    "count",
    "did_you_mean",
    "duration",
    "expected",
    "identifier",
    "listed",
    "memory",
    "moment",
    "port",
    "secret_variable",
    "shown",
    "table",
    "tables",
    "text",
    "zone",
]

Reader = Callable[[Any], Any]

_SHOWN = 80
_MAX_TEXT = 4_000
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_IDENTIFIER = re.compile(r"\w[\w.-]{0,99}")
_USERINFO = re.compile(r"//[^/?#]*@")
# What people write instead of the key's name.
_ALSO_CALLED = {"on": "enabled", "off": "enabled", "disabled": "enabled", "tz": "timezone"}
_SECRET = re.compile(
    r"(?:.*_)?(?:token|password|passwd|passphrase|secret|api_?key|key|bearer|credentials?)",
    re.IGNORECASE,
)
_KINDS: list[tuple[type, str]] = [
    (bool, "a boolean"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "a string"),
    (datetime, "a time"),
    (date, "a day"),
    (time, "a time of day"),
    (dict, "a table"),
    (list, "a list"),
]


class Wrong(Exception):
    """A value can't be what it is; says why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands. `report` takes the path and what is wrong there."""

    path: Path
    report: Callable[[Path, str], None]

    def under(self, key: str | int) -> Place:
        return Place((*self.path, key), self.report)

    def wrong(self, message: str) -> None:
        self.report(self.path, message)

    def read(self, read: Reader, value: Any) -> Any:
        """What `value` means; None if it is wrong, which is reported."""
        try:
            return read(value)
        except Wrong as wrong:
            self.wrong(str(wrong))
            return None


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a table: how its value is read, and whether it must be there."""

    read: Reader
    required: bool = False

    def at(self, place: Place, value: Any) -> Any:
        """What `value` means; None if nothing."""
        return place.read(self.read, value)


@dataclass(frozen=True, slots=True)
class Nested:
    """A key whose value has keys or entries of its own, each with its place."""

    read: Callable[[Any, Place], Any]
    required: bool = False

    def at(self, place: Place, value: Any) -> Any:
        """What `value` means as far as it is right; None if nothing."""
        try:
            return self.read(value, place)
        except Wrong as wrong:
            place.wrong(str(wrong))
            return None


Fields = Mapping[str, Field | Nested]


def shown(value: str) -> str:
    """A value as messages show it: short, in one line, without a password in an address."""
    plain = _USERINFO.sub("//…@", value)
    short = plain if len(plain) <= _SHOWN else plain[:_SHOWN] + "…"
    return json.dumps(short, ensure_ascii=not short.isprintable())


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """`; did you mean "…"?` with the nearest of `known`, or "" where none is near."""
    folded = {k.casefold(): k for k in known}
    near = difflib.get_close_matches(name[:_SHOWN].casefold(), folded, n=1, cutoff=cutoff)
    return f"; did you mean {shown(folded[near[0]])}?" if near else ""


def expected(what: str, value: Any) -> Wrong:
    """What to raise for a value of the wrong type."""
    return Wrong(f"expected {what}, got {_kind(value)}")


def _kind(value: Any) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), type(value).__name__)


def text(value: Any) -> str:
    """A line of text with something to see in it."""
    if not isinstance(value, str):
        raise expected("a string", value)
    if not value.strip():
        raise Wrong("is empty; write something or take the key out")
    if not value.isprintable():
        raise Wrong("holds a line break or another sign that can't be seen")
    if len(value) > _MAX_TEXT:
        raise Wrong(f"is longer than {_MAX_TEXT} characters")
    return value.strip()


def identifier(value: Any) -> str:
    """A short name without spaces, fit for commands and file names."""
    name = text(value)
    if _IDENTIFIER.fullmatch(name):
        return name
    raise Wrong(
        f"{shown(name)} is no id; use up to 100 letters, digits and . _ -, beginning with a letter "
        "or digit"
    )


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise expected("true or false", value)
    return value


def amount(value: Any, *, positive: bool = False) -> float:
    """A finite number, not negative (with `positive`: not 0 either)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise expected("a number", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or number < 0 or (positive and not number):
        raise Wrong(f"{number} is impossible; give a number {'above' if positive else 'from'} 0")
    return number


def count(value: Any) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise expected("a whole number", value)
    if not 0 <= value < 2**63:
        raise Wrong("is out of range; give a whole number from 0")
    return value


def port(value: Any) -> int:
    """A TCP port; 0: any that is free."""
    number = count(value)
    if number > 65535:  # noqa: PLR2004 - as TCP has it
        raise Wrong(f"{number} is no port; give a number up to 65535")
    return number


def memory(value: Any) -> str:
    """An amount of memory as DuckDB writes it; at least 64 MB."""
    given = text(value)
    match = re.fullmatch(r"(\d{1,6})\s*(MB|GB)", given, re.IGNORECASE)
    if match is None:
        raise Wrong(f'{shown(given)} is no amount of memory; write one such as "256MB" or "2GB"')
    megabytes = int(match[1]) * (1000 if match[2].upper() == "GB" else 1)
    if megabytes < 64:  # noqa: PLR2004 - with less DuckDB can't bring its schema up to date
        raise Wrong(f"{shown(given)} is too little; give at least 64MB")
    return f"{megabytes}MB"


def duration(value: Any, *, at_least: timedelta = timedelta(0)) -> timedelta:
    if not isinstance(value, str):
        raise expected('a duration such as "5m"', value)
    try:
        found = parse_duration(value)
    except UsageError as error:
        raise Wrong(str(error)) from None
    if found < at_least:
        raise Wrong(f"{shown(value)} is too short; at least {at_least.total_seconds():g}s")
    return found


def moment(value: Any) -> datetime:
    """A time with a zone, between 1970 and 2200; in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip().upper())
        except ValueError:
            message = f"{shown(value)} is no time; write 2026-02-12T18:00:00Z"
            raise Wrong(message) from None
    if not isinstance(value, datetime):
        raise expected("a time such as 2026-02-12T18:00:00Z", value)
    if value.tzinfo is None:
        raise Wrong(
            f"{value.isoformat()} names no zone; add Z for UTC ({value.isoformat()}Z) or an offset "
            f"({value.isoformat()}+01:00)"
        )
    if not _FIRST <= value < _LAST:
        raise Wrong(f"{value.isoformat()} is not between 1970 and 2200")
    return value.astimezone(UTC)


def zone(value: Any) -> str:
    """The name of a time zone."""
    from zoneinfo import ZoneInfo, available_timezones

    name = text(value)
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        near = did_you_mean(name, available_timezones()) or '; write one such as "Europe/Berlin"'
        raise Wrong(f"{shown(name)} is no time zone{near}") from None


def language(value: Any) -> str:
    """A code of ISO 639-1, in small letters."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{2}", value):
        raise expected('a language such as "en" or "de"', value)
    return value.lower()


def choice(names: Iterable[str]) -> Reader:
    """One of `names`."""
    possible = tuple(map(str, names))

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise expected(f"one of {', '.join(possible)}", value)
        if value in possible:
            return value
        near = did_you_mean(value, possible)
        raise Wrong(f"{shown(value)} is none of {', '.join(possible)}{near}")

    return read


def listed(read: Reader) -> Nested:
    """A list of values, each once; in their order."""

    def read_list(value: Any, place: Place) -> tuple[Any, ...]:
        if not isinstance(value, list):
            hint = f"; write [{shown(value)}]" if isinstance(value, str) else ""
            raise Wrong(f"expected a list, got {_kind(value)}{hint}")
        found = [place.under(n).read(read, item) for n, item in enumerate(value)]
        return tuple(dict.fromkeys(item for item in found if item is not None))

    return Nested(read_list)


def tables(fields: Fields) -> Nested:
    """A list of tables with these keys."""

    def read(value: Any, place: Place) -> list[dict[str, Any]]:
        if not isinstance(value, list):
            raise Wrong(
                f"expected a list of tables, got {_kind(value)}; write [[{place.path[-1]}]]"
            )
        return [table(item, place.under(n), fields) for n, item in enumerate(value)]

    return Nested(read)


def table(value: Any, place: Place, fields: Fields) -> dict[str, Any]:
    """The values of a table whose keys are right; all else is reported."""
    if not isinstance(value, dict):
        place.wrong(f"expected a table, got {_kind(value)}")
        return {}
    found = {}
    for key, item in value.items():
        if key not in fields:
            place.under(key).wrong(_unknown(key, fields, place.path))
        elif (meant := fields[key].at(place.under(key), item)) is not None:
            found[key] = meant
    for key, field in fields.items():
        if field.required and key not in value:
            place.wrong(f"lacks {shown(key)}, which every one of these needs")
    return found


def _unknown(key: str, fields: Fields, path: Path) -> str:
    if _SECRET.fullmatch(key):
        variable = secret_variable(key, path)
        return (
            f"secrets don't belong in this file; take it out and set {variable} in the environment"
        )
    if (meant := _ALSO_CALLED.get(key.casefold())) in fields:
        return f'unknown key; did you mean "{meant}"?'
    near = did_you_mean(key, fields)
    return f"unknown key{near}" if near else f"unknown key; possible are {', '.join(fields)}"


def secret_variable(key: str, path: Path) -> str:
    """The variable of the environment that holds what someone wrote into the file as `key`."""
    network = path[1] if len(path) > 1 and path[0] == "network" else None
    known = {"x": "X_BEARER_TOKEN", "youtube": "YOUTUBE_API_KEY"}
    name = known.get(str(network)) or f"{network}_{key}" if network else key
    return re.sub(r"\W", "_", name[:_SHOWN]).upper()
