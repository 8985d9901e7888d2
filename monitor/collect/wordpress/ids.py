"""The ids of WordPress posts and comments, and what a WordPress answer says about its site.

A site is known by its key `host[:port][/path]`: the scheme and default ports are left out, `www.`
is kept as it is. Post types share one sequence of numbers, so `…/post/12` needs no type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urljoin, urlsplit

from monitor.identity import http_url

__all__ = [
    "API_REL",
    "comment_id",
    "comment_number",
    "header_links",
    "on_site",
    "post_id",
    "post_number",
    "shortlink_number",
    "site_from_headers",
    "site_key",
]

API_REL = "https://api.w.org/"

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w!#$%&'*+.^`|~-]+\s*=\s*(?:\"[^\"]*\"|[^\s;,\"]*))*)")
_PARAMETER = re.compile(r";\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]*))")
# /wp-json/, /index.php/wp-json/ and /index.php?rest_route=/ stand behind the site's own path.
_BEHIND_SITE = re.compile(r"(?:/index\.php)?(?:/wp-json(?:/.*)?)?/?$", re.DOTALL)
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_COMMENT = re.compile(r"comment-([1-9][0-9]{0,18})")


def site_key(url: str) -> str | None:
    """The key `host[:port][/path]` of the site whose address is `url`; None if it is no http(s).

    The address of its API names the same site.

    >>> site_key("https://www.example.org:443/blog/wp-json/")
    'www.example.org/blog'
    >>> site_key("http://127.0.0.1:8081/index.php?rest_route=/")
    '127.0.0.1:8081'
    """
    given = http_url(url)
    if given is None:
        return None
    parts = urlsplit(given)
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        host = f"[{host}]"
    port = parts.port
    ending = "" if port in (None, _DEFAULT_PORTS[parts.scheme.lower()]) else f":{port}"
    return host + ending + _BEHIND_SITE.sub("", parts.path)


def post_id(site: str, number: int) -> str:
    """The id of post `number` on the site with key `site`."""
    return f"wordpress:{site}/post/{number}"


def comment_id(site: str, number: int) -> str:
    """The id of comment `number` on the site with key `site`."""
    return f"wordpress:{site}/comment/{number}"


def post_number(url: str) -> int | None:
    """The number in a plain permalink or guid such as `http://host/?p=12`, else None."""
    try:
        parts = urlsplit(url.replace("&#038;", "&"))
    except ValueError:
        return None
    if parts.fragment:
        return None
    # Never max_num_fields: it raises, and an address has a few parameters or is none of these.
    given = dict(parse_qsl(parts.query[:2000]))
    found = next((given[name] for name in ("p", "page_id") if name in given), "")
    return int(found) if _NUMBER.fullmatch(found) else None


def comment_number(url: str) -> int | None:
    """The number in an address that ends in `#comment-35`, else None."""
    match = _COMMENT.fullmatch(url.rpartition("#")[2]) if "#" in url else None
    return int(match[1]) if match else None


def header_links(headers: Mapping[str, str], base: str | None = None) -> dict[str, str]:
    """The `Link` headers as relation → address (absolute where `base` is given), first one wins.

    Header names are lower-case, several headers joined by a comma.
    """
    found: dict[str, str] = {}
    for target, parameters in _LINK.findall(headers.get("link", "")[:20_000]):
        for name, quoted, bare in _PARAMETER.findall(parameters):
            if name.lower() != "rel":
                continue
            for relation in (quoted or bare).split():
                found.setdefault(relation.lower(), _absolute(target, base))
    return found


def site_from_headers(headers: Mapping[str, str], base: str | None = None) -> str | None:
    """The key of the site that an answer says it is from, by its `https://api.w.org/` link."""
    api = header_links(headers, base).get(API_REL)
    return site_key(api) if api else None


def shortlink_number(headers: Mapping[str, str], base: str | None = None) -> int | None:
    """The number of the post that an answer is about, by its `Link: …; rel=shortlink`."""
    short = header_links(headers, base).get("shortlink")
    return post_number(short) if short else None


def on_site(url: str, site: str) -> bool:
    """Whether `url` lies on the host of the site with key `site` (`www.` and port aside)."""
    given = http_url(url)
    if given is None:
        return False
    host = urlsplit(given).hostname or ""
    theirs = urlsplit(f"//{site}").hostname or ""
    return host.removeprefix("www.") == theirs.removeprefix("www.")


def _absolute(target: str, base: str | None) -> str:
    try:
        return urljoin(base, target) if base else target
    except ValueError:
        return target
