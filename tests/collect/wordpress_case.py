"""The recorded WordPress, and a built one whose comments come and go: what the tests share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from monitor.collect.protocol import Answer, Ask
from monitor.collect.wordpress.collector import WordPress
from monitor.errors import AccessDenied, Gone, HttpError, SourceError
from monitor.types import Harvest, Source, SourceKind
from tests.collect.plain import plain
from tests.collect.replay import MemoryOf, ReplayHttp

HERE = Path(__file__).parent
FOLDER = HERE.parent / "recordings" / "wordpress"
NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)
HOST = "127.0.0.1:8081"
BASE = f"http://{HOST}"
PERMALINK = f"{BASE}/2026/11/price-change/"
ROOT = f"wordpress:{HOST}/post/4"
FREE = ("per_page", "page", "order", "orderby", "_embed", "_fields")


def recorded(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


TRUTH = recorded("truth.json")


def cid(number: int, site: str = HOST) -> str:
    return f"wordpress:{site}/comment/{number}"


def replay() -> ReplayHttp:
    return ReplayHttp(FOLDER, ignore=FREE)


def source(target: str = PERMALINK, kind: SourceKind = SourceKind.THREAD) -> Source:
    return Source(
        source_id="news",
        network="wordpress",
        kind=kind,
        target=target,
        origin="config",
        interval=timedelta(minutes=5),
    )


async def poll(
    http: Any,
    target: str = PERMALINK,
    kind: SourceKind = SourceKind.THREAD,
    *,
    memory: MemoryOf | None = None,
    state: dict[str, Any] | None = None,
    now: datetime = NOW,
    base_url: str | None = None,
) -> Harvest:
    """One poll; the error that ended it stands in `Harvest.error`."""
    harvest = Harvest()
    ask = Ask(source(target, kind), http, memory or MemoryOf(), now, base_url, state or {})
    try:
        await WordPress().poll(ask, harvest)
    except SourceError as error:
        harvest.error = error
    return harvest


def rows(harvest: Harvest) -> Any:
    """A harvest as its expected file holds it."""
    data = {name: getattr(harvest, name) for name in ("posts", "engagement", "claims", "gaps")}
    data["posts"] = sorted(harvest.posts, key=lambda post: post.post_id)
    return plain(data)


def expected(name: str) -> Any:
    return json.loads((HERE / "expected" / f"wordpress_{name}.json").read_text())


def numbers(harvest: Harvest) -> list[int]:
    """The numbers of the comments that a harvest holds, in order."""
    ids = [post.post_id for post in harvest.posts]
    return sorted(int(one.rpartition("/")[2]) for one in ids if "/comment/" in one)


@dataclass
class BuiltSite:
    """A built WordPress 6 that answers as the recorded one does, and can change between requests.

    `comments` maps the number of each to its parent; `hidden` ones are held, spam or in the trash.
    `before` is called with the number of each request to the list of comments.
    """

    comments: dict[int, int] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    unlisted: set[int] = field(default_factory=set)
    posts: dict[int, str] = field(default_factory=lambda: {4: "2026-11-23T09:13:16"})
    base: str = BASE
    before: Callable[[int], None] = lambda _: None
    asked: list[str] = field(default_factory=list)

    async def get(
        self,
        url: str,
        *,
        params: Any = None,
        headers: Any = None,
        conditional: bool = False,
        robots: bool = False,
    ) -> Answer:
        given = {
            **dict(parse_qsl(urlsplit(url).query)),
            **{k: str(v) for k, v in (params or {}).items()},
        }
        path = given.get("rest_route") or "/" + urlsplit(url).path.partition("/wp-json/")[2]
        self.asked.append(path)
        if "/wp-json" not in url and "rest_route" not in given:
            return self._answer(url, b"", number=4)
        return self._route(url, path, given)

    def _route(self, url: str, path: str, given: dict[str, str]) -> Answer:
        kind, _, number = path.removeprefix("/wp/v2/").partition("/")
        if path == "/":
            return self._answer(url, {"name": "Built"})
        if number:
            return self._one(url, kind, int(number))
        if kind == "comments":
            self.before(self.asked.count(path))
        return self._list(url, kind, given)

    def _one(self, url: str, kind: str, number: int) -> Answer:
        known = self.comments if kind == "comments" else self.posts if kind == "posts" else {}
        if number not in known:
            raise refusal(404, f"rest_{kind[:-1]}_invalid_id", url)
        if kind == "comments" and number in self.hidden:
            raise refusal(401, "rest_cannot_read", url)
        return self._answer(
            url, self._comment(number) if kind == "comments" else self._post(number)
        )

    def _list(self, url: str, kind: str, given: dict[str, str]) -> Answer:
        if kind == "posts":
            after = given.get("modified_after", "").rstrip("Z")
            shown = sorted((n for n, at in self.posts.items() if at > after), reverse=True)
            items = [self._post(number) for number in shown]
        else:
            off = self.hidden | self.unlisted
            shown = sorted(set(self.comments) - off, reverse=given["order"] == "desc")
            items = [self._comment(number) for number in shown]
        size, page = int(given["per_page"]), int(given["page"])
        headers = {"x-wp-total": str(len(items)), "x-wp-totalpages": str(-(-len(items) // size))}
        return self._answer(url, items[(page - 1) * size : page * size], headers)

    def _answer(
        self, url: str, data: Any, headers: Any = None, number: int | None = None
    ) -> Answer:
        links = f'<{self.base}/wp-json/>; rel="https://api.w.org/"'
        if number:
            links += f", <{self.base}/?p={number}>; rel=shortlink"
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return Answer(url, 200, {"link": links, **(headers or {})}, body)

    def _comment(self, number: int) -> dict[str, Any]:
        return {
            "id": number,
            "post": 4,
            "parent": self.comments[number],
            "author": 0,
            "author_name": f"Reader {number}",
            "date_gmt": "2026-11-23T10:00:00",
            "content": {"rendered": f"<p>Comment {number}</p>"},
            "link": f"{self.base}/a-post/#comment-{number}",
            "type": "comment",
        }

    def _post(self, number: int) -> dict[str, Any]:
        return {
            "id": number,
            "link": f"{self.base}/a-post-{number}/",
            "date_gmt": "2026-11-23T09:13:16",
            "modified_gmt": self.posts[number],
            "title": {"rendered": f"Post {number}"},
            "content": {"rendered": "<p>Text</p>"},
        }


def refusal(status: int, code: str | None, url: str = BASE) -> HttpError:
    """What the door raises for an error of WordPress, or (without code) of a firewall."""
    kind = {401: AccessDenied, 403: AccessDenied, 404: Gone}.get(status, HttpError)
    body = json.dumps({"code": code, "data": {"status": status}}).encode() if code else b"<html>"
    return kind(f"{url}: HTTP {status}", url=url, status=status, body=body)
