"""From the configuration to the sources: what is to be polled, and for whom. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from monitor.config import Company, Config, Event, SourceConfig
from monitor.identity import canonical_url, recognise, recognise_network
from monitor.types import INTERVALS, Source, SourceKind

__all__ = ["POSTS", "SEARCHABLE", "announced", "derive", "network_of_id"]

SEARCHABLE = frozenset({"bluesky", "hackernews", "mastodon"})
"""Networks whose collector can search for names: words, or on mastodon hashtags."""

_DISCUSSES = frozenset({"hackernews"})
"""Networks whose collector can search for posts that point to an address."""

_BY_HANDLE = SEARCHABLE - {"hackernews", "mastodon"}
"""Networks where a search finds how posts address an account."""

_ORIGINS = ("company", "event", "config")  # of a source that is named twice, the first holds
_NATIVE_ID = re.compile(r"([a-z][a-z0-9_+-]*):(?!//)(\S+)")
POSTS = {
    "ap": re.compile(r"https?://\S+"),
    "bluesky": re.compile(r"at://[^/\s]+/app\.bsky\.feed\.post/[^/\s]+"),
    "hackernews": re.compile(r"\d+"),
    "reddit": re.compile(r"t[13]_\w+"),
    "discourse": re.compile(r"\S+/p/\d+"),
    "wordpress": re.compile(r"\S+/(?:post|comment)/\d+"),
    "youtube": re.compile(r"(?:video|comment)/\S+"),
    "x": re.compile(r"\d+"),
}
"""What follows the network's name in the id of a post."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """One thing that the configuration asks for; several may mean one source."""

    network: str
    kind: SourceKind
    target: str
    origin: str
    source_id: str | None = None
    interval: timedelta | None = None
    queries: tuple[str, ...] = ()
    root_id: str | None = None
    companies: frozenset[str] = field(default_factory=frozenset)
    events: frozenset[str] = field(default_factory=frozenset)

    @property
    def key(self) -> tuple[str, SourceKind, str]:
        return self.network, self.kind, self.root_id or _comparable(self.kind, self.target)


def derive(config: Config, *, networks: Iterable[str] | None = None) -> list[Source]:
    """The sources of a configuration, each once, in its order.

    A network that the configuration switches off is not asked: it has no sources.

    Args:
        networks: those that have a collector, or may have one; only these are searched. None: all.
    """
    known = SEARCHABLE if networks is None else frozenset(networks)
    merged: dict[tuple[str, SourceKind, str], list[_Wish]] = {}
    for wish in _wishes(config, known):
        if config.is_on(wish.network):
            merged.setdefault(wish.key, []).append(wish)
    return [_source(wishes) for wishes in merged.values()]


def announced(announcement: str, config: Config) -> Source | None:
    """The source that reads one announcement (its address or id); None where none can."""
    where = _announced(announcement, _wordpress_sites(config), frozenset())
    if where is None:
        return None
    network, kind, target = where
    wish = _Wish(
        network=network, kind=kind, target=target, origin="event", root_id=_native_id(announcement)
    )
    return _source([wish])


def network_of_id(text: str) -> str | None:
    """The network of a post's id such as `x:123`; None if `text` is none that we know.

    >>> network_of_id("ap:https://social.example/users/name/statuses/1")
    'mastodon'
    """
    match = _NATIVE_ID.fullmatch(text)
    form = POSTS.get(match[1]) if match else None
    if match is None or form is None or not form.fullmatch(match[2]):
        return None
    return "mastodon" if match[1] == "ap" else match[1]


def _wishes(config: Config, known: frozenset[str]) -> Iterator[_Wish]:
    yield from _of_companies(config, sorted(SEARCHABLE & known))
    yield from _of_events(config, known)
    for source in config.sources:
        yield _of_source(source)


def _of_companies(config: Config, searched: list[str]) -> Iterator[_Wish]:
    for company in config.companies:
        whose = frozenset({company.id})
        for feed in company.feeds:
            yield _Wish(
                network="feed", kind=SourceKind.FEED, target=feed, origin="company", companies=whose
            )
        for account in company.accounts:
            network, _, name = account.partition(":")
            yield _Wish(
                network=network, kind=SourceKind.ACCOUNT, target=name, origin="company",
                companies=whose,
            )  # fmt: skip
        for network in searched:
            yield _Wish(
                network=network, kind=SourceKind.SEARCH, target=company.id, origin="company",
                queries=(company.name, *company.aliases, *_handles(company, network)),
                companies=whose,
            )  # fmt: skip


def _handles(company: Company, network: str) -> Iterator[str]:
    """How posts address the company there; searches take a handle for one word."""
    for account in company.accounts if network in _BY_HANDLE else ():
        where, _, name = account.partition(":")
        if where == network and not name.startswith("did:"):
            yield name.lstrip("@")


def _of_events(config: Config, known: frozenset[str]) -> Iterator[_Wish]:
    sites = _wordpress_sites(config)
    for event in config.events:
        for announcement in event.announcements:
            where = _announced(announcement, sites, known)
            if where is not None:
                network, kind, target = where
                yield _Wish(
                    network=network, kind=kind, target=target, origin="event",
                    root_id=_native_id(announcement), companies=frozenset({event.company}),
                    events=frozenset({event.id}),
                )  # fmt: skip
        for network in sorted(_DISCUSSES & known):
            yield from _discussions(event, network)


