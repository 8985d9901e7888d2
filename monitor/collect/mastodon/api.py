"""Requests to one server, as anybody may ask it without a login."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from monitor.collect.mastodon.parse import (
    Account,
    Context,
    Edit,
    Status,
    fit,
    statuses,
    wrong,
)
from monitor.collect.protocol import Answer, Http
from monitor.errors import AccessDenied, HttpError

__all__ = ["DEFAULT_SERVER", "Api", "Around"]

DEFAULT_SERVER = "https://mastodon.social"
_PAGE = 40  # more are not given
_NEXT = re.compile(r'<([^>]{1,2000})>\s*;\s*rel="next"')
_WANTS_LOGIN = 422  # as some servers answer instead of 401


@dataclass(frozen=True, slots=True)
class Around:
    """What stands above and below a post, nearest above last."""

    ancestors: list[Status]
    descendants: list[Status]


class Api:
    """One poll's requests to one server; `spent` counts them."""

    def __init__(self, http: Http, server: str) -> None:
        self._http = http
        self.server = server.rstrip("/")
        self.spent = 0

    async def status(self, number: str) -> Status:
        """One post."""
        answer = await self._get(f"/api/v1/statuses/{quote(number)}")
        return fit(answer.json(), Status, answer)

    async def context(self, number: str) -> Around:
        """What stands around it: at most 40 above and 60 below, 20 steps deep."""
        answer = await self._get(f"/api/v1/statuses/{quote(number)}/context")
        context = fit(answer.json(), Context, answer)
        return Around(statuses(context.ancestors, answer), statuses(context.descendants, answer))

    async def history(self, number: str) -> list[Edit]:
        """How it stood at each edit, the first form first."""
        answer = await self._get(f"/api/v1/statuses/{quote(number)}/history")
        data = answer.json()
        if not isinstance(data, list):
            raise wrong(answer, "expected a list of edits")
        return [fit(one, Edit, answer) for one in data]

    async def account(self, name: str) -> Account:
        """The account `name` or `name@host`."""
        answer = await self._get("/api/v1/accounts/lookup", acct=name)
        return fit(answer.json(), Account, answer)

    def posts_of(self, number: str) -> AsyncIterator[tuple[list[Status], bool]]:
        """An account's posts without its reposts, newest first; with each page, is there more?"""
        path = f"/api/v1/accounts/{quote(number)}/statuses"
        return self._pages(path, {"exclude_reblogs": "true"})

    def tagged(self, tag: str) -> AsyncIterator[tuple[list[Status], bool]]:
        """Posts that bear a hashtag, newest first; with each page, is there more?"""
        return self._pages(f"/api/v1/timelines/tag/{quote(tag, safe='')}", {})

    async def _pages(
        self, path: str, params: dict[str, str]
    ) -> AsyncIterator[tuple[list[Status], bool]]:
        before: str | None = None
        while True:
            more = {"max_id": before} if before else {}
            answer = await self._get(path, **params, limit=str(_PAGE), **more)
            found = statuses(answer.json(), answer)
            following = _next_id(answer.headers.get("link", ""))
            is_last = not found or following is None or following == before
            yield found, not is_last
            if is_last:
                return
            before = following

    async def _get(self, path: str, **params: str) -> Answer:
        self.spent += 1
        try:
            return await self._http.get(f"{self.server}{path}", params=params or None)
        except AccessDenied as error:
            raise self._locked(error) from error
        except HttpError as error:
            if error.status == _WANTS_LOGIN:
                raise self._locked(error) from error
            raise

    def _locked(self, error: HttpError) -> AccessDenied:
        return AccessDenied(
            f"{error.url}: {self.server} shows this to nobody without a login "
            f"(HTTP {error.status})",
            url=error.url or "",
            status=error.status,
            body=error.body,
        )


def _next_id(header: str) -> str | None:
    """Only the id is taken from the address that a server names: it may be anywhere."""
    match = _NEXT.search(header)
    found = parse_qs(urlsplit(match[1]).query).get("max_id") if match else None
    return found[0] if found and re.fullmatch(r"[\w-]{1,100}", found[0]) else None
