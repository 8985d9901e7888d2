"""Who is who: stable ids of posts, canonical addresses, and native posts behind addresses.

A post's id is `<network>:<stable id>`. Addresses serve identity in their canonical form only;
what a source gave is stored as it was given.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

__all__ = [
    "canonical_url",
    "http_url",
    "link_id",
    "other_page_of",
    "recognise",
    "recognise_network",
]

# Parameters that say where a reader came from, never what is read.
_TRACKERS = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|igshid|mc_[ce]id|ref_src|ref_url"
    r"|_hsenc|_hsmi|mkt_tok|oly_\w+_id|vero_id|s_cid|cmpid|at_medium|at_campaign|xtor|wt_mc|ocid",
    re.IGNORECASE,
)
_PORTS = {"http": 80, "https": 443}


def http_url(url: str | None, base: str | None = None) -> str | None:
    """`url` (relative ones against `base`) if it is an absolute http(s) address, else None."""
    if not url:
        return None
    try:
        joined = urljoin(base, url.strip()) if base else url.strip()
        parts = urlsplit(joined)
        _ = parts.port
    except ValueError:
        return None
    return joined if parts.scheme.lower() in _PORTS and parts.hostname else None


def canonical_url(url: str) -> str | None:
    """The form of `url` in which two addresses of one thing are equal, or None if it is no http(s).

    Scheme becomes https, host lower-case without `www.` and default port, the path is
    percent-normalised without a trailing slash, trackers and fragment go, parameters are sorted.

    >>> canonical_url("HTTP://www.Example.org:80/a/?utm_source=x&b=2&a=1#top")
    'https://example.org/a?a=1&b=2'
    """
    given = http_url(url)
    if given is None:
        return None
    parts = urlsplit(given)
    scheme = parts.scheme.lower()
    host = (parts.hostname or "").rstrip(".").removeprefix("www.")
    if ":" in host:
        host = f"[{host}]"
    try:
        host = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        return None
    port = "" if parts.port in (None, _PORTS[scheme]) else f":{parts.port}"
    path = quote(unquote(parts.path, errors="surrogateescape").encode(errors="surrogateescape"))
    kept = [(k, v) for k, v in parse_qsl(parts.query, True) if not _TRACKERS.fullmatch(k)]
    return urlunsplit(("https", host + port, path.rstrip("/"), urlencode(sorted(kept)), ""))


def link_id(url: str) -> str | None:
    """The id of a feed item or page that is known by its address; None where that names nothing.

    An address without path and parameters is a site, not a post.
    """
    canonical = canonical_url(url)
    if canonical is None:
        return None
    parts = urlsplit(canonical)
    if parts.path in ("", "/") and not parts.query:
        return None
    return "feed:" + hashlib.sha256(canonical.encode()).hexdigest()


_END = r"/?(?:[?#]|$)"
"""What links add, where they were shared, follows the address of a post."""

_NATIVE: list[tuple[str, re.Pattern[str], str]] = [
    (
        "bluesky",
        re.compile(
            rf"(?:www\.)?bsky\.app/profile/(did:[a-z0-9]+:[\w.:%-]+)/post/([\w.~:-]+){_END}"
        ),
        "bluesky:at://{0}/app.bsky.feed.post/{1}",
    ),
    (
        "x",
        re.compile(r"(?:www\.|mobile\.)?(?:x|twitter)\.com/(?:i/web|i|\w+)/status(?:es)?/(\d+)"),
        "x:{0}",
    ),
    ("hackernews", re.compile(r"news\.ycombinator\.com/item\?(?:.*&)?id=(\d+)"), "hackernews:{0}"),
    (
        "reddit",
        re.compile(
            r"(?:\w+\.)?reddit\.com/(?:(?:r|user)/[\w-]+/)?comments/\w+/(?:comment|[^/?#]*)/(\w+)"
        ),
        "reddit:t1_{0}",
    ),
    (
        "reddit",
        re.compile(r"(?:\w+\.)?reddit\.com/(?:(?:r|user)/[\w-]+/)?comments/(\w+)"),
        "reddit:t3_{0}",
    ),
    ("reddit", re.compile(r"redd\.it/(\w+)"), "reddit:t3_{0}"),
    (
        "youtube",
        re.compile(r"(?:www\.|m\.)?youtube\.com/watch\?(?:.*&)?v=([\w-]{6,})"),
        "youtube:video/{0}",
    ),
    (
        "youtube",
        re.compile(r"(?:www\.|m\.)?youtube\.com/(?:shorts|live)/([\w-]{6,})"),
        "youtube:video/{0}",
    ),
    ("youtube", re.compile(r"youtu\.be/([\w-]{6,})"), "youtube:video/{0}"),
]
_HOSTS = [
    ("bluesky", re.compile(r"(?:www\.)?bsky\.app/profile/[^/]+/post/")),
    (
        "mastodon",
        re.compile(rf"[^/]+/(?:@[\w.-]+(?:@[\w.-]+)?/\d+|users/[\w.-]+/statuses/\d+){_END}"),
    ),
    ("discourse", re.compile(rf"[^/]+/t/[^/]+/\d+(?:/\d+)?{_END}")),
]
_OWN_HOSTS = {
    "bsky.app": "bluesky", "x.com": "x", "twitter.com": "x", "news.ycombinator.com": "hackernews",
    "reddit.com": "reddit", "youtube.com": "youtube",
}  # fmt: skip


def recognise(url: str) -> str | None:
    """The native id of the post that `url` shows, where the address alone tells it.

    >>> recognise("https://x.com/someone/status/1890000000000000000")
    'x:1890000000000000000'
    """
    if url.startswith("at://"):
        match = re.fullmatch(r"at://(did:[^/]+)/app\.bsky\.feed\.post/([^/]+)", url)
        return f"bluesky:{url}" if match else None
    rest = _without_scheme(url)
    if rest is None:
        return None
    for _, pattern, form in _NATIVE:
        if match := pattern.match(rest):
            return form.format(*(unquote(part) for part in match.groups()))
    # Mastodon's own id of a post is this address; `/@name/1` is a page about it.
    match = re.match(rf"([^/]+/users/[\w.-]+/statuses/\d+){_END}", rest)
    return f"ap:https://{match[1]}" if match else None


def recognise_network(url: str) -> str | None:
    """The network whose post `url` shows, also where its id must be asked for (a handle, say)."""
    native = recognise(url)
    if native is not None:
        network = native.partition(":")[0]
        return "mastodon" if network == "ap" else network
    if url.startswith("at://"):
        return "bluesky"
    rest = _without_scheme(url)
    if rest is None:
        return None
    return next((network for network, pattern in _HOSTS if pattern.match(rest)), None)


def other_page_of(url: str) -> str | None:
    """The network of whose site `url` is a page that is no post: a profile, a list, a search.

    >>> other_page_of("https://x.com/someone")
    'x'
    """
    if recognise_network(url) is not None:
        return None
    host = (urlsplit(http_url(url) or "").hostname or "").removeprefix("www.")
    return _OWN_HOSTS.get(host.removeprefix("mobile.").removeprefix("m.").removeprefix("old."))


def _without_scheme(url: str) -> str | None:
    given = http_url(url)
    if given is None:
        return None
    parts = urlsplit(given)
    host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    return f"{host}{parts.path}" + (f"?{parts.query}" if parts.query else "")
