"""Whose announcement it is, and which event it opens or joins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.config import Company, Config, Event, EventKind
from monitor.errors import UsageError
from monitor.types import Post
from monitor.watch.announcement import Announcement, moment_of
from monitor.watch.decide import Wanted, company_of, event_of, kind_of, slug

NOW = datetime(2026, 2, 13, 9, tzinfo=UTC)
AT = datetime(2026, 2, 12, 18, tzinfo=UTC)
ACME = Company(id="acme", name="Acme", accounts=("bluesky:@Acme.example", "x:acme"))
BLUME = Company(id="blume", name="Blume", feeds=("https://blume.example/news.xml",))


def said(text: str = "Acme raises $40M at $400M post-money", **more: object) -> Announcement:
    given: dict[str, object] = {
        "url": "https://bsky.app/profile/acme.example/post/1", "network": "bluesky",
        "post_id": "bluesky:at://did:plc:acme/app.bsky.feed.post/1", "at": AT,
        "account": "bluesky:acme.example",
    }  # fmt: skip
    links = tuple(more.pop("links", ()))  # type: ignore[call-overload]
    name = more.pop("name", "Acme Inc. 🚀")
    given |= more
    post = Post(post_id=str(given["post_id"]), author_name=str(name), text=text, links=links)
    return Announcement(**(given | {"post": post}))  # type: ignore[arg-type]


def page(url: str = "https://blume.example/news/1", text: str = "News") -> Announcement:
    return said(text, url=url, network="feed", post_id="feed:1", account=None, name="")


def whose(one: Announcement, *companies: Company, **wanted: str) -> str:
    return company_of([one], Wanted(**wanted), Config(company=companies)).id  # type: ignore[arg-type]


def test_an_account_or_a_site_of_its_own_says_whose_it_is() -> None:
    assert whose(said("Blume is great"), ACME, BLUME) == "acme"
    assert whose(page(text="Acme is great"), ACME, BLUME) == "blume"


def test_else_the_only_company_that_it_names() -> None:
    stranger = {"account": "bluesky:reporter.example"}
    assert whose(said("Blume raises $1M", **stranger), ACME, BLUME) == "blume"
    with pytest.raises(UsageError, match=r"several of your companies \(acme, blume\).*--company"):
        whose(said("Acme buys Blume", **stranger), ACME, BLUME)
    with pytest.raises(UsageError, match="none of your companies"):
        whose(said("Something else", **stranger), ACME, BLUME)


def test_a_company_is_named_by_id_or_name_and_a_new_name_is_a_new_one() -> None:
    assert whose(said("nothing"), ACME, BLUME, company="blume") == "blume"
    assert whose(said("nothing"), ACME, BLUME, company="Blume") == "blume"
    made = company_of([said()], Wanted(company="Südwind GmbH"), Config(company=(BLUME,)))
    assert (made.id, made.name) == ("sudwind-gmbh", "Südwind GmbH")
    assert made.accounts == ("bluesky:acme.example",)
    with pytest.raises(UsageError, match='did you mean "blume"'):
        whose(said(), BLUME, company="blum")


def test_without_any_company_the_author_is_one() -> None:
    made = company_of([said()], Wanted(), Config())
    assert (made.id, made.name) == ("acme-inc", "Acme Inc.")
    assert company_of([page()], Wanted(), Config()).name == "Blume"
    with pytest.raises(UsageError, match="--company"):
        company_of([page("http://127.0.0.1:8081/?p=4")], Wanted(), Config())


def opened(
    *found: Announcement, config: Config | None = None, **wanted: object
) -> tuple[Event, bool]:
    return event_of(found, ACME, Wanted(**wanted), config or Config(company=(ACME,)), NOW)  # type: ignore[arg-type]


def test_an_event_is_what_the_announcement_states() -> None:
    event, is_new = opened(said())
    assert is_new
    assert (event.id, event.kind, event.announced_at) == ("acme-funding-2026-02-12", "funding", AT)
    assert (event.amount, event.valuation, event.currency) == (40e6, 400e6, "USD")
    assert event.title == "Acme raises $40M at $400M post-money"
    assert event.announcements == ("https://bsky.app/profile/acme.example/post/1",)


def test_what_is_wanted_stands_before_what_is_stated() -> None:
    event, _ = opened(said(), event="round-b", kind=EventKind.OTHER, title="Round B", at=NOW)
    assert (event.id, event.kind, event.title, event.announced_at) == (
        "round-b", "other", "Round B", NOW,
    )  # fmt: skip


def test_an_event_can_not_be_announced_later_than_now() -> None:
    assert opened(said(at=NOW + timedelta(days=30)))[0].announced_at == NOW


def test_without_a_time_it_asks_for_one() -> None:
    with pytest.raises(UsageError, match="--at TIME"):
        opened(said(at=None))


def test_ids_do_not_collide() -> None:
    taken = Event(id="acme-funding-2026-02-12", company="acme", announced_at=AT - timedelta(9))
    config = Config(company=(ACME,), event=(taken,))
    assert opened(said(), config=config)[0].id == "acme-funding-2026-02-12-2"


KNOWN = Event(
    id="known", company="acme", announced_at=AT, amount=40e6,
    announcements=("https://acme.example/news/round?utm_source=x",),
)  # fmt: skip


@pytest.mark.parametrize(
    ("one", "joins"),
    [
        (said("news", url="https://www.acme.example/news/round", network="feed"), True),
        (said("news", links=("https://acme.example/news/round",)), True),
        (said("Acme: $40M, says the press", at=AT + timedelta(hours=47)), True),
        (said("Acme: $40M, says the press", at=AT + timedelta(hours=49)), False),
        (said("Acme: $41M"), False),
        (said("Acme moves its office"), False),
    ],
)
def test_it_joins_an_event_that_is_the_same(one: Announcement, joins: bool) -> None:
    event, is_new = opened(one, config=Config(company=(ACME,), event=(KNOWN,)))
    assert is_new is not joins
    assert (event.id == "known") is joins
    assert event.announcements == (one.url,)


def test_a_named_event_is_joined_unless_it_is_another_companys() -> None:
    config = Config(company=(ACME, BLUME), event=(KNOWN,))
    assert opened(said("Something"), config=config, event="known")[0].amount == 40e6
    with pytest.raises(UsageError, match='"known" is of company "acme"'):
        event_of([said()], BLUME, Wanted(event="known"), config, NOW)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Northwind raises $40M in Series B funding", "funding"),
        ("Südwind schließt Finanzierungsrunde ab", "funding"),
        ("Introducing Northwind 3", "launch"),
        ("Northwind acquires Blume", "acquisition"),
        ("Q3 results: revenue up", "earnings"),
        ("An update on yesterday's outage", "incident"),
        ("We moved our office", "other"),
    ],
)
def test_the_kind_of_an_event(text: str, kind: str) -> None:
    assert kind_of(text) == kind


def test_an_id_of_x_tells_its_moment() -> None:
    assert moment_of("x:1212092628029698048") == datetime(2019, 12, 31, 19, 26, 16, 771000, UTC)
    assert moment_of("x:20") is None  # from before ids told the time
    assert moment_of("hackernews:1212092628029698048") is None


def test_slugs() -> None:
    assert slug("Acme & Söhne — Ünïted!") == "acme-sohne-united"
    assert slug("日本") == ""


def test_prices_that_are_raised_are_no_funding() -> None:
    assert kind_of("Northwind raises its prices to €14.99") is EventKind.OTHER
    assert kind_of("Northwind raises $30B") is EventKind.FUNDING
    assert kind_of("Wir haben 40 Mio. Euro in einer Finanzierungsrunde eingesammelt") is (
        EventKind.FUNDING
    )
