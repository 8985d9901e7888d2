from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.collect.derive import derive
from monitor.collect.registry import networks
from monitor.config import Company, Config, Event, Network, SourceConfig, load
from monitor.types import INTERVALS, Source, SourceKind

ROOT = Path(__file__).parents[2]
DID = "did:plc:abc"
POST = f"at://{DID}/app.bsky.feed.post/3k"


def company(**more: object) -> Company:
    return Company(**{"id": "northwind", "name": "Northwind Energy", **more})


def event(*announcements: str, event_id: str = "round") -> Event:
    moment = datetime(2026, 2, 12, 18, tzinfo=UTC)
    return Event(id=event_id, company="northwind", announced_at=moment, announcements=announcements)


def of(config: Config) -> list[Source]:
    return derive(config, networks=networks())


def announced(*announcements: str, **more: object) -> list[Source]:
    config = Config(company=(company(),), event=(event(*announcements),), **more)
    return [one for one in of(config) if one.events and one.kind is not SourceKind.SEARCH]


def configured(network: str, target: str) -> Source:
    (source,) = of(Config(source=(SourceConfig(network=network, target=target),)))
    return source


def test_the_example_gives_its_sources() -> None:
    sources = of(load(ROOT / "config" / "series-g.toml", env={}))
    assert [(s.source_id, s.kind, s.origin, s.interval.total_seconds()) for s in sources] == [
        ("feed:feed:https://example.org/newsroom.xml", "feed", "company", 300),
        ("bluesky:account:example.org", "account", "company", 120),
        ("mastodon:account:@name@example.org", "account", "company", 120),
        ("x:account:AnthropicAI", "account", "company", 120),
        ("bluesky:search:anthropic", "search", "company", 300),
        ("hackernews:search:anthropic", "search", "company", 300),
        ("mastodon:search:anthropic", "search", "company", 300),
        ("feed:page:https://example.org/news/series-g", "page", "event", 900),
        ("hackernews:search:event:anthropic-series-g", "search", "event", 300),
        ("techpress", "feed", "config", 300),
    ]
    assert {s.companies for s in sources[:9]} == {frozenset({"anthropic"})}
    assert {s.events for s in sources[7:9]} == {frozenset({"anthropic-series-g"})}
    assert (sources[9].companies, sources[9].events) == (frozenset(), frozenset())


def test_a_company_is_searched_by_all_its_names_where_a_collector_can_search() -> None:
    config = Config(company=(company(aliases=("Northwind", "Northwind Energy")),))
    searches = of(config)
    assert {search.kind for search in searches} == {SourceKind.SEARCH}
    assert {search.network for search in searches} >= {"bluesky", "hackernews", "mastodon"}
    assert {search.queries for search in searches} == {("Northwind Energy", "Northwind")}
    assert derive(config, networks=["feed"]) == []
    assert derive(config) == searches


def test_handles_are_searched_where_posts_address_people_by_them() -> None:
    config = Config(company=(company(accounts=("bluesky:example.org", "hackernews:northwind")),))
    queries = {s.network: s.queries for s in of(config) if s.kind is SourceKind.SEARCH}
    assert queries["bluesky"] == ("Northwind Energy", "example.org")
    assert queries["hackernews"] == ("Northwind Energy",)


def discussions(*announcements: str) -> list[Source]:
    config = Config(company=(company(),), event=(event(*announcements),))
    return [one for one in of(config) if one.events and one.kind is SourceKind.SEARCH]


def test_what_discusses_the_announcements_of_an_event_is_searched_by_their_addresses() -> None:
    article, post = "https://example.org/news/12", f"https://bsky.app/profile/{DID}/post/3k"
    story = "https://news.ycombinator.com/item?id=8863"
    (search,) = discussions(article, story, post, "x:12")
    assert (search.network, search.target) == ("hackernews", "event:round")
    assert search.queries == (article, post)
    assert (search.companies, search.events) == ({"northwind"}, {"round"})
    assert discussions(story, "x:12", POST) == []


@pytest.mark.parametrize(
    ("announcement", "network", "kind", "target", "root_id"),
    [
        (
            f"https://bsky.app/profile/{DID}/post/3k",
            "bluesky", "thread", f"https://bsky.app/profile/{DID}/post/3k", f"bluesky:{POST}",
        ),
        (
            "https://bsky.app/profile/example.org/post/3k",
            "bluesky", "thread", "https://bsky.app/profile/example.org/post/3k", None,
        ),
        (POST, "bluesky", "thread", POST, f"bluesky:{POST}"),
        (f"bluesky:{POST}", "bluesky", "thread", POST, f"bluesky:{POST}"),
        (
            "https://news.ycombinator.com/item?id=8863",
            "hackernews", "thread", "https://news.ycombinator.com/item?id=8863", "hackernews:8863",
        ),
        ("x:12", "x", "thread", "x:12", "x:12"),
        (
            "https://social.example/@name/109",
            "mastodon", "thread", "https://social.example/@name/109", None,
        ),
        (
            "ap:https://social.example/users/name/statuses/1",
            "mastodon", "thread", "https://social.example/users/name/statuses/1",
            "ap:https://social.example/users/name/statuses/1",
        ),
        (
            "wordpress:example.org/post/12",
            "wordpress", "thread", "wordpress:example.org/post/12", "wordpress:example.org/post/12",
        ),
        ("https://example.org/news/12", "feed", "page", "https://example.org/news/12", None),
    ],
)  # fmt: skip
def test_an_announcement_is_read_where_it_stands(
    announcement: str, network: str, kind: str, target: str, root_id: str | None
) -> None:
    (source,) = announced(announcement)
    assert (source.network, source.kind, source.target) == (network, kind, target)
    assert source.root_id == root_id
    assert source.companies == {"northwind"}
    assert source.events == {"round"}
    assert source.interval == INTERVALS[source.kind]


