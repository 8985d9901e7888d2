"""What is looked at before a feed is parsed: is it one at all, how deep, where does it end."""

from __future__ import annotations

import re

from monitor.errors import BadAnswer, TooLarge

__all__ = ["MAX_DEPTH", "check_depth", "describe", "find_root", "repair_end"]

MAX_DEPTH = 200

_PROLOG = re.compile(r"\s*+(?:<\?[^>]*+>|<!--(?:[^-]|-(?!->))*+-->)")
_ROOT = re.compile(r"<((?:[A-Za-z]\w*:)?(?:rss|feed|RDF|rdf))(?=[\s>])")
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{0,200})", re.IGNORECASE)
_ITEM_END = re.compile(r"</(?:[A-Za-z]\w*:)?(?:item|entry)\s*>")
_NAME = re.compile(r"[^\s<>/]{1,100}")
_HEAD = 65_536
# HTML that stands unescaped in a feed does not close these.
_VOID = frozenset({"br", "hr", "img", "input", "meta", "wbr", "area", "embed", "source"})


def describe(text: str, content_type: str) -> str:
    """In a few words, what came instead of a feed."""
    head = text[:_HEAD]
    if not head:
        return "an empty body"
    if _HTML.search(head):
        title = _TITLE.search(head)
        named = f" titled {' '.join(title[1].split())!r}" if title else ""
        return f"an HTML page{named}"
    kind = "JSON" if head[0] in "{[" else content_type.partition(";")[0].strip() or "a document"
    return f"{kind} that begins {' '.join(head[:60].split())!r}"


def find_root(text: str) -> tuple[str, str] | None:
    """The root element's name, and the document from there on; None if this is no XML feed.

    Declaration, comments and DOCTYPE with all its entities stay behind: none is ever expanded.
    Noise before the document (a warning that a server printed) is passed over.
    """
    start = 0
    while prolog := _PROLOG.match(text, start):
        start = prolog.end()
    found = _ROOT.search(text, start, start + _HEAD)
    page = _HTML.search(text, start, start + _HEAD)
    if found is None or (page and page.start() < found.start()):
        return None
    return found[1], text[found.start() :]


def repair_end(root: str, document: str) -> tuple[str, bool]:
    """The document up to its root's end, and whether it was cut off before.

    Of a document that was cut off the whole items are kept.

    Raises:
        BadAnswer: it was cut off before the first item ended.
    """
    end = document.rfind(f"</{root}")
    closed = document.find(">", end) if end >= 0 else -1
    if closed >= 0:
        return document[: closed + 1], False
    if re.match(rf"<{re.escape(root)}\b[^<>]*/>", document):
        return document, False
    ends = [match.end() for match in _ITEM_END.finditer(document)]
    if not ends:
        raise BadAnswer(f"a truncated feed: no </{root}> and not one whole item")
    inside = "</channel>" if root == "rss" else ""
    return f"{document[: ends[-1]]}{inside}</{root}>", True


def check_depth(document: str, most: int = MAX_DEPTH) -> None:
    """Walk over the tags without building anything.

    Raises:
        TooLarge: elements are nested deeper than `most`.
    """
    open_tags: list[str] = []
    position = document.find("<")
    while position >= 0:
        following = document[position + 1 : position + 2]
        if following in {"!", "?"}:
            position = _skip(document, position)
            continue
        end = document.find(">", position)
        name = _NAME.match(document, position + (2 if following == "/" else 1))
        if end < 0 or name is None:
            position = document.find("<", position + 1)
            continue
        if following == "/":
            _close(open_tags, name[0])
        elif document[end - 1] != "/" and name[0].lower() not in _VOID:
            open_tags.append(name[0])
            if len(open_tags) > most:
                raise TooLarge(f"a feed with more than {most} elements inside each other")
        position = document.find("<", end)


def _skip(document: str, position: int) -> int:
    """The next tag behind a comment, CDATA section or declaration; -1 at the end."""
    if document.startswith("<!--", position):
        mark = "-->"
    elif document.startswith("<![CDATA[", position):
        mark = "]]>"
    else:
        mark = ">"
    end = document.find(mark, position)
    return document.find("<", end) if end >= 0 else -1


def _close(open_tags: list[str], name: str) -> None:
    """Close the innermost element of that name, and what was left open inside it."""
    if name in open_tags:
        while open_tags.pop() != name:
            pass
