"""Which ids the entries of a feed have: native ones first, then their link, guid, title and date.

Pure functions of the document and of what is known about where it came from.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urldefrag, urlsplit

from monitor.collect.feed.types import Document, Entry, InReplyTo
from monitor.collect.protocol import Answer
from monitor.collect.wordpress import ids as wordpress_ids
from monitor.identity import canonical_url, link_id, recognise, recognise_network

__all__ = ["Ids", "Origin", "distinct", "isso_id", "origin_of"]

_ISSO = re.compile(r"tag:([^\s,/]{1,255}),\d{4}:/isso/\d+/(\d{1,18})")
_WORDPRESS = re.compile(r"https?://(?:www\.)?wordpress\.org(?:/|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a document came from.

    `target` is the configured address, whatever it redirects to. `site` is the WordPress site's
    key, None for other software. `root_id` is the post that all entries answer, where known.
    """

    target: str
    site: str | None = None
    root_id: str | None = None


def origin_of(document: Document, answer: Answer, target: str, root_id: str | None) -> Origin:
    """Read the site off the answer's headers, else off the generator and the channel's link."""
    site = wordpress_ids.site_from_headers(answer.headers, answer.url)
    if site is None and _WORDPRESS.match(document.generator or ""):
        site = _site_of_channel(document)
    number = wordpress_ids.shortlink_number(answer.headers, answer.url)
    if root_id is None and site is not None and number is not None:
        root_id = wordpress_ids.post_id(site, number)
    return Origin(target=target, site=site, root_id=root_id)


def _site_of_channel(document: Document) -> str | None:
    key = wordpress_ids.site_key(urldefrag(document.link or "")[0])
    # The channel of a comment feed may be one post: its path is not the site's.
    about_comments = any("#comment-" in (entry.link or "") for entry in document.entries)
    return key.partition("/")[0] if key and about_comments else key


def distinct(entries: Iterable[Entry]) -> list[Entry]:
    """The entries without those that name the same thing again, in all that names it."""
    first: dict[object, Entry] = {}
    for one in entries:
        first.setdefault((one.guid, one.link, one.title, one.published, one.updated), one)
    return list(first.values())


def isso_id(guid: str | None, link: str | None = None) -> str | None:
    """The id in an Isso tag, if the link leads to the same host."""
    found = _ISSO.fullmatch(guid or "")
    if found is None:
        return None
    host = found[1].lower()
    if link and urlsplit(link).netloc.lower() != host:
        return None
    return f"isso:{host}/{found[2]}"


