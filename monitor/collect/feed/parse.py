"""Bytes in, a feed document out. No network, no state, no ids; safe on whatever it is given."""

from __future__ import annotations

from monitor.collect.feed.bounds import describe
from monitor.collect.feed.decode import decode
from monitor.collect.feed.json import read_json
from monitor.collect.feed.types import Document
from monitor.collect.feed.xml import read_xml
from monitor.errors import BadAnswer, TooLarge

__all__ = ["MAX_BYTES", "MAX_ITEMS", "parse"]

MAX_BYTES = 10_000_000
MAX_ITEMS = 10_000


def parse(body: bytes, *, url: str, content_type: str = "") -> Document:
    """Read the feed in `body`, which came from `url`.

    Raises:
        BadAnswer: it is no feed, or none that can be read; the message says what came instead.
        TooLarge: it is longer than `MAX_BYTES`, has over `MAX_ITEMS` items, or is nested too deep.
    """
    if len(body) > MAX_BYTES:
        raise TooLarge(
            f"{url}: a feed of {len(body):,} bytes; at most {MAX_BYTES:,} are read", url=url
        )
    text = decode(body, content_type).replace("\0", "").lstrip()
    try:
        document = read_json(text, url) if text.startswith("{") else read_xml(text, url)
    except TooLarge as error:
        raise TooLarge(f"{url}: {error}", url=url) from error
    except BadAnswer as error:
        raise BadAnswer(f"{url}: {error}; check the address", url=url, payload=body) from error
    except RecursionError as error:
        raise TooLarge(f"{url}: a feed that is nested too deep", url=url) from error
    if document is None:
        what = (
            describe(text, content_type) if text or not body else f"{len(body):,} bytes of blanks"
        )
        raise BadAnswer(
            f"{url}: expected a feed, got {what}; check the address",
            url=url,
            payload=body,
        )
    if len(document.entries) > MAX_ITEMS:
        raise TooLarge(
            f"{url}: a feed of {len(document.entries):,} items; at most {MAX_ITEMS:,} are read",
            url=url,
        )
    return document
