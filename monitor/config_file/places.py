"""How addresses, accounts, posts and terms in the configuration are read."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from monitor import identity
from monitor.collect.derive import POSTS, network_of_id
from monitor.collect.registry import networks
from monitor.config_file.values import Wrong, did_you_mean, shown, text
from monitor.errors import TermError

__all__ = ["account", "address", "announcement", "base_url", "contact", "network", "target", "term"]

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NATIVE_ID = re.compile(r"([a-z][a-z0-9_+-]*):(?!//)(\S+)")
_AT_URI = re.compile(r"at://[^/\s]+/app\.bsky\.feed\.post/[^/\s]+")
_NO_NETWORKS = {"about", "blob", "data", "file", "ftp", "http", "https", "javascript", "mailto"}
_ACCOUNTS = {
    "bluesky": (re.compile(r"@?[\w-]+(?:\.[\w-]+)+|did:[a-z]+:\S+"), "bluesky:name.example.org"),
    "mastodon": (re.compile(r"@?[\w.-]+@[\w.-]+(?::\d+)?|https?://\S+"), "mastodon:@name@host"),
    "x": (re.compile(r"@?\w{1,50}"), "x:name"),
}


def address(value: Any) -> str:
    """An absolute http(s) address without a password."""
    url = text(value)
    if identity.http_url(url) is None:
        hint = "" if "://" in url else "; begin with https://"
        raise Wrong(f"{shown(url)} is no http(s) address{hint}")
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise Wrong(f"{shown(url)} holds a login; secrets don't belong in this file")
    if " " in url or not _is_host(parts.hostname or ""):
        raise Wrong(f"{shown(url)} is no address: no host can be named like that")
    return url


def _is_host(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        pass
    else:
        return True
    try:
        plain = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return False
    return all(_LABEL.fullmatch(label) for label in plain.removesuffix(".").split("."))


def base_url(value: Any) -> str:
    """Where a network's interface is: an address without parameters; no slash at its end."""
    url = address(value)
    if any(urlsplit(url)[3:]):
        raise Wrong(f"{shown(url)} must end with the path: no ? and no #")
    return url.rstrip("/")


def contact(value: Any) -> str:
    """Where the operators of other hosts reach the user: `mailto:` or an http(s) address."""
    given = text(value)
    if re.fullmatch(r"mailto:[^\s@]+@[^\s@]+", given):
        return given
    if re.fullmatch(r"[^\s@:/]+@[^\s@:/]+", given):
        raise Wrong(f'{shown(given)}: write "mailto:{given[:80]}"')
    return address(given)


def network(value: Any) -> str:
    """The name of a network."""
    name = text(value)
    if name in networks():
        return name
    raise Wrong(_unknown_network(name))


def _unknown_network(name: str) -> str:
    near = did_you_mean(name, networks()) or f"; possible are {', '.join(networks())}"
    return f"{shown(name)} is no network that we know{near}"


def account(value: Any) -> str:
    """`network:account`."""
    given = text(value)
    name, colon, rest = given.partition(":")
    if not colon or not rest or " " in rest:
        raise Wrong(f'{shown(given)} is no account; write "network:name", such as "x:name"')
    if name not in networks():
        raise Wrong(_unknown_network(name))
    pattern, example = _ACCOUNTS.get(name, (None, ""))
    if pattern is not None and not pattern.fullmatch(rest):
        raise Wrong(f'{shown(given)} is no account of {name}; write it like "{example}"')
    return given


def announcement(value: Any) -> str:
    """A post: its address, its at-uri, or its id. Ids of other networks come by import."""
    given = text(value)
    if _AT_URI.fullmatch(given):
        return given
    native = _NATIVE_ID.fullmatch(given)
    if native is None or native[1] in _NO_NETWORKS:
        if given.startswith("at://"):
            raise Wrong(f"{shown(given)} is no post; write at://did:…/app.bsky.feed.post/…")
        return address(given)
    name = native[1]
    if name in POSTS:
        if network_of_id(given) is None:
            raise Wrong(f"{shown(given)} is no post of {name}")
        return given
    known = {*networks(), *POSTS, "isso"}
    if name not in known and (near := did_you_mean(name, known, cutoff=0.75)):
        raise Wrong(f"{shown(given)}: {shown(name)} is no network that we know{near}")
    return given


def target(network: str, value: str) -> None:
    """
    Raises:
        Wrong: a source of that network can't ask for this.
    """
    if network == "feed":
        address(value)
    elif network == "wordpress" and not value.startswith("wordpress:"):
        address(value.removeprefix("site:"))
    elif value.startswith("search:") and not value.removeprefix("search:").strip():
        raise Wrong("names nothing to search for; write search:words")
    elif "://" in value and not value.startswith(("at://", "search:", "bluesky:at://", "ap:")):
        address(value)


def term(value: Any) -> str:
    """A search term of an event; it parses."""
    given = text(value)
    from monitor.enrich.terms import parse

    try:
        parse(given)
    except TermError as error:
        raise Wrong(str(error)) from None
    return given