class Ids:
    """The ids of one document's entries."""

    def __init__(self, entries: Iterable[Entry], channel: str | None, origin: Origin) -> None:
        entries = list(entries)
        self._origin = origin
        self._channel = canonical_url(channel) if channel else None
        self._links = Counter(canonical_url(entry.link) for entry in entries if entry.link)
        self._guids = Counter(entry.guid for entry in entries if entry.guid)
        self._by_guid = {entry.guid: entry for entry in entries if entry.guid}

    def of(self, entry: Entry) -> str | None:
        """The entry's id, or None where nothing tells it from others."""
        return (
            self.native(entry)
            or self._by_link(entry)
            or self._by_guid_alone(entry)
            or self._by_words(entry)
        )

    def aliases(self, entry: Entry) -> tuple[str, ...]:
        """Under which further id others know the entry: its link, where that is its own."""
        native = self.native(entry)
        own = self._own_link(entry)
        if native is None or own is None or self.is_comment(entry):
            return ()
        network = native.partition(":")[0]
        from_link = recognise(entry.link or "") == native or network == "wordpress"
        # A discussion's guid is native while its link leads to the article that is discussed.
        return (own,) if from_link or recognise_network(entry.link or "") == network else ()

    def native(self, entry: Entry) -> str | None:
        """The id that the entry has on its own network."""
        return (
            recognise(entry.link or "")
            or isso_id(entry.guid, entry.link)
            or self._wordpress(entry)
            or recognise(entry.guid or "")
        )

    def is_comment(self, entry: Entry) -> bool:
        """Whether the entry answers something, rather than being an article of its own."""
        root = self._origin.root_id
        if root is not None:
            return self.native(entry) != root
        return bool(
            entry.in_reply_to or self._comment_number(entry) or isso_id(entry.guid, entry.link)
        )

    def parent(self, entry: Entry) -> str | None:
        """What a comment answers: what it names itself, else the post under which it stands."""
        own = self.of(entry)
        named = [self._named(one) for one in entry.in_reply_to]
        known = [one for one in named if one not in (None, own)]
        root = self.root(entry)
        # Of several, the comment tells more than the post that it stands under anyway.
        nearest = next((one for one in known if one != root), None)
        return nearest or (known[0] if known else None) or (root if root != own else None)

    def root(self, entry: Entry) -> str | None:
        """The post under which a comment stands."""
        if self._origin.root_id is not None:
            return self._origin.root_id
        for address in (entry.guid, entry.link):
            page = urldefrag(address or "")[0]
            number = wordpress_ids.post_number(page) if self._is_ours(page) else None
            if number is not None and self._origin.site is not None:
                return wordpress_ids.post_id(self._origin.site, number)
        page, fragment = urldefrag(entry.link or "")
        own = link_id(page)
        is_own = not fragment and (self.native(entry) is not None or own == self.of(entry))
        return None if is_own else own

    def _by_link(self, entry: Entry) -> str | None:
        has_fragment = bool(urldefrag(entry.link or "")[1])
        if has_fragment and self.is_comment(entry):
            return None
        own = self._own_link(entry)
        return own if own != self._origin.root_id else None

    def _own_link(self, entry: Entry) -> str | None:
        """The id of the entry's link, if it is no other entry's and not the channel's."""
        canonical = canonical_url(entry.link) if entry.link else None
        if canonical is None or canonical == self._channel or self._links[canonical] > 1:
            return None
        return link_id(canonical)

    def _by_guid_alone(self, entry: Entry) -> str | None:
        unique = entry.guid is not None and self._guids[entry.guid] == 1
        return self._hashed(entry.guid or "") if unique else None

    def _by_words(self, entry: Entry) -> str | None:
        moment = entry.published or entry.updated
        words = entry.title or (entry.text or "")[:500]
        if not words and moment is None:
            return None
        return self._hashed(words + (moment.isoformat() if moment else ""))

    def _hashed(self, what: str) -> str:
        data = (self._origin.target + what).encode(errors="replace")
        return "feed:" + hashlib.sha256(data).hexdigest()

    def _wordpress(self, entry: Entry) -> str | None:
        site = self._origin.site
        if site is None or not self._is_ours(entry.link or entry.guid or ""):
            return None
        if number := self._comment_number(entry):
            return wordpress_ids.comment_id(site, number)
        number = wordpress_ids.post_number(entry.guid or "")
        return wordpress_ids.post_id(site, number) if number is not None else None

    def _comment_number(self, entry: Entry) -> int | None:
        return _first(wordpress_ids.comment_number, (entry.link, entry.guid))

    def _is_ours(self, url: str) -> bool:
        site = self._origin.site
        return site is not None and wordpress_ids.on_site(url, site)

    def _named(self, other: InReplyTo) -> str | None:
        """The id of what `thr:in-reply-to` names."""
        return (
            isso_id(other.ref)
            or self._named_wordpress(other)
            or recognise(other.href or "")
            or recognise(other.ref or "")
            or self._named_entry(other)
        )

    def _named_wordpress(self, other: InReplyTo) -> str | None:
        site = self._origin.site
        ours = [one for one in (other.ref, other.href) if one and self._is_ours(one)]
        if site is None:
            return None
        if number := _first(wordpress_ids.comment_number, ours):
            return wordpress_ids.comment_id(site, number)
        number = _first(wordpress_ids.post_number, ours)
        return wordpress_ids.post_id(site, number) if number else None

    def _named_entry(self, other: InReplyTo) -> str | None:
        """An entry of this document or of an earlier one, or a page that others know."""
        if other.ref is not None and other.ref in self._by_guid:
            return self.of(self._by_guid[other.ref])
        page, fragment = urldefrag(other.href or "")
        if page and not fragment:
            return link_id(page)
        return self._hashed(other.ref) if other.ref else None


def _first(read: Callable[[str], int | None], given: Iterable[str | None]) -> int | None:
    return next((n for one in given if one and (n := read(one)) is not None), None)