def test_an_announcement_that_only_an_import_can_bring_has_no_source() -> None:
    assert announced("someforum:12", "feed:0123") == []
    config = Config(company=(company(),), event=(event("someforum:12"),))
    (source,) = derive(config, networks=["someforum"])
    assert (source.network, source.kind) == ("someforum", SourceKind.THREAD)


def test_a_host_that_is_configured_as_wordpress_is_read_as_such() -> None:
    site = SourceConfig(network="wordpress", target="https://www.example.org:8443")
    (source,) = announced("https://example.org:8443/news/12/", source=(site,))
    assert (source.network, source.kind) == ("wordpress", SourceKind.THREAD)
    (page,) = announced("https://example.org/news/12/", source=(site,))
    assert page.kind is SourceKind.PAGE
    based = {"wordpress": Network(base_url="http://127.0.0.1:8081")}
    (local,) = announced("http://127.0.0.1:8081/?p=12", network=based)
    assert (local.network, local.target) == ("wordpress", "http://127.0.0.1:8081/?p=12")


@pytest.mark.parametrize(
    ("network", "target", "kind", "asked"),
    [
        ("feed", "https://example.org/rss", "feed", "https://example.org/rss"),
        ("bluesky", "example.org", "account", "example.org"),
        ("bluesky", "bluesky:example.org", "account", "example.org"),
        ("bluesky", DID, "account", DID),
        ("bluesky", POST, "thread", POST),
        ("bluesky", f"bluesky:{POST}", "thread", POST),
        ("bluesky", "search:Northwind Energy", "search", "Northwind Energy"),
        ("wordpress", "https://example.org", "site", "https://example.org"),
        ("wordpress", "https://example.org/", "site", "https://example.org/"),
        ("wordpress", "site:https://example.org/blog/", "site", "https://example.org/blog/"),
        ("wordpress", "https://example.org/2026/news/", "thread", "https://example.org/2026/news/"),
        ("wordpress", "https://example.org/?p=12", "thread", "https://example.org/?p=12"),
        ("mastodon", "@name@social.example", "account", "@name@social.example"),
        ("mastodon", "https://social.example/@a/1", "thread", "https://social.example/@a/1"),
        ("hackernews", "hackernews:8863", "thread", "hackernews:8863"),
        ("x", "https://x.com/name/status/12", "thread", "https://x.com/name/status/12"),
        ("x", "name", "account", "name"),
        ("discourse", "https://forum.example", "site", "https://forum.example"),
        ("discourse", "https://forum.example/t/a/12", "thread", "https://forum.example/t/a/12"),
    ],
)
def test_the_form_of_a_target_says_what_it_is(
    network: str, target: str, kind: str, asked: str
) -> None:
    source = configured(network, target)
    assert (source.network, source.kind, source.target) == (network, kind, asked)
    assert source.source_id == f"{network}:{kind}:{asked}"
    assert source.queries == ((asked,) if kind == "search" else ())


def test_what_is_named_twice_is_one_source_that_serves_all() -> None:
    feed = "https://example.org/rss"
    config = Config(
        company=(
            company(feeds=(feed,), accounts=("bluesky:example.org",)),
            company(id="other", name="Other", feeds=(feed,), accounts=("bluesky:@Example.org",)),
        ),
        event=(event(POST), event(f"https://bsky.app/profile/{DID}/post/3k", event_id="second")),
        source=(
            SourceConfig(id="own", network="feed", target=feed, interval=timedelta(seconds=30)),
        ),
    )
    by_id = {source.source_id: source for source in of(config)}
    assert set(by_id) == {
        "own",
        "bluesky:account:example.org",
        "bluesky:search:northwind",
        "bluesky:search:other",
        "hackernews:search:northwind",
        "hackernews:search:other",
        "mastodon:search:northwind",
        "mastodon:search:other",
        "hackernews:search:event:second",
        f"bluesky:thread:{POST}",
    }
    assert by_id["own"].companies == {"northwind", "other"}
    assert by_id["own"].interval == timedelta(seconds=30)
    assert by_id["own"].origin == "company"
    assert by_id["bluesky:account:example.org"].companies == {"northwind", "other"}
    assert by_id[f"bluesky:thread:{POST}"].events == {"round", "second"}


def test_a_network_that_is_off_has_no_sources() -> None:
    config = Config(
        company=(company(feeds=("https://example.org/rss",), accounts=("bluesky:example.org",)),),
        event=(event(POST, "https://example.org/news/1"),),
        source=(SourceConfig(id="s", network="bluesky", target="example.com"),),
        network=dict.fromkeys(("bluesky", "hackernews", "mastodon"), Network(enabled=False)),
    )
    assert {source.network for source in of(config)} == {"feed"}


@given(
    st.lists(
        st.sampled_from(
            [POST, f"bluesky:{POST}", "https://example.org/a", "https://example.org/a/", "x:1"]
        ),
        max_size=6,
    ),
    st.lists(st.sampled_from(["https://example.org/a", "https://example.org/b"]), max_size=4),
)
def test_ids_are_unique_and_the_order_of_announcements_changes_no_set(
    announcements: list[str], feeds: list[str]
) -> None:
    config = Config(company=(company(feeds=tuple(feeds)),), event=(event(*announcements),))
    turned = Config(company=config.company, event=(event(*reversed(announcements)),))
    sources = of(config)
    assert len({source.source_id for source in sources}) == len(sources)
    assert {(s.network, s.kind) for s in sources} == {(s.network, s.kind) for s in of(turned)}
