"""Harvests as the JSON of expected files."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def plain(data: dict[str, Any]) -> Any:
    """JSON data; of posts without what only imports state, which must be nothing here."""
    rows = json.loads(msgspec.json.encode(data))
    for post in rows["posts"]:
        assert post.pop("imported") is None
        assert post.pop("earlier") == []
    return rows
