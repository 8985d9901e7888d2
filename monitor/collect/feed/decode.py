"""The bytes of a feed as clean text: which encoding they are in, and what XML does not allow."""

from __future__ import annotations

import codecs
import html.entities
import re
import sys

__all__ = ["clean", "decode"]

_BOMS = [
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
]
_DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
# Codecs that Python knows and that are no character sets (punycode, unicode_escape) stay out.
_CHARACTER_SET = re.compile(
    r"utf-8(-sig)?|ascii|iso8859[-_]\d+|cp\d+|koi8-[rut]|gb2312|gbk|gb18030|hz|big5(hkscs)?"
    r"|shift_jis\w*|euc_\w+|iso2022_\w+|johab|mac-\w+|tis-620|ptcp154|kz1048"
)
_SEVEN_BITS = re.compile(r"hz|iso2022_\w+")
_ALIASES = {"gb2312": "gb18030", "gbk": "gb18030", "iso8859-1": "cp1252", "ascii": "cp1252"}

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_REFERENCE = re.compile(r"&(?:#(?:([0-9]{1,7})|[xX]([0-9a-fA-F]{1,6}));|([A-Za-z][\w.-]{0,40});|)")
_XML_NAMES = frozenset({"lt", "gt", "amp", "quot", "apos"})


def decode(body: bytes, content_type: str) -> str:
    """`body` as text.

    A byte order mark decides; then valid UTF-8, whatever is declared; then the document's own
    declaration, which its author wrote, before the header, which is often the server's default.
    """
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body.decode(encoding, "replace").removeprefix("\ufeff")
    found = _DECLARED.match(body[:1000])
    declared = [_codec(found[1].decode("ascii"))] if found else []
    if header := _CHARSET.search(content_type):
        declared.append(_codec(header[1]))
    if declared and declared[0] and _SEVEN_BITS.fullmatch(declared[0]):
        return body.decode(declared[0], "replace")
    for encoding in ("utf-8", *(name for name in declared if name not in (None, "utf-8"))):
        try:
            return body.decode(encoding or "utf-8")
        except UnicodeDecodeError:
            continue
    return _best_guess(body)


def _best_guess(body: bytes) -> str:
    """UTF-8 with some broken bytes, or the encoding of old Western pages."""
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = sum(not character.isascii() for character in text) - broken
    return text if whole > broken else body.decode("cp1252", "replace")


def _codec(name: str) -> str | None:
    try:
        known = codecs.lookup(name).name
    except LookupError:
        return None
    known = _ALIASES.get(known, known)
    return known if _CHARACTER_SET.fullmatch(known) else None


def clean(text: str) -> str:
    """`text` without what makes XML parsers stop: control characters, bare ampersands, references
    to characters that XML forbids and to HTML's names. What stands in CDATA keeps its `&`.
    """
    text = _FORBIDDEN.sub("", text)
    parts: list[str] = []
    position = 0
    while position < len(text):
        start = text.find("<![CDATA[", position)
        if start < 0:
            parts.append(_REFERENCE.sub(_resolved, text[position:]))
            break
        end = text.find("]]>", start)
        end = len(text) if end < 0 else end + 3
        parts += [_REFERENCE.sub(_resolved, text[position:start]), text[start:end]]
        position = end
    return "".join(parts)


def _resolved(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if decimal or hexadecimal:
        number = int(decimal) if decimal else int(hexadecimal, 16)
        return match[0] if _allowed(number) else ""
    if name in _XML_NAMES:
        return match[0]
    character = html.entities.html5.get(f"{name};", "") if name else ""
    if character and not any(c in "<>&\"'" for c in character):
        return character
    return "&amp;" + match[0][1:]


def _allowed(number: int) -> bool:
    """Whether XML 1.0 allows a reference to this character."""
    return 0 < number <= sys.maxunicode and not _FORBIDDEN.match(chr(number))
