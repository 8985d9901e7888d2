"""A newsroom's answers: REST API, pages and feeds of a WordPress, as the recorded one gives them.

Comments appear when somebody approves them, under the date on which they were written; children of
a trashed comment still name it; the feeds hold the ten newest.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from monitor.simulate.platforms.protocol import Asked, Reply, as_json, document
from monitor.simulate.platforms.rss import Channel, Entry, rss
from monitor.simulate.worlds.world import Item, World, site_of

__all__ = ["WordPress"]

_MOST = 100
_DEFAULT = 10
_FEED_ITEMS = 10
_PHP = ("X-Powered-By", "PHP/8.2.36")
_AUTHOR = 1

View = dict[str, Any]


class _Refused(Exception):
    """An error of the REST API."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.data = {"status": status, **data}


class WordPress:
    """Stands in for the newsrooms of all companies."""

    network = "wordpress"

    def __init__(self, world: World) -> None:
        self._sites = {
            site_of(company): _Site(site_of(company), world) for company in world.companies
        }

    @property
    def hosts(self) -> frozenset[str]:
        """The newsrooms."""
        return frozenset(self._sites)

    def answer(self, asked: Asked, now: datetime) -> Reply:
        """What the newsroom answers at that moment."""
        return self._sites[asked.host].answer(asked, now)


