"""Whose announcement it is, and which event it opens or joins. Pure decisions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from monitor.config import Company, Config, Event, EventKind
from monitor.enrich.stream import Names
from monitor.errors import UsageError
from monitor.identity import canonical_url, link_id, recognise
from monitor.store.catalogue import account_key
from monitor.watch.announcement import Announcement
from monitor.watch.money import stated_money

__all__ = ["Wanted", "company_of", "event_of", "kind_of", "slug"]

_TITLE_CHARS = 120
_SAME = timedelta(hours=48)
"""Two announcements of one company in so short a time, with one sum or kind, are one event."""

_KINDS: tuple[tuple[EventKind, str], ...] = (
    (
        EventKind.FUNDING,
        (
            r"series [a-k]\b|fund(?:ing|raise)|post-?money|seed round"
            r"|finanzierungsrunde|kapitalrunde|levée de fonds|ronda de financiación"
        ),
    ),
    (
        EventKind.ACQUISITION,
        r"acqui(?:re[sd]?|ring|sition)|merger|merges? with|übernimmt|übernahme",
    ),
    (
        EventKind.EARNINGS,
        r"earnings|(?:quarter(?:ly)?|annual|q[1-4]) results|quartalszahlen|jahreszahlen",
    ),
    (
        EventKind.INCIDENT,
        r"outage|incident|breach|recall(?:s|ing)?\b|post-?mortem|vulnerabilit|störung|panne|rückruf",
    ),
    (
        EventKind.LAUNCH,
        (
            r"launch|introduc(?:es?|ing)\b|unveil|releas(?:e[sd]?|ing)\b|now available"
            r"|meet the new|stell(?:t|en) .* vor\b|lanza|lance\b"
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What whoever watches says of the event beforehand."""

    company: str | None = None  # id or name
    aliases: tuple[str, ...] = ()  # further names of it
    event: str | None = None  # an id: joined if there is one, else the new event's
    kind: EventKind | None = None
    title: str | None = None
    at: datetime | None = None


def company_of(found: Sequence[Announcement], wanted: Wanted, config: Config) -> Company:
    """The company that announces; a new one where none is configured or a new name is given.

    Raises:
        UsageError: none or several could be meant.
    """
    company = _company(found, wanted, config)
    names = tuple(dict.fromkeys((*company.aliases, *wanted.aliases)))
    return msgspec.structs.replace(company, aliases=names)


def _company(found: Sequence[Announcement], wanted: Wanted, config: Config) -> Company:
    if wanted.company is not None:
        return _named(wanted.company, found, config.companies)
    known = {event.id: event for event in config.events}
    if wanted.event in known:
        return _by_id(config.companies, known[wanted.event].company)
    accounts = {account_key(one.account) for one in found if one.account}
    own = [c for c in config.companies if accounts & {account_key(a) for a in c.accounts}]
    hosts = {_host(one.url) for one in found if one.network in ("feed", "wordpress")}
    own = own or [c for c in config.companies if hosts & {_host(feed) for feed in c.feeds}]
    if not own:
        said = Names(config.companies).companies_in("\n".join(one.words for one in found))
        own = [company for company in config.companies if company.id in said]
    if len(own) == 1:
        return own[0]
    if len(config.companies) == 1 and not any(one.words for one in found):
        return config.companies[0]
    if config.companies:
        ids = ", ".join(company.id for company in own or config.companies)
        what = "names several of your companies" if own else "names none of your companies"
        raise UsageError(f"{found[0].url}: {what} ({ids}); say whose it is: --company ID")
    return _made(_name_of(found), found)


def _by_id(companies: Iterable[Company], company_id: str) -> Company:
    return next(company for company in companies if company.id == company_id)


def _named(name: str, found: Sequence[Announcement], companies: Sequence[Company]) -> Company:
    for company in companies:
        if name.casefold() in (company.id.casefold(), company.name.casefold()):
            return company
    near = get_close_matches(name, [company.id for company in companies], 1)
    if near:
        raise UsageError(f'no company "{name}"; did you mean "{near[0]}"?')
    return _made(name, found)


def _made(name: str, found: Sequence[Announcement]) -> Company:
    company_id = slug(name)
    if not company_id:
        raise UsageError(f'"{name}": no name for a company; say --company NAME in Latin letters')
    accounts = dict.fromkeys(one.account for one in found if one.account)
    return Company(id=company_id, name=name, accounts=tuple(accounts))


def _name_of(found: Sequence[Announcement]) -> str:
    """The author's own name, or the name in the host of a page."""
    for one in found:
        if one.account and one.post and (name := _plain(one.post.author_name)):
            return name
    for one in found:
        host = _host(one.url)
        if one.network in ("feed", "wordpress") and not _is_address(host) and "." in host:
            return host.split(".")[-2].capitalize()
    raise UsageError(f"{found[0].url}: does not say who announces; name the company: --company")


