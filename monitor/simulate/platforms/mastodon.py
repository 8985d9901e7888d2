"""One Mastodon server as recorded, with the limits that readers without a login meet.

No deep context could be recorded: its limits of 40 above, 60 below and 20 steps follow the
documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from html import escape
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from monitor.simulate.platforms.protocol import Asked, Reply, as_json
from monitor.simulate.worlds.world import Item, Person, World

__all__ = ["Mastodon"]

_ABOVE, _BELOW, _STEPS = 40, 60, 20
_PAGE = 40

View = dict[str, Any]


class Mastodon:
    """Stands in for the server `host`.

    It shows what was written on it, and of what was written elsewhere what it has fetched:
    `fetched` says so. Ids are its own: elsewhere the same post has another.
    """

    network = "mastodon"

    def __init__(
        self, world: World, host: str, fetched: Callable[[Item], bool] = lambda _item: True,
        scheme: str = "https",
    ) -> None:  # fmt: skip
        self.host = host
        self.hosts = frozenset({host})
        self._scheme = scheme
        items = [item for item in world.of("ap") if _host(item) == host or fetched(item)]
        self._items = {self._id(item): item for item in items}
        self._shown = set(map(id, items))

    def answer(self, asked: Asked, now: datetime) -> Reply:
        """What the server answers at that moment."""
        for pattern, answer in (
            (r"/api/v1/statuses/([\w-]+)", self._status),
            (r"/api/v1/statuses/([\w-]+)/context", self._context),
            (r"/api/v1/statuses/([\w-]+)/history", self._history),
            (r"/api/v1/accounts/lookup", self._lookup),
            (r"/api/v1/accounts/([\w-]+)/statuses", self._of_account),
            (r"/api/v1/timelines/tag/(.+)", self._tagged),
        ):
            if match := re.fullmatch(pattern, asked.path):
                return answer(asked, now, *match.groups())
        return _not_found()

    # One post.

    def _find(self, number: str, now: datetime) -> Item | None:
        item = self._items.get(number)
        return item if item is not None and item.exists(now) else None

    def _status(self, _asked: Asked, now: datetime, number: str) -> Reply:
        item = self._find(number, now)
        return _not_found() if item is None else as_json(self._view(item, now))

    def _context(self, _asked: Asked, now: datetime, number: str) -> Reply:
        item = self._find(number, now)
        if item is None:
            return _not_found()
        above: list[Item] = []
        one = item.parent
        while one is not None and len(above) < _ABOVE and self._shows(one, now):
            above.append(one)
            one = one.parent
        return as_json(
            {
                "ancestors": [self._view(one, now) for one in reversed(above)],
                "descendants": [self._view(one, now) for one in self._below(item, now)],
            }
        )

    def _below(self, item: Item, now: datetime) -> Iterator[Item]:
        """Depth first, as the server lists them, and no more than anybody may see."""
        stack, left = [(child, 1) for child in reversed(item.children)], _BELOW
        while stack and left:
            one, depth = stack.pop()
            if not self._shows(one, now):
                continue
            yield one
            left -= 1
            if depth < _STEPS:
                stack += [(child, depth + 1) for child in reversed(one.children)]

    def _history(self, _asked: Asked, now: datetime, number: str) -> Reply:
        item = self._find(number, now)
        if item is None:
            return _not_found()
        forms = [(item.created_at, item.text)]
        forms += [(edit.at, edit.text) for edit in item.edits if edit.at <= now]
        account = self._account(item.author)
        return as_json(
            [
                {"content": _html(text), "spoiler_text": "", "sensitive": False,
                 "created_at": _iso(at), "account": account, "media_attachments": [], "emojis": []}
                for at, text in forms
            ]
        )  # fmt: skip

    # Lists.

    def _lookup(self, asked: Asked, _now: datetime) -> Reply:
        name = asked.get("acct").removesuffix(f"@{self.host}")
        people = (item.author for item in self._items.values() if _host(item) == self.host)
        found = next((p for p in people if p is not None and p.account == name), None)
        return _not_found() if found is None else as_json(self._account(found))

    def _of_account(self, asked: Asked, now: datetime, number: str) -> Reply:
        return self._page(asked, now, lambda item: self._account_id(item.author) == number)

    def _tagged(self, asked: Asked, now: datetime, tag: str) -> Reply:
        wanted = f"#{unquote(tag)}".casefold()
        return self._page(
            asked, now, lambda item: wanted in re.findall(r"#\w+", item.said(now).casefold())
        )

    def _page(self, asked: Asked, now: datetime, fits: Callable[[Item], bool]) -> Reply:
        before = asked.get("max_id")
        size = min(int(asked.get("limit", "20")), _PAGE)
        shown = [i for i in self._items.values() if self._shows(i, now) and fits(i)]
        shown.sort(key=lambda item: int(self._id(item)), reverse=True)
        if before:
            shown = [item for item in shown if int(self._id(item)) < int(before)]
        page = shown[:size]
        headers: tuple[tuple[str, str], ...] = ()
        if page:
            rest = [pair for pair in asked.params if pair[0] != "max_id"]
            query = urlencode([*rest, ("max_id", self._id(page[-1]))])
            url = f"{self._scheme}://{self.host}{asked.path}?{query}"
            headers = (("Link", f'<{url}>; rel="next"'),)
        return as_json([self._view(item, now) for item in page], headers=headers)

    # How things look.

    def _shows(self, item: Item, now: datetime) -> bool:
        return id(item) in self._shown and item.exists(now)

    def _id(self, item: Item) -> str:
        number = item.post_id.rpartition("/")[2]
        return number if _host(item) == self.host else f"9{number}"

    def _view(self, item: Item, now: datetime) -> View:
        edited = item.edited_at(now)
        above = item.parent if item.parent is not None and self._shows(item.parent, now) else None
        uri, person = item.native, item.author
        return {
            "id": self._id(item), "created_at": _iso(item.created_at),
            "in_reply_to_id": self._id(above) if above else None,
            "in_reply_to_account_id": self._account_id(above.author) if above else None,
            "sensitive": False, "spoiler_text": "", "visibility": "public",
            "language": item.words.language, "uri": uri,
            "url": f"{_origin(item)}/@{person.account if person else 'nobody'}/"
            f"{uri.rpartition('/')[2]}",
            "replies_count": sum(self._shows(child, now) for child in item.children)
            if _host(item) != self.host
            else item.replies(now),
            "reblogs_count": item.repost_count(now),
            "favourites_count": item.likes.at(item.age(now)), "quotes_count": item.quote_count(now),
            "edited_at": _iso(edited) if edited else None, "content": _html(item.said(now)),
            "reblog": None, "account": self._account(person), "media_attachments": [],
            "mentions": [], "tags": [], "emojis": [], "card": None, "poll": None, "quote": None,
        }  # fmt: skip

    def _account(self, person: Person | None) -> View:
        name = person.account if person else "nobody"
        host = person.handle if person else self.host
        here = host == self.host
        return {
            "id": self._account_id(person), "username": name,
            "acct": name if here else f"{name}@{host}",
            "display_name": person.name if person else "",
            "url": f"{self._scheme}://{host}/@{name}",
            "uri": f"{self._scheme}://{host}/users/{name}",
            "followers_count": person.followers if person else 0,
        }  # fmt: skip

    def _account_id(self, person: Person | None) -> str:
        return str(1000 + person.number) if person else "999"


def _host(item: Item) -> str:
    return urlsplit(item.native).netloc


def _origin(item: Item) -> str:
    parts = urlsplit(item.native)
    return f"{parts.scheme}://{parts.netloc}"


def _html(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))


def _iso(moment: datetime) -> str:
    rounded = moment.replace(tzinfo=None) + timedelta(0)
    return rounded.isoformat(timespec="milliseconds") + "Z"


def _not_found() -> Reply:
    return as_json({"error": "Record not found"}, 404)
