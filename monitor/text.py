"""Plain text out of HTML that strangers wrote, in time linear in its length.

No tree is built: tree builders need quadratic time for deeply nested tags, and the markup is
thrown away anyway. Input beyond `MAX_CHARACTERS` is cut.
"""

from __future__ import annotations

import html as _html
import re
from collections.abc import Iterator
from typing import NamedTuple

from monitor.identity import http_url

__all__ = ["MAX_CHARACTERS", "links", "plain", "plain_title", "tidy"]

MAX_CHARACTERS = 500_000

_PARAGRAPH = re.compile(
    r"p|blockquote|pre|[uod]l|table|hr|h[1-6]|figure|section|article|header|footer|aside|details"
    r"|form|fieldset"
)
_LINE = re.compile(r"li|tr|div|d[td]|figcaption|caption|summary|option|address|main|nav")
_SPACE = re.compile(r"t[dh]")
_SILENT = ("script", "style", "template", "iframe", "noembed", "noframes", "title", "object")
_CLOSING = {tag: re.compile(rf"</{tag}\b", re.IGNORECASE) for tag in _SILENT}
_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]*)")
# To the end of a tag, over ">" in quoted values; possessive, so that it never tries twice.
_TAG_END = re.compile(r"""(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+>""")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]{1,40})\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""")
_EMOJI_CLASS = re.compile(
    r"\b(?:wp-smiley|emoji|emojione|twemoji|smiley|emoticon)\b", re.IGNORECASE
)
_SYMBOL_LENGTH = 8  # code points: families and flags are sequences
_HUGE_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")
_ESCAPED_TWICE = re.compile(
    r"&(?!lt;|gt;|LT;|GT;)(?:#[0-9]{2,7}|#[xX][0-9a-fA-F]{2,6}|[a-zA-Z]{2,8});"
)
_ESCAPED_DOCUMENT = re.compile(
    r"\s*<(?:p|div|br|a|img|span|ul|ol|table|blockquote|h[1-6]|strong|em|b|i)\b[^<>]*>",
    re.IGNORECASE,
)
# C0 and C1 controls but for tab and newline, lone surrogates, noncharacters, invisible joins.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x0d\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]"
)
_LINE_MARK, _PARAGRAPH_MARK = "\x1e", "\x1d"
_MARKS = re.compile(r"[\x1d\x1e]")
_BREAKS = re.compile(r"(?<![ \n])[ \n]*+[\x1d\x1e][\x1d\x1e \n]*+")
_WHITE = re.compile(r"[ \t\r\n\f]+")
_BLANKS = re.compile(r"[^\S\n]+")
_AROUND_NEWLINE = re.compile(r" ?\n ?")
_NEWLINES = re.compile(r"\n{3,}")


class _Token(NamedTuple):
    """A piece of text (`name` None) or a tag with its attributes' source."""

    name: str | None
    body: str
    closing: bool = False


def plain(html: str | None) -> str | None:
    """The text that a reader sees: markup out, entities resolved, one newline for a break, two
    between paragraphs; None where nothing is left.

    >>> plain("<p>A &amp; B</p><p>one<br>two</p><script>x()</script>")
    'A & B\\n\\none\\ntwo'
    """
    if not html:
        return None
    text, tags = _render(html)
    if not tags:
        text, _ = _render(html, verbatim=True)
        if _ESCAPED_DOCUMENT.match(text):
            text, _ = _render(text)
    return tidy(_resolve_again(_BREAKS.sub(_newlines, text)))


def plain_title(html: str | None) -> str | None:
    """As `plain`, in one line: for titles and names.

    >>> plain_title("why  <em>prices</em> rise &#038; fall ")
    'why prices rise & fall'
    """
    text = plain(html)
    return " ".join(text.split()) if text else None