def _plain(name: str | None) -> str:
    """A display name without what people put around it."""
    kept = "".join(c if unicodedata.category(c)[0] in "LNPZM" else " " for c in name or "")
    return " ".join(kept.split())


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def event_of(
    found: Sequence[Announcement], company: Company, wanted: Wanted, config: Config, now: datetime
) -> tuple[Event, bool]:
    """The event that these announcements open or join, with them; True if it is new.

    Raises:
        UsageError: nothing says when it was announced, or the event is another company's.
    """
    before = _joined(found, company, wanted, config)
    urls = tuple(one.url for one in found)
    if before is not None:
        if before.company != company.id:
            raise UsageError(f'event "{before.id}" is of company "{before.company}"')
        return msgspec.structs.replace(before, announcements=urls), False
    at = wanted.at or min((one.at for one in found if one.at), default=None)
    if at is None:
        raise UsageError(f"{urls[0]}: nothing says when it was announced; add --at TIME")
    words = "\n".join(one.words for one in found)
    title = wanted.title or _title(found)
    money = stated_money(words or title or "")
    kind = wanted.kind or kind_of(words or title or "")
    return Event(
        id=wanted.event or _new_id(company, kind, min(at, now), {e.id for e in config.events}),
        company=company.id, announced_at=min(at, now), kind=kind, title=title,
        amount=money.amount, valuation=money.valuation, currency=money.currency,
        announcements=urls,
    ), True  # fmt: skip


def _joined(
    found: Sequence[Announcement], company: Company, wanted: Wanted, config: Config
) -> Event | None:
    if wanted.event is not None:
        return next((event for event in config.events if event.id == wanted.event), None)
    ids = {post_id for one in found for post_id in one.ids}
    urls = {canonical_url(one.url) for one in found} - {None}
    links = {canonical_url(link) for one in found if one.post for link in one.post.links} - {None}
    mine = [event for event in config.events if event.company == company.id]
    for event in mine:
        given = {canonical_url(url) for url in event.announcements} - {None}
        named = {recognise(url) or link_id(url) or url for url in event.announcements}
        if ids & named or given & (urls | links):
            return event
    return next((event for event in mine if _is_same(found, event)), None)


def _is_same(found: Sequence[Announcement], event: Event) -> bool:
    """Is it about the same thing: at that time, with that sum?"""
    at = min((one.at for one in found if one.at), default=None)
    amount = stated_money("\n".join(one.words for one in found)).amount
    if at is None or abs(at - event.announced_at) > _SAME:
        return False
    return amount is not None and amount == event.amount


def kind_of(text: str) -> EventKind:
    """What kind of event a text announces, by its words; `other` where none tells.

    >>> kind_of("Northwind raises $40M in Series B funding")
    <EventKind.FUNDING: 'funding'>
    """
    words = dict(_KINDS)
    if stated_money(text).amount is not None:  # prices are raised, too
        words[EventKind.FUNDING] += r"|rais(?:e[sd]?|ing)\b"
    matches = ((re.search(said, text, re.IGNORECASE), kind) for kind, said in words.items())
    first = min(((m.start(), n, kind) for n, (m, kind) in enumerate(matches) if m), default=None)
    return first[2] if first else EventKind.OTHER


def _title(found: Sequence[Announcement]) -> str | None:
    """The first title; else the first line of the first text, or of it the first sentence."""
    for one in found:
        if one.post and one.post.title:
            return one.post.title
    for one in found:
        words = re.sub(r"https?://\S+", "", one.words)
        lines = [line.strip() for line in words.splitlines() if line.strip()]
        if lines:
            sentence = re.match(r".+?[.!?…](?=\s|$)", lines[0])
            title = sentence[0] if sentence and len(lines[0]) > _TITLE_CHARS else lines[0]
            return title if len(title) <= _TITLE_CHARS else title[: _TITLE_CHARS - 1].rstrip() + "…"
    return None


def _new_id(company: Company, kind: EventKind, at: datetime, taken: Container[str]) -> str:
    what = () if kind is EventKind.OTHER else (str(kind),)
    base = "-".join((company.id, *what, f"{at:%Y-%m-%d}"))
    candidates = (base, *(f"{base}-{n}" for n in range(2, 1000)))
    return next(one for one in candidates if one not in taken)


def slug(text: str) -> str:
    """`text` as an id: lower-case ASCII words joined by `-`; empty if it has none.

    >>> slug("Südwind Möbel GmbH")
    'sudwind-mobel-gmbh'
    """
    plain = (
        unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    )
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))[:60].strip("-")
