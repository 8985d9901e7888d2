"""What a simulated world is to be like: a small TOML file as typed settings.

The scenarios that come with the project stand in `config/scenarios`; a file of one's own has the
same form. Durations are written as in the configuration (`90s`, `40m`, `14d`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from monitor.durations import parse_duration
from monitor.errors import ConfigError, UsageError

__all__ = [
    "CompanySettings",
    "EventSettings",
    "FaultSettings",
    "LimitSettings",
    "PressSettings",
    "Scenario",
    "Threads",
    "Trouble",
    "load",
    "names",
]

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Part = Annotated[float, msgspec.Meta(ge=0, le=0.9)]  # somebody must be left
Few = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Count = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]


class Duration(timedelta):
    """Written as `90s`, `40m` or `14d`."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys that nobody reads are errors."""


class Threads(_Table, frozen=True, kw_only=True):
    """How replies beget replies: each post has `branching` direct answers on average.

    Their delays follow `kernel` with the given median: `exponential`, or `power` (a Lomax law with
    tail exponent `tail`). How many answers one post draws varies with `spread`, the standard
    deviation of the logarithm of its mark.
    """

    branching: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.5
    kernel: Literal["exponential", "power"] = "power"
    median: Duration = Duration(minutes=40)
    tail: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.2
    spread: Annotated[float, msgspec.Meta(ge=0, le=3)] = 0.8


class CompanySettings(_Table, frozen=True, kw_only=True):
    """A company and what is said about it every day.

    `mentions_per_day` counts posts that start by themselves; each draws replies as `threads` say.
    Their rate follows the hour and the day of the week, and varies with `dispersion` (the squared
    coefficient of variation of an hour's rate).
    """

    id: Id
    name: str
    aliases: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()  # what else bears the name, and is no mention of the company
    mentions_per_day: Count = 30.0
    dispersion: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.3
    threads: Threads = Threads(branching=0.2)
    strays_per_day: Count = 0.0
    earlier_posts: Few = 3  # of the company's own account, before anything happens
    mood: Annotated[float, msgspec.Meta(ge=-1, le=1)] = 0.1


class EventSettings(_Table, frozen=True, kw_only=True):
    """One announcement and how strongly people react to it. Numbers are expectations.

    `direct` answers to the announcement, `comments` under the article, and quotes, link posts and
    mentions that start by themselves; all of them draw replies as `threads` say. `attack` and
    `answer` are how long after the announcement a competitor replies to it and the company answers
    that; without them nobody attacks, and the company is silent.
    """

    id: Id
    company: Id
    kind: str = "other"
    title: str
    topic: str  # a proper term that posts about it use
    after: Duration = Duration(0)  # later than the scenario's moment
    amount: float | None = None
    valuation: float | None = None
    currency: str | None = None
    direct: Count = 80.0
    comments: Count = 30.0
    quotes: Count = 10.0
    links: Count = 10.0
    mentions: Count = 20.0
    articles: Count = 15.0
    discussions: Count = 0.0  # stories on Hacker News, each with as many comments as the article
    copies: Share = 0.4  # of the articles, taken over from another one
    threads: Threads = Threads()
    mood: Annotated[float, msgspec.Meta(ge=-1, le=1)] = 0.0
    attack: Duration | None = None
    attack_by: Id | None = None  # the company whose account attacks
    answer: Duration | None = None


class PressSettings(_Table, frozen=True, kw_only=True):
    """An outlet with a feed of its newest `items`, in `language`."""

    id: Id
    language: str = "en"
    items: Annotated[int, msgspec.Meta(ge=3, le=500)] = 20
    other_per_day: Count = 5.0  # articles about something else
    format: Literal["rss", "atom"] = "rss"


class Trouble(_Table, frozen=True, kw_only=True):
    """What befalls posts: shares of those that it can befall."""

    deleted: Share = 0.02
    edited: Share = 0.05
    late: Share = 0.1  # comments that are approved hours later
    hidden: Share = 0.02  # replies that the announcer hides; they are served still
    blocked: Share = 0.03  # replies after which one of the two blocks the other
    withheld: Part = 0.03  # people who ask not to be shown without a login
    wrong_clock: Share = 0.02
    twice: Share = 0.1  # articles that stand in a second feed, too


class FaultSettings(_Table, frozen=True, kw_only=True):
    """A time in which one platform answers wrongly, from `at` after the scenario's moment."""

    network: Literal["bluesky", "wordpress", "feed", "hackernews"]
    kind: Literal["429", "403", "500", "cut", "slow", "garbage", "changed"]
    at: Duration
    lasts: Duration


class LimitSettings(_Table, frozen=True, kw_only=True):
    """A platform answers so many requests in each window, and 429 to all further ones."""

    network: Literal["bluesky", "wordpress", "feed", "hackernews"]
    requests: Annotated[int, msgspec.Meta(ge=1)]
    per: Duration