def _discussions(event: Event, network: str) -> Iterator[_Wish]:
    """The search for what points to the announcements of an event from another network."""
    urls = [url for url in event.announcements if canonical_url(url)]
    elsewhere = tuple(url for url in urls if recognise_network(url) != network)
    if elsewhere:
        yield _Wish(
            network=network, kind=SourceKind.SEARCH, target=f"event:{event.id}", origin="event",
            queries=elsewhere, companies=frozenset({event.company}), events=frozenset({event.id}),
        )  # fmt: skip


def _announced(
    announcement: str, sites: set[str], known: frozenset[str]
) -> tuple[str, SourceKind, str] | None:
    """Where an announcement is read; None where only an import can bring it."""
    if match := _NATIVE_ID.fullmatch(announcement):
        network = network_of_id(announcement) or match[1]
        if network == "feed" or (match[1] not in POSTS and network not in known):
            return None
        target = match[2] if match[1] in ("ap", "bluesky") else announcement
        return network, SourceKind.THREAD, target
    recognised = recognise_network(announcement)
    if recognised is not None:
        return recognised, SourceKind.THREAD, announcement
    if _host(announcement) in sites:
        return "wordpress", SourceKind.THREAD, announcement
    return "feed", SourceKind.PAGE, announcement


def _wordpress_sites(config: Config) -> set[str]:
    """Hosts that the configuration says to be WordPress."""
    urls = [s.target.removeprefix("site:") for s in config.sources if s.network == "wordpress"]
    settings = config.networks.get("wordpress")
    if settings is not None and settings.base_url is not None:
        urls.append(settings.base_url)
    return {host for host in map(_host, urls) if host}


def _of_source(source: SourceConfig) -> _Wish:
    kind, target = _place(source.network, source.target)
    is_thread = kind is SourceKind.THREAD
    return _Wish(
        network=source.network, kind=kind, target=target, origin="config", source_id=source.id,
        interval=source.interval, queries=(target,) if kind is SourceKind.SEARCH else (),
        root_id=_native_id(source.target) if is_thread else None,
    )  # fmt: skip


def _place(network: str, target: str) -> tuple[SourceKind, str]:
    """What kind of thing a `[[source]]` names, and how its collector is asked for it."""
    form, colon, rest = target.partition(":")
    kinds = {"search": SourceKind.SEARCH, "site": SourceKind.SITE}
    if network != "feed" and colon and form in kinds:
        return kinds[form], rest.strip()
    if _is_post(network, target):
        return SourceKind.THREAD, target.removeprefix("bluesky:").removeprefix("ap:")
    match network:
        case "feed":
            return SourceKind.FEED, target
        case "wordpress":
            return (SourceKind.SITE if _is_bare(target) else SourceKind.THREAD), target
        case "discourse" if _is_bare(target):
            return SourceKind.SITE, target
        case _:
            return SourceKind.ACCOUNT, target.removeprefix(f"{network}:")


def _is_bare(url: str) -> bool:
    """Is it the address of a whole site?"""
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query


def _is_post(network: str, target: str) -> bool:
    return network_of_id(target) == network or recognise_network(target) == network


def _native_id(text: str) -> str | None:
    """The id of the post that an address or id names, as far as it tells by itself."""
    if network_of_id(text) is None:
        return recognise(text)
    return recognise(text.removeprefix("bluesky:")) if text.startswith("bluesky:") else text


def _source(wishes: list[_Wish]) -> Source:
    """One source out of all that asked for it: it serves them all."""
    first = wishes[0]
    intervals = [wish.interval for wish in wishes if wish.interval]
    return Source(
        source_id=next(
            (wish.source_id for wish in wishes if wish.source_id),
            f"{first.network}:{first.kind}:{first.target}",
        ),
        network=first.network,
        kind=first.kind,
        target=first.target,
        origin=min((wish.origin for wish in wishes), key=_ORIGINS.index),
        interval=min(intervals, default=INTERVALS[first.kind]),
        is_fixed=bool(intervals),
        queries=tuple(dict.fromkeys(query for wish in wishes for query in wish.queries)),
        root_id=first.root_id,
        companies=frozenset().union(*(wish.companies for wish in wishes)),
        events=frozenset().union(*(wish.events for wish in wishes)),
    )


def _comparable(kind: SourceKind, target: str) -> str:
    """The form in which targets of one kind are equal: addresses canonical, names without `@`.

    A feed's parameters stand as they are: what looks like a tracker may choose what it shows.
    """
    if target.startswith(("http://", "https://")):
        return (target if kind is SourceKind.FEED else canonical_url(target)) or target
    if kind is SourceKind.ACCOUNT and not target.startswith("did:"):
        return target.removeprefix("@").lower()
    return target


def _host(url: str) -> str:
    """Host and port of an address, without `www.`; "" where it has none."""
    canonical = canonical_url(url)
    return urlsplit(canonical).netloc if canonical else ""
