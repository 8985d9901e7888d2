"""Requests to both APIs: Algolia's index under `/api/v1`, the site's own under `/v0`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from monitor.collect.hackernews.parse import Fresh, Page, fit, wrong
from monitor.collect.protocol import Answer, Http
from monitor.errors import Gone

__all__ = ["MAX_PAGES", "PAGE", "Api"]

INDEX = "https://hn.algolia.com/api/v1"
SITE = "https://hacker-news.firebaseio.com/v0"
PAGE = 100
MAX_PAGES = 10  # the index shows the first thousand results of a question, no more

_ASKED = re.compile(r"(?:author|story)_[\w-]+", re.ASCII)


class Api:
    """One poll's requests. A `base_url` stands before `/api/v1` and `/v0` alike."""

    def __init__(self, http: Http, base_url: str | None = None) -> None:
        base = base_url.rstrip("/") if base_url else None
        self._http = http
        self._index = f"{base}/api/v1" if base else INDEX
        self._site = f"{base}/v0" if base else SITE

    async def item(self, number: int) -> Fresh | None:
        """An item as it stands at this moment; None where there is none of that number."""
        answer = await self._http.get(f"{self._site}/item/{number}.json")
        data = answer.json()
        if data is None:
            return None
        item = fit(data, Fresh, answer)
        if item.id != number:
            raise wrong(answer, f"asked for item {number}, got {item.id}")
        return item

    async def has_user(self, name: str) -> bool:
        """Is there an account of that name? Case counts."""
        return (await self._http.get(f"{self._site}/user/{name}.json")).json() is not None

    async def tree(self, number: int) -> Answer | None:
        """An item of the index with all that is below it; None where it is not indexed (yet)."""
        try:
            return await self._http.get(f"{self._index}/items/{number}")
        except Gone:
            return None

    async def newest(self, **params: str | int) -> Page:
        """The results of one question, newest first."""
        return await self._page("search_by_date", params)

    async def pages(self, method: str, **params: str | int) -> AsyncIterator[Page]:
        """The pages of a question's results, ten at most."""
        for number in range(MAX_PAGES):
            page = await self._page(method, {**params, "hitsPerPage": PAGE, "page": number})
            is_last = number + 1 >= page.pages or not page.hits
            page.more = bool(page.hits) and (not is_last or page.total > PAGE * MAX_PAGES)
            yield page
            if is_last:
                return

    async def _page(self, method: str, params: dict[str, str | int]) -> Page:
        answer = await self._http.get(f"{self._index}/{method}", params=params)
        page = fit(answer.json(), Page, answer)
        for tag in _ASKED.findall(str(params.get("tags"))):
            for hit in page.hits:
                if tag.casefold() not in (own.casefold() for own in hit.tags):
                    raise wrong(answer, f"asked for {tag}, got item {hit.number} without it")
        return page
