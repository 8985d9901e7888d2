"""Stand-ins answer in the shape of the real servers that were recorded.

Every field that a stand-in shows stands in some recorded answer at the same place with the same
type; every field that all recorded objects at a place have, the stand-in's have, too. Headers come
from the recorded ones.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from monitor.collect.feed.parse import parse
from monitor.simulate.platforms.bluesky import HOST, Bluesky
from monitor.simulate.platforms.hackernews import HOST as HACKERNEWS
from monitor.simulate.platforms.press import Press
from monitor.simulate.platforms.protocol import Asked, Reply
from monitor.simulate.platforms.wordpress import WordPress
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import load
from monitor.simulate.worlds.world import Item, Kind, World, host_of, site_of
from tests.collect.hackernews_case import STORY, Site, at

RECORDINGS = Path(__file__).parents[1] / "recordings"
THREAD = "app.bsky.feed.getPostThread"


@pytest.fixture(scope="module")
def world() -> World:
    """One in which everything happens that stand-ins can show."""
    scenario = load("crisis")
    trouble = msgspec.structs.replace(scenario.trouble, hidden=0.3, withheld=0.3)
    return make(msgspec.structs.replace(scenario, trouble=trouble))


def ask(
    platform: Any, host: str, path: str, query: Iterable[tuple[str, str]] = (), **more: Any
) -> Reply:
    world: World = more["world"]
    return platform.answer(Asked(host, path, tuple(query), {}), world.scenario.ends_at)


def places(data: Any, at: str = "$") -> Iterator[tuple[str, Any]]:
    """Every place in a JSON value with what stands there. Replies nest, so they are one place."""
    yield at, data
    if isinstance(data, dict):
        for key, value in data.items():
            nested = key == "replies" and at.endswith("thread")
            # An author looks alike wherever one is shown.
            below = "author" if key == "author" and isinstance(value, dict) else f"{at}.{key}"
            yield from places(value, at if nested else below)
    elif isinstance(data, list):
        for one in data:
            yield from places(one, at if at.endswith("thread") else f"{at}[]")


def types(answers: Iterable[Any]) -> dict[str, set[str]]:
    """By place, the types that stand there."""
    found: dict[str, set[str]] = defaultdict(set)
    for answer in answers:
        for place, value in places(answer):
            found[place].add("number" if type(value) is float else type(value).__name__)
    return found


def required(answers: Iterable[Any]) -> dict[str, set[str]]:
    """By place, the keys that every object there has."""
    found: dict[str, set[str]] = {}
    for answer in answers:
        for place, value in places(answer):
            if isinstance(value, dict) and not place.endswith("record.value"):
                # What is quoted is one recorded post; its record's fields are its author's choice.
                found[place] = found.get(place, set(value)) & set(value)
    return found


def recorded(network: str, path: str) -> tuple[list[Any], set[str]]:
    """The recorded successes of one path, and the names of their headers."""
    folder = RECORDINGS / network
    bodies, headers = [], set()
    for entry in json.loads((folder / "manifest.json").read_text("utf8")):
        asked = urlsplit(entry["url"]).path
        if entry["status"] == 200 and path in (asked, asked.rpartition("/")[0]):
            bodies.append(json.loads((folder / entry["file"]).read_text("utf8")))
            headers |= {name.lower() for name, _ in entry["response_headers"]}
    assert bodies, path
    return bodies, headers


def assert_same_shape(
    made: Reply, bodies: list[Any], headers: set[str], others: Iterable[Any] = ()
) -> None:
    """`others` are answers to other questions, in which authors may show more of themselves."""
    assert made.status == 200
    data = json.loads(made.body)
    elsewhere = {place: kinds for place, kinds in types(others).items() if "author" in place}
    known = defaultdict(set, {**elsewhere, **types(bodies)})
    known |= {place: kinds | known[place] for place, kinds in elsewhere.items()}
    for place, kinds in types([data]).items():
        assert kinds <= known[place], f"{place} is {kinds}, recorded {known[place]}"
    ours = required([data])
    for place, keys in required(bodies).items():
        if place in ours:
            assert keys <= ours[place], f"{place} lacks {keys - ours[place]}"
    named = {name.lower() for name, _ in made.headers}
    assert named <= headers, named - headers
    assert "content-type" in named


def announcement(world: World, network: str) -> Item:
    return next(i for i in world.of(network) if i.kind is Kind.ANNOUNCEMENT)


def bluesky_questions(world: World) -> dict[str, list[tuple[str, str]]]:
    top = announcement(world, "bluesky")
    account = world.accounts["exampla"]
    return {
        THREAD: [("uri", top.native), ("depth", "1000")],
        "app.bsky.feed.getPosts": [("uris", top.native), ("uris", top.children[0].native)],
        "app.bsky.feed.getQuotes": [("uri", top.native), ("limit", "5")],
        "app.bsky.feed.getAuthorFeed": [("actor", account.did), ("limit", "100")],
        "app.bsky.feed.searchPosts": [("q", "Exampla"), ("limit", "2"), ("sort", "latest")],
        "app.bsky.actor.getProfile": [("actor", account.handle)],
        "com.atproto.identity.resolveHandle": [("handle", account.handle)],
    }


METHODS = [
    THREAD,
    "app.bsky.feed.getPosts",
    "app.bsky.feed.getQuotes",
    "app.bsky.feed.getAuthorFeed",
    "app.bsky.feed.searchPosts",
    "app.bsky.actor.getProfile",
    "com.atproto.identity.resolveHandle",
]


@pytest.mark.parametrize("method", METHODS)
def test_bluesky_answers_in_the_recorded_shape(world: World, method: str) -> None:
    bodies, headers = recorded("bluesky", f"/xrpc/{method}")
    others, _ = recorded("bluesky", f"/xrpc/{THREAD}")
    query = bluesky_questions(world)[method]
    assert_same_shape(
        ask(Bluesky(world), HOST, f"/xrpc/{method}", query, world=world), bodies, headers, others
    )


def test_bluesky_refuses_as_recorded(world: World) -> None:
    folder = RECORDINGS / "bluesky"
    entries = {e["file"]: e for e in json.loads((folder / "manifest.json").read_text("utf8"))}
    files = [
        name for name in entries if name.startswith("err_") or name == "getPosts_26_error.json"
    ]
    assert len(files) == 6
    platform = Bluesky(world)
    for name in files:
        parts = urlsplit(entries[name]["url"])
        query = parse_qsl(parts.query)
        made = ask(platform, HOST, parts.path, query, world=world)
        if name == "err_limit101.json":  # the recorded account is not of this world
            query = [("actor", world.accounts["exampla"].did), ("limit", "101")]
            made = ask(platform, HOST, parts.path, query, world=world)
        assert made.status == entries[name]["status"], name
        assert json.loads(made.body) == json.loads((folder / name).read_text("utf8")), name


@pytest.mark.parametrize(
    ("route", "query"),
    [
        ("posts", [("orderby", "date"), ("per_page", "100")]),
        ("comments", [("order", "asc"), ("orderby", "id"), ("per_page", "10"), ("page", "2")]),
    ],
)
def test_wordpress_lists_in_the_recorded_shape(
    world: World, route: str, query: list[tuple[str, str]]
) -> None:
    bodies, headers = recorded("wordpress", f"/wp-json/wp/v2/{route}")
    made = ask(WordPress(world), site_of("exampla"), f"/wp-json/wp/v2/{route}", query, world=world)
    entries = json.loads(made.body)
    assert entries
    assert_same_shape(_plain(made, entries), [_without_pictures(body) for body in bodies], headers)


def test_wordpress_shows_an_article_in_the_recorded_shape(world: World) -> None:
    theirs = json.loads((RECORDINGS / "wordpress" / "post.json").read_text("utf8"))
    _, headers = recorded("wordpress", "/wp-json/wp/v2/posts")
    number = announcement(world, "wordpress").post_id.rpartition("/")[2]
    made = ask(WordPress(world), site_of("exampla"), f"/wp-json/wp/v2/posts/{number}", world=world)
    assert_same_shape(made, [theirs], headers)


def _plain(made: Reply, entries: list[Any]) -> Reply:
    return Reply(made.status, made.headers, json.dumps(_without_pictures(entries)).encode())


def _without_pictures(entries: Any) -> list[Any]:
    """Avatars are drawn by somebody else; nobody reads them. An object is a list of one."""
    listed = entries if isinstance(entries, list) else [entries]
    return [{k: v for k, v in one.items() if k != "author_avatar_urls"} for one in listed]


@pytest.mark.parametrize(
    ("recording", "question"),
    [
        ("comment_deleted_404.json", "comments/9999"),
        ("comment_held.json", "held"),
        ("comments_perpage_101_error.json", "comments?per_page=101"),
    ],
)
def test_wordpress_refuses_as_recorded(world: World, recording: str, question: str) -> None:
    folder = RECORDINGS / "wordpress"
    entries = {e["file"]: e for e in json.loads((folder / "manifest.json").read_text("utf8"))}
    end = world.scenario.ends_at
    if question == "held":
        held = next(i for i in world.of("wordpress") if i.gone_at is not None and i.gone_at <= end)
        question = "comments/" + held.post_id.rpartition("/")[2]
    route, _, query = question.partition("?")
    made = ask(
        WordPress(world),
        site_of("exampla"),
        f"/wp-json/wp/v2/{route}",
        parse_qsl(query),
        world=world,
    )
    theirs = json.loads((folder / recording).read_text("utf8"))
    ours = json.loads(made.body)
    assert made.status == entries[recording]["status"]
    assert (ours["code"], ours["message"]) == (theirs["code"], theirs["message"])
    assert ours["data"]["status"] == theirs["data"]["status"]


def test_past_the_last_page_wordpress_shows_an_empty_list(world: World) -> None:
    query = [("per_page", "10"), ("page", "99")]
    made = ask(WordPress(world), site_of("exampla"), "/wp-json/wp/v2/comments", query, world=world)
    assert (made.status, json.loads(made.body)) == (200, [])


def test_the_article_page_names_its_api_as_recorded(world: World) -> None:
    article = announcement(world, "wordpress")
    assert article.place
    made = ask(WordPress(world), site_of("exampla"), f"/{article.place.slug}/", world=world)
    entries = json.loads((RECORDINGS / "wordpress" / "manifest.json").read_text("utf8"))
    page = next(e for e in entries if e["file"] == "post.html")
    relations = [v.partition(">")[2] for n, v in made.headers if n == "Link"]
    assert relations == [v.partition(">")[2] for n, v in page["response_headers"] if n == "Link"]


def elements(body: bytes) -> set[str]:
    from lxml import etree

    return {str(node.tag) for node in etree.fromstring(body).iter()}


@pytest.mark.parametrize(
    ("path", "recording"),
    [("/feed/", "feed_rss2.xml"), ("/comments/feed/", "comments_feed_rss2.xml")],
)
def test_feeds_are_made_of_recorded_elements(world: World, path: str, recording: str) -> None:
    made = ask(WordPress(world), site_of("exampla"), path, world=world)
    theirs = elements((RECORDINGS / "wordpress" / recording).read_bytes())
    assert elements(made.body) <= theirs | {"language"}
    assert {"rss", "channel", "item", "title", "link", "guid", "pubDate"} <= elements(made.body)
    named = {name for name, _ in made.headers}
    assert {"ETag", "Last-Modified", "Content-Type"} <= named
    assert len(parse(made.body, url="http://x/", content_type="").entries) <= 10


def test_what_the_client_has_is_answered_304(world: World) -> None:
    platform, host, now = Press(world), host_of("wire"), world.scenario.ends_at
    first = platform.answer(Asked(host, "/feed.xml", (), {}), now)
    tag = first.header("ETag")
    assert tag
    again = platform.answer(Asked(host, "/feed.xml", (), {"if-none-match": tag}), now)
    assert (again.status, again.body) == (304, b"")
    modified = first.header("Last-Modified")
    assert modified
    later = now + timedelta(minutes=1)
    again = platform.answer(Asked(host, "/feed.xml", (), {"if-modified-since": modified}), later)
    assert again.status == 304


@pytest.mark.parametrize("outlet", ["wire", "abendblatt"])
def test_the_press_shows_its_newest_articles(world: World, outlet: str) -> None:
    made = ask(Press(world), host_of(outlet), "/feed.xml", world=world)
    entries = parse(made.body, url="http://x/", content_type="").entries
    newest = [i for i in world.of("feed") if i.place and outlet in (i.place.outlet, *i.also_in)][
        -world.outlets[outlet].items :
    ]
    assert [entry.title for entry in entries] == [item.title for item in reversed(newest)]
    assert [entry.published for entry in entries] == [item.created_at for item in reversed(newest)]


def hackernews(path: str, query: Iterable[tuple[str, str]] = ()) -> Reply:
    site = Site()
    site.story()
    site.comment(STORY + 1, 1)
    site.comment(STORY + 2, 2, parent=STORY + 1)
    return site.server.answer(Asked(HACKERNEWS, path, tuple(query), {}), at(60))


def of_hackernews(folder: Path, begins: str) -> list[Any]:
    return [json.loads(path.read_text("utf8")) for path in folder.glob(f"hackernews/{begins}_*")]


@pytest.mark.parametrize(
    ("tags", "recording"),
    [("comment", "01"), ("story", "07"), (f"comment,story_{STORY}", "11"), ("story", "15")],
)
def test_the_index_of_hacker_news_answers_in_the_recorded_shape(
    foreign_recordings: Path, tags: str, recording: str
) -> None:
    bodies = of_hackernews(foreign_recordings, recording)
    made = hackernews("/api/v1/search_by_date", [("tags", tags), ("hitsPerPage", "1")])
    data = json.loads(made.body)
    for hit in [data["hits"][0], *(body["hits"][0] for body in bodies)]:
        hit.pop("_highlightResult")  # it repeats what matched; nobody reads it
        # Comments showed points in 2014, and do so no more.
        hit["points"] = hit["points"] if "story" in hit["_tags"] else None
    plain = Reply(made.status, made.headers, json.dumps(data).encode())
    assert_same_shape(plain, bodies, {"content-type"})


def test_a_tree_of_hacker_news_has_the_recorded_shape(foreign_recordings: Path) -> None:
    (recorded,) = of_hackernews(foreign_recordings, "08")
    data = json.loads(hackernews(f"/api/v1/items/{STORY + 1}").body)
    for node in (recorded, *recorded["children"], data, *data["children"]):
        node.pop("points")
    made = Reply(200, (("Content-Type", "application/json"),), json.dumps(data).encode())
    assert_same_shape(made, [recorded], {"content-type"})


def test_the_index_of_hacker_news_lags_and_the_site_does_not() -> None:
    site = Site()
    site.story()
    site.comment(STORY + 1, 10)

    def asked(path: str, minutes: float) -> Any:
        return json.loads(site.server.answer(Asked(HACKERNEWS, path, (), {}), at(minutes)).body)

    assert asked(f"/v0/item/{STORY}.json", 11)["kids"] == [STORY + 1]
    assert asked(f"/v0/item/{STORY + 1}.json", 9) is None
    assert asked(f"/api/v1/items/{STORY}", 11)["children"] == []
    assert asked("/api/v1/search", 11)["nbHits"] == 1
    assert [one["id"] for one in asked(f"/api/v1/items/{STORY}", 14)["children"]] == [STORY + 1]
    site.remove(STORY + 1, 20)
    assert asked(f"/v0/item/{STORY + 1}.json", 21)["deleted"] is True
    assert asked(f"/api/v1/items/{STORY}", 21)["children"][0]["author"]
    assert asked(f"/api/v1/items/{STORY}", 24)["children"][0]["text"] is None
