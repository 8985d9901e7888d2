"""Addresses of the web as text: what may be asked for, and what may be shown of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

__all__ = [
    "authority",
    "checked",
    "is_loopback",
    "one_line",
    "origin",
    "redact",
    "shown",
    "with_params",
    "without_userinfo",
]

MAX_LENGTH = 8192
_PORTS = {"http": 80, "https": 443}
_HEAD = re.compile(r"https?://[^/?]*", re.IGNORECASE)
_PARAMETER = re.compile(r"([?&;])([^=&;]*)=([^&;]*)")
_USERINFO = re.compile(r"(?<=//)[^/?#]*@")
_PAGING = re.compile(r"(?:next|page|pagination|continuation)[_-]?token", re.IGNORECASE)
_SECRET = re.compile(
    r"token|secret|passw|pwd|key$|signature|credential|session|jwt|(?:^|[_.-])(?:auth|sig|sid)$",
    re.IGNORECASE,
)


def checked(url: str) -> str:
    """`url` without its fragment, if it can be asked for.

    Raises:
        ValueError: it can't; the message says why and repeats nothing of it.
    """
    text = url.strip().partition("#")[0]
    if len(text) > MAX_LENGTH:
        raise ValueError(f"longer than {MAX_LENGTH} characters")
    match = _HEAD.match(text)
    if match is None:
        raise ValueError("only absolute http and https addresses are asked")
    # Parsers differ on backslashes and blanks: none in the host, escaped in what follows.
    if any(_is_odd(c) for c in match[0]):
        raise ValueError("its host has a character that none may have")
    text = match[0] + "".join(quote(c) if _is_odd(c) else c for c in text[match.end() :])
    parts = urlsplit(text)
    if not parts.hostname:
        raise ValueError("there is no host in it")
    if parts.port == 0:
        raise ValueError("port 0 is no port")
    return text


def _is_odd(character: str) -> bool:
    return character in "\\ " or not character.isprintable()


def with_params(url: str, params: Mapping[str, str | int | list[str]] | None) -> str:
    """`url` with `params`; one of the same name in `url` is replaced, the others stay.

    >>> with_params("https://example.org/?a=1&b=2", {"b": 3, "c[]": ["x", "y"]})
    'https://example.org/?a=1&b=3&c%5B%5D=x&c%5B%5D=y'
    """
    if not params:
        return url
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    old = [(name, value) for name, value in given if name not in params]
    query = "&".join(filter(None, (urlencode(old), urlencode(params, doseq=True))))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def without_userinfo(url: str) -> tuple[str, str | None]:
    """`url` without `user:password@`, and that part decoded (None where there is none)."""
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=host).geturl(), unquote(userinfo) if at else None


def authority(url: str) -> str:
    """Host and port of `url`, the scheme's own port left out: whom we are polite to.

    >>> authority("https://Example.org:443/a")
    'example.org'
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _PORTS.get(parts.scheme)) else f"{host}:{parts.port}"


def origin(url: str) -> str:
    """Scheme, host and port of `url`: whom credentials belong to."""
    return f"{urlsplit(url).scheme}://{authority(url)}"


def is_loopback(url: str) -> bool:
    """Whether the host of `url` is this machine by its name or literal address."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def redact(url: str) -> str:
    """`url` without user, password, fragment, and the values of parameters named like secrets.

    >>> redact("https://me:pw@example.org/a?api_key=abc&page=2")
    'https://example.org/a?api_key=REDACTED&page=2'
    """
    return _PARAMETER.sub(_hide, _USERINFO.sub("", url.partition("#")[0]))


def _hide(match: re.Match[str]) -> str:
    mark, name, _ = match.groups()
    plain = unquote(name)
    secret = _SECRET.search(plain) and not _PAGING.fullmatch(plain)
    return f"{mark}{name}=REDACTED" if secret else match[0]


def one_line(text: str, limit: int = 200) -> str:
    """`text` fit for a message: printable, on one line, of at most `limit` characters."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    plain = " ".join(plain.split())
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def shown(url: str) -> str:
    """`url` as a message may show it, also where it is none."""
    try:
        checked(url)
    except ValueError:
        url = url.rpartition("@")[2]
    return one_line(redact(url), 300)
