"""Lists of feeds as other readers export them (OPML 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from monitor.errors import UsageError

__all__ = ["MOST", "Outline", "is_opml", "read_opml"]

_LARGEST = 10_000_000
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of a list; `line` is where it stands."""

    url: str
    title: str | None
    line: int


def is_opml(path: Path) -> bool:
    """Does the file say that it is one?"""
    try:
        with path.open("rb") as stream:
            return b"<opml" in stream.read(2000).lower()
    except OSError:
        return False  # whoever reads it says so


def read_opml(path: Path) -> list[Outline]:
    """The feeds of a list, in its order. Entities are not resolved, nothing is fetched.

    Raises:
        UsageError: it can't be read, is no XML, or is larger than anybody's list.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    if len(raw) > _LARGEST:
        raise UsageError(f"{path}: more than {_LARGEST:,} bytes are no list of feeds")
    if b"<!ENTITY" in raw:  # within attributes even a careful parser puts them in
        raise UsageError(f"{path}: no XML for a list of feeds: it defines entities")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        top = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UsageError(f"{path}: no XML ({error})") from error
    found = [
        Outline(str(url).strip(), _title(one), one.sourceline or 0)
        for one in top.iter("outline")
        if (url := one.get("xmlUrl") or one.get("xmlurl"))
    ]
    if len(found) > MOST:
        raise UsageError(f"{path}: {len(found):,} feeds; {MOST:,} at most")
    return found


def _title(outline: etree._Element) -> str | None:
    title = outline.get("title") or outline.get("text")
    return str(title).strip() or None if title else None
