"""The bytes of a web page as a tree, within bounds that keep a hostile page cheap."""

from __future__ import annotations

import codecs
import re

from selectolax.lexbor import LexborHTMLParser

from monitor.collect.protocol import Answer
from monitor.errors import BadAnswer

__all__ = ["parse"]

MAX_CHARS = 2_000_000
MAX_DEPTH = 3_000
MAX_TAG = 16_384

# A tag to its end, quoted values included; what never closes runs to the end of the page.
_TAG = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)"
    r"(?:[^>=]++|=\s*\"[^\"]*+(?:\"|\Z)|=\s*'[^']*+(?:'|\Z)|=)*+>?"
)
_FLAT = frozenset(
    {"area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta"}
    | {"option", "p", "param", "path", "source", "tbody", "td", "tfoot", "th", "thead", "tr"}
    | {"track", "wbr"}
)  # empty, or closed by their own kind: they do not nest
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)


def parse(answer: Answer) -> LexborHTMLParser:
    """The page's tree, after a look at its size and depth: the parser is quadratic in both.

    Raises:
        BadAnswer: it is no HTML, or more than we read.
    """
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    start = answer.body[:1000].lstrip().lower()
    if kind not in ("text/html", "application/xhtml+xml") and (
        kind or not start.startswith((b"<!doctype html", b"<html"))
    ):
        raise _bad(answer, f"expected a web page, got {kind or 'no content type'}")
    text = _decoded(answer)
    if len(text) > MAX_CHARS:
        raise _bad(answer, f"a page of more than {MAX_CHARS} characters is not read")
    return LexborHTMLParser(_bounded(text, answer))


def _bad(answer: Answer, what: str) -> BadAnswer:
    return BadAnswer(
        f"{answer.url}: {what}; the answer is kept", url=answer.url, payload=answer.body
    )


def _decoded(answer: Answer) -> str:
    body = answer.body
    if body.startswith(codecs.BOM_UTF8):
        return body.decode("utf-8-sig", "replace")
    match = re.search(
        r"charset\s*=\s*[\"']?([\w.:-]{1,40})", answer.headers.get("content-type", "")
    )
    meta = _CHARSET.search(body[:4096])
    name = match[1] if match else meta[1].decode("ascii", "replace") if meta else "utf-8"
    # Browsers read these as Windows-1252, and pages rely on it.
    name = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "ascii": "cp1252"}.get(name.lower(), name)
    try:
        return body.decode(name, "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


def _bounded(text: str, answer: Answer) -> str:
    """The page without tags of monstrous length; attributes cost the parser their square."""
    depth = 0
    open_tags: dict[str, int] = {}
    deepest = 0
    for match in _TAG.finditer(text):
        name = match[2].lower()
        if name in _FLAT or match[0].endswith("/>"):
            continue
        if not match[1]:
            open_tags[name] = open_tags.get(name, 0) + 1
            depth += 1
            deepest = max(deepest, depth)
        elif open_tags.get(name):
            open_tags[name] -= 1
            depth -= 1
    if deepest > MAX_DEPTH:
        raise _bad(answer, f"a page with more than {MAX_DEPTH} nested elements is not read")
    return _TAG.sub(lambda match: "" if len(match[0]) > MAX_TAG else match[0], text)