def tidy(text: str | None) -> str | None:
    """Plain text without control characters, with single spaces and at most one empty line."""
    if not text:
        return None
    text = text[:MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n")
    text = _BLANKS.sub(" ", _UNWANTED.sub("", text))
    return _NEWLINES.sub("\n\n", _AROUND_NEWLINE.sub("\n", text)).strip() or None


def links(html: str | None, base: str | None = None, most: int = 50) -> tuple[str, ...]:
    """The absolute http(s) addresses that the anchors of `html` point to, each once, in order."""
    found: dict[str, None] = {}
    for token in _tokens(html or ""):
        if token.name != "a" or token.closing:
            continue
        link = http_url(_attributes(token.body).get("href"), base)
        if link:
            found.setdefault(link)
        if len(found) >= most:
            break
    return tuple(found)


def _render(html: str, *, verbatim: bool = False) -> tuple[str, int]:
    """The text of `html` with `_LINE_MARK` and `_PARAGRAPH_MARK`, and how many tags it had.

    Line breaks in the source count in `pre`, and everywhere if `verbatim` (text without tags).
    """
    parts: list[str] = []
    preformatted, tags = int(verbatim), 0
    for token in _tokens(html):
        if token.name is None:
            piece = _MARKS.sub("", token.body)
            parts.append(piece if preformatted else _WHITE.sub(" ", piece))
            continue
        tags += 1
        parts.append(_rendered_tag(token))
        if token.name == "pre":
            preformatted = max(0, preformatted - 1) if token.closing else preformatted + 1
    return "".join(parts), tags


def _rendered_tag(token: _Token) -> str:
    name = token.name or ""
    if name == "br":
        return "\n"
    if _PARAGRAPH.fullmatch(name):
        return _PARAGRAPH_MARK
    if _LINE.fullmatch(name):
        return _LINE_MARK
    if _SPACE.fullmatch(name):
        return " "
    return _emoji(token.body) if name == "img" else ""


def _newlines(match: re.Match[str]) -> str:
    """Neighbouring breaks are one, as a reader sees it."""
    apart = _PARAGRAPH_MARK in match[0] or match[0].count("\n") > 1
    return "\n\n" if apart else "\n"


def _emoji(attributes: str) -> str:
    """The character that an image stands for; other images are no text."""
    given = _attributes(attributes)
    alt = given.get("alt", "")
    if _EMOJI_CLASS.search(given.get("class", "")):
        return alt[:40]
    is_symbol = len(alt) <= _SYMBOL_LENGTH and not any(c.isascii() or c.isalnum() for c in alt)
    return alt if is_symbol else ""


def _attributes(source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(source[:10_000]):
        found.setdefault(name.lower(), _unescape(double or single or bare))
    return found


def _tokens(html: str) -> Iterator[_Token]:
    """Text and tags in order; comments, declarations and silent elements are left out."""
    html = html[:MAX_CHARACTERS].replace("<![CDATA[", "").replace("]]>", "")
    position, quoting = 0, True
    while True:
        start = html.find("<", position)
        piece = html[position:] if start < 0 else html[position:start]
        if piece:
            yield _Token(None, _unescape(piece))
        if start < 0:
            return
        name = _NAME.match(html, start + 1)
        if name is None:
            position = _after_declaration(html, start)
            if position == start + 1:
                yield _Token(None, "<")
            continue
        end = _TAG_END.match(html, name.end()) if quoting else None
        if end is None:
            # Quotes that never close: from here on a tag ends at its first ">".
            quoting = False
        position = end.end() if end else _after(html, ">", name.end())
        tag = name[1].lower()
        closing = html[start + 1] == "/"
        yield _Token(tag, html[name.end() : position], closing)
        if tag in _SILENT and not closing:
            position = _after_element(html, tag, position)


def _after_declaration(html: str, start: int) -> int:
    """Where the comment or declaration at `start` ends; `start` + 1 if there is none."""
    if html.startswith("<!--", start):
        return _after(html, "-->", start + 2)
    if html.startswith(("<!", "<?", "</"), start):
        return _after(html, ">", start + 1)
    return start + 1


def _after(html: str, mark: str, position: int) -> int:
    found = html.find(mark, position)
    return len(html) if found < 0 else found + len(mark)


def _after_element(html: str, tag: str, position: int) -> int:
    closed = _CLOSING[tag].search(html, position)
    return closed.start() if closed else len(html)


def _unescape(text: str) -> str:
    if "&" not in text:
        return text
    # Python refuses to read numbers of thousands of digits.
    return _html.unescape(_HUGE_REFERENCE.sub("\ufffd", text))


def _resolve_again(text: str) -> str:
    """References that were escaped twice (`&amp;#8217;`), but never into new markup."""
    if "&" not in text:
        return text

    def resolve(match: re.Match[str]) -> str:
        resolved = _html.unescape(match[0])
        return match[0] if "<" in resolved or ">" in resolved else resolved

    return _ESCAPED_TWICE.sub(resolve, text)