class Scenario(_Table, frozen=True, kw_only=True):
    """A whole scenario. `before` and `after` are the world's span around `announced_at`.

    `intervals` say how often sources are polled: pairs of an age of the newest event and the
    interval that holds up to that age; `background` holds at all other times.
    """

    title: str
    seed: int = 1
    announced_at: datetime = datetime(2026, 2, 12, 18, tzinfo=UTC)
    before: Duration = Duration(days=15)
    after: Duration = Duration(days=3)
    people: Annotated[int, msgspec.Meta(ge=20, le=1_000_000)] = 500
    languages: dict[str, float] = msgspec.field(default_factory=lambda: {"en": 1.0})
    company: tuple[CompanySettings, ...]
    event: tuple[EventSettings, ...] = ()
    press: tuple[PressSettings, ...] = ()
    trouble: Trouble = Trouble()
    fault: tuple[FaultSettings, ...] = ()
    limit: tuple[LimitSettings, ...] = ()
    search_lag: Duration = Duration(0)  # until a new post stands in searches
    background: Duration = Duration(hours=3)
    intervals: tuple[tuple[Duration, Duration], ...] = (
        (Duration(hours=6), Duration(minutes=20)),
        (Duration(days=1), Duration(hours=1)),
        (Duration(days=3), Duration(hours=2)),
    )

    @property
    def starts_at(self) -> datetime:
        """The world's first moment."""
        return self.announced_at - self.before

    @property
    def ends_at(self) -> datetime:
        """The world's last moment."""
        return self.announced_at + self.after


def names() -> list[str]:
    """The scenarios that come with the project."""
    return sorted(path.stem for path in _folder().glob("*.toml"))


def load(scenario: str | Path, *, seed: int | None = None) -> Scenario:
    """A scenario by its name or by its file.

    Args:
        seed: instead of the scenario's own.

    Raises:
        UsageError: there is none of that name.
        ConfigError: the file can't be read or is wrong; the key is named.
    """
    path = _path(scenario)
    try:
        data = tomllib.loads(path.read_text("utf8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; name a scenario's file") from error
    except ValueError as error:
        raise ConfigError([f"{path}: {error}"]) from error
    try:
        made = msgspec.convert(data, Scenario, dec_hook=_decode, strict=True)
    except (msgspec.ValidationError, NotImplementedError, UsageError) as error:
        raise ConfigError([f"{path}: {error}"]) from error
    if problems := list(_problems(made)):
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    return msgspec.structs.replace(
        made,
        announced_at=made.announced_at.astimezone(UTC),
        seed=made.seed if seed is None else seed,
    )


def _path(scenario: str | Path) -> Path:
    given = Path(scenario)
    if given.suffix == ".toml" or given.is_file():
        return given
    if str(scenario) in names():
        return _folder() / f"{scenario}.toml"
    near = get_close_matches(str(scenario), names(), 1)
    hint = f'did you mean "{near[0]}"? ' if near else ""
    raise UsageError(
        f'no scenario "{scenario}"; {hint}there are {", ".join(names())}, or name a .toml file'
    )


def _folder() -> Path:
    """A link to `config/scenarios` in a checkout, the files themselves in an installation."""
    return Path(__file__).with_name("scenarios")


def _decode(kind: type, value: Any) -> Any:
    if kind is not Duration or not isinstance(value, str):
        raise NotImplementedError(f"{value!r} is no {kind.__name__}")
    return Duration(seconds=parse_duration(value).total_seconds())


def _problems(made: Scenario) -> Iterator[str]:
    """What types can't tell."""
    for name in ("company", "event", "press"):
        ids = [one.id for one in getattr(made, name)]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        yield from (f"{name} {one}: this id is there twice" for one in twice)
    for event in made.event:
        yield from (f"event {event.id}: {problem}" for problem in _problems_of(event, made))
    if made.announced_at.tzinfo is None:
        yield "announced_at needs a zone, such as 2026-02-12T18:00:00Z"
    if sum(made.languages.values()) <= 0:
        yield "languages: give at least one a weight above 0"
    spans = {"before": made.before, "after": made.after, "background": made.background}
    spans |= {f"intervals[{n}]": every for n, (_, every) in enumerate(made.intervals)}
    spans |= {f"limit {limit.network}: per": limit.per for limit in made.limit}
    threads = {f"company {one.id}": one.threads for one in made.company}
    threads |= {f"event {one.id}": one.threads for one in made.event}
    spans |= {f"{whose}: threads.median": one.median for whose, one in threads.items()}
    yield from (f"{key} must be longer than 0s" for key, span in spans.items() if not span)


def _problems_of(event: EventSettings, made: Scenario) -> Iterator[str]:
    companies = {company.id for company in made.company}
    for key, company in (("company", event.company), ("attack_by", event.attack_by)):
        if company is not None and company not in companies:
            yield f"{key} is {company!r}, no company of this scenario"
    if not timedelta(0) <= event.after < made.after:
        yield "happens after the world's end"
    if (event.attack is None) != (event.attack_by is None):
        yield "attack and attack_by belong together"
    if event.answer is not None and (event.attack is None or event.answer <= event.attack):
        yield "an answer needs an earlier attack"
    last = max(filter(None, (event.attack, event.answer)), default=timedelta(0))
    if last >= made.after - event.after:
        yield "attack and answer must come before the world's end"
    if event.articles and not made.press:
        yield f"{event.articles:g} articles need a [[press]] to stand in"