class _Site:
    def __init__(self, host: str, world: World) -> None:
        self._host = host
        self._root = f"http://{host}"
        self._epoch = world.scenario.starts_at
        items = [i for i in world.of("wordpress") if i.place and i.place.host == host]
        self._articles = [item for item in items if item.parent is None]
        self._comments = [item for item in items if item.parent is not None]

    def answer(self, asked: Asked, now: datetime) -> Reply:
        path = asked.path
        if path.startswith("/wp-json"):
            return self._rest(asked, path.removeprefix("/wp-json").strip("/"), now)
        if path == "/feed/":
            return self._article_feed(asked, now)
        if path == "/comments/feed/":
            return self._comment_feed(asked, now, None)
        for article in self._shown(self._articles, now):
            page = f"/{article.place.slug}/" if article.place else ""
            if path == page:
                return self._page(article)
            if path == f"{page}feed/":
                return self._comment_feed(asked, now, article)
        headers = (_PHP, ("Content-Type", "text/html; charset=UTF-8"))
        return Reply(404, headers, b"<html><body><h1>Page not found</h1></body></html>")

    def _shown(self, items: list[Item], now: datetime) -> list[Item]:
        return [item for item in items if item.exists(now)]

    # The REST API.

    def _rest(self, asked: Asked, route: str, now: datetime) -> Reply:
        try:
            if not route:
                return self._json({"name": "Newsroom", "url": self._root, "home": self._root})
            kind, number = _route(route)
            if number is not None:
                return self._single(asked, kind, number, now)
            return self._listing(asked, kind, now)
        except _Refused as refused:
            body = {"code": refused.code, "message": str(refused), "data": refused.data}
            return self._json(body, refused.status)

    def _single(self, asked: Asked, kind: str, number: int, now: datetime) -> Reply:
        if kind == "comments":
            return self._json(self._comment_view(self._comment(number, now), now))
        for article in self._articles if kind == "posts" else ():
            if _number(article) == number and article.exists(now):
                return self._json(self._article_view(article, asked, now))
        raise _Refused(404, "rest_post_invalid_id", "Invalid post ID.")

    def _comment(self, number: int, now: datetime) -> Item:
        for comment in self._comments:
            if _number(comment) == number and comment.created_at <= now:
                if comment.exists(now):
                    return comment
                message = "Sorry, you are not allowed to read this comment."
                raise _Refused(401, "rest_cannot_read", message)
        raise _Refused(404, "rest_comment_invalid_id", "Invalid comment ID.")

    def _listing(self, asked: Asked, kind: str, now: datetime) -> Reply:
        size = int(asked.get("per_page", str(_DEFAULT)))
        if not 1 <= size <= _MOST:
            reason = f"per_page must be between 1 (inclusive) and {_MOST} (inclusive)"
            raise _Refused(
                400, "rest_invalid_param", "Invalid parameter(s): per_page",
                params={"per_page": reason},
            )  # fmt: skip
        items = self._chosen(asked, kind, now)
        number, pages = int(asked.get("page", "1")), -(-len(items) // size)
        shown = items[(number - 1) * size : number * size]

        def view(item: Item) -> View:
            if kind == "comments":
                return self._comment_view(item, now)
            return self._article_view(item, asked, now)

        neighbours = [("prev", number - 1)] if number > 1 else []
        neighbours += [("next", number + 1)] if number < pages else []
        links = tuple(("Link", self._neighbour(asked, kind, *one)) for one in neighbours)
        total = (("X-WP-Total", str(len(items))), ("X-WP-TotalPages", str(pages)))
        return self._json([view(item) for item in shown], 200, (*total, *links))

    def _neighbour(self, asked: Asked, kind: str, relation: str, page: int) -> str:
        kept = [(name, value) for name, value in asked.params if name != "page"]
        query = urlencode([*kept, ("page", page)])
        return f'<{self._root}/wp-json/wp/v2/{kind}?{query}>; rel="{relation}"'

    def _chosen(self, asked: Asked, kind: str, now: datetime) -> list[Item]:
        """The entries of a list, filtered and in order."""
        source = {"posts": self._articles, "comments": self._comments}.get(kind, [])
        items = self._shown(source, now)
        if under := asked.get("post"):
            items = [item for item in items if item.root and _number(item.root) == int(under)]
        if slug := asked.get("slug"):
            items = [i for i in items if i.place and i.place.slug.rpartition("/")[2] == slug]
        if after := asked.get("modified_after"):
            since = datetime.fromisoformat(after).astimezone(UTC)
            items = [item for item in items if _modified(item, now) > since]
        by = asked.get("orderby", "date")

        def place(item: Item) -> tuple[datetime, int]:
            if by == "id":
                return self._epoch, _number(item)
            return _modified(item, now) if by == "modified" else item.created_at, _number(item)

        return sorted(items, key=place, reverse=asked.get("order", "desc") == "desc")

    def _json(
        self, data: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
    ) -> Reply:
        common = (
            _PHP,
            ("X-Robots-Tag", "noindex"),
            ("Link", self._api_link()),
            ("X-Content-Type-Options", "nosniff"),
            ("Access-Control-Expose-Headers", "X-WP-Total, X-WP-TotalPages, Link"),
            ("Allow", "GET"),
            ("Vary", "Origin"),
        )
        return as_json(data, status, (*common, *headers), "application/json; charset=UTF-8")

    def _api_link(self) -> str:
        return f'<{self._root}/wp-json/>; rel="https://api.w.org/"'

    def _article_view(self, article: Item, asked: Asked, now: datetime) -> View:
        number, link = _number(article), article.place.url if article.place else ""
        body = _html(article.said(now))
        api = f"{self._root}/wp-json/wp/v2"
        made: View = {
            "id": number, **_dates(article.created_at, "date"), "guid": {"rendered": link},
            **_dates(_modified(article, now), "modified"),
            "slug": article.place.slug.rpartition("/")[2] if article.place else "",
            "status": "publish", "type": "post", "link": link,
            "title": {"rendered": escape(article.title or "")},
            "content": {"rendered": body, "protected": False},
            "excerpt": {"rendered": body, "protected": False},
            "author": _AUTHOR, "featured_media": 0, "comment_status": "open",
            "ping_status": "open", "sticky": False, "template": "", "format": "standard",
            "meta": [], "categories": [1], "tags": [],
            "_links": {
                "self": [{"href": f"{api}/posts/{number}"}],
                "collection": [{"href": f"{api}/posts"}],
                "about": [{"href": f"{api}/types/post"}],
                "author": [{"embeddable": True, "href": f"{api}/users/{_AUTHOR}"}],
                "replies": [{"embeddable": True, "href": f"{api}/comments?post={number}"}],
                "version-history": [{"count": 0, "href": f"{api}/posts/{number}/revisions"}],
                "wp:attachment": [{"href": f"{api}/media?parent={number}"}],
                "wp:term": [{
                    "taxonomy": "category", "embeddable": True,
                    "href": f"{api}/categories?post={number}",
                }],
                "curies": [{"name": "wp", "href": "https://api.w.org/{rel}", "templated": True}],
            },
        }  # fmt: skip
        if asked.get("_embed"):
            made["_embedded"] = {"author": [{"id": _AUTHOR, "name": "Newsroom"}]}
        return made

    def _comment_view(self, comment: Item, now: datetime) -> View:
        root, parent = comment.root, comment.parent
        number, under = _number(comment), _number(root) if root else 0
        above = _number(parent) if parent is not None and parent is not root else 0
        api = f"{self._root}/wp-json/wp/v2"
        links: View = {
            "self": [{"href": f"{api}/comments/{number}"}],
            "collection": [{"href": f"{api}/comments"}],
            "up": [{"embeddable": True, "post_type": "post", "href": f"{api}/posts/{under}"}],
        }
        if above:
            links["in-reply-to"] = [{"embeddable": True, "href": f"{api}/comments/{above}"}]
        return {
            "id": number, "post": under, "parent": above, "author": 0,
            "author_name": _commenter(comment), "author_url": "",
            **_dates(comment.created_at, "date"),
            "content": {"rendered": _html(comment.said(now))},
            "link": _comment_link(comment), "status": "approved", "type": "comment",
            "author_avatar_urls": {}, "meta": [], "_links": links,
        }  # fmt: skip

    # Pages and feeds.

    def _page(self, article: Item) -> Reply:
        number, api = _number(article), f"{self._root}/wp-json/wp/v2"
        headers = (
            _PHP,
            ("Content-Type", "text/html; charset=UTF-8"),
            ("X-Pingback", f"{self._root}/xmlrpc.php"),
            ("Link", self._api_link()),
            ("Link", f'<{api}/posts/{number}>; rel="alternate"; type="application/json"'),
            ("Link", f"<{self._root}/?p={number}>; rel=shortlink"),
        )
        title = escape(article.title or "")
        body = f"<html><head><title>{title}</title></head><body>{_html(article.text)}</body></html>"
        return Reply(200, headers, body.encode())

    def _article_feed(self, asked: Asked, now: datetime) -> Reply:
        articles = sorted(self._shown(self._articles, now), key=lambda a: a.created_at)
        entries = [
            Entry(
                title=article.title or "", link=article.place.url, guid=article.place.url,
                at=article.created_at, html=_html(article.said(now)), author="newsroom",
                comments=sum(c.root is article for c in self._shown(self._comments, now)),
                comment_feed=f"{article.place.url}feed/",
            )
            for article in articles if article.place
        ]  # fmt: skip
        changed = max((_modified(a, now) for a in articles), default=None)
        return self._feed(asked, "Newsroom", entries, changed)

    def _comment_feed(self, asked: Asked, now: datetime, under: Item | None) -> Reply:
        comments = [c for c in self._shown(self._comments, now) if under is None or c.root is under]
        comments.sort(key=lambda one: (one.created_at, _number(one)))
        entries = [
            Entry(
                title=f"By: {_commenter(c)}", link=_comment_link(c), guid=_comment_link(c),
                at=c.created_at, html=_html(c.said(now)), author=_commenter(c),
                reply_to=_answered(c),
            )
            for c in comments
        ]  # fmt: skip
        changed = max((c.shown_from for c in comments), default=None)
        title = "Comments" if under is None else f"Comments on: {under.title}"
        reply = self._feed(asked, title, entries, changed)
        if under is None:
            return reply
        short = ("Link", f"<{self._root}/?p={_number(under)}>; rel=shortlink")
        return Reply(reply.status, (*reply.headers, short), reply.body)

    def _feed(
        self, asked: Asked, title: str, entries: list[Entry], changed: datetime | None
    ) -> Reply:
        newest = list(reversed(entries))[:_FEED_ITEMS]
        channel = Channel(title, self._root, "https://wordpress.org/?v=6.1.9", changed)
        body = rss(channel, newest)
        common = (_PHP, ("Link", self._api_link()))
        return document(body, "application/rss+xml; charset=UTF-8", changed, asked, common)


def _route(route: str) -> tuple[str, int | None]:
    """Kind and number of what a route of the API names."""
    match = re.fullmatch(r"wp/v2/(posts|pages|comments)(?:/(\d+))?", route)
    if match is None:
        raise _Refused(404, "rest_no_route", "No route was found.")
    return match[1], int(match[2]) if match[2] else None


def _number(item: Item) -> int:
    """The number that the site gave to an article or comment."""
    return int(item.post_id.rpartition("/")[2])


def _modified(item: Item, now: datetime) -> datetime:
    return item.edited_at(now) or item.created_at


def _dates(at: datetime, name: str) -> View:
    """Local time (the site's zone is UTC) and GMT, both without a zone."""
    text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {name: text, f"{name}_gmt": text}


def _html(text: str) -> str:
    return f"<p>{escape(text)}</p>\n"


def _commenter(comment: Item) -> str:
    return f"Simulated Commenter {_number(comment)}"


def _comment_link(comment: Item) -> str:
    place = comment.place
    return f"{place.url if place else ''}#comment-{_number(comment)}"


def _answered(comment: Item) -> tuple[str, str] | None:
    """Link and name of the comment that one answers."""
    parent = comment.parent
    if parent is None or parent is comment.root:
        return None
    return _comment_link(parent), _commenter(parent)
