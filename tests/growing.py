"""Feeds that grow: built, for daemons that must find something new whenever they ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.collect.server import Asked, Reply

__all__ = ["Growing", "source"]


def source(name: str, url: str, interval: str = "1s") -> str:
    return (
        f'[[source]]\nid = "{name}"\nnetwork = "feed"\ntarget = "{url}"\ninterval = "{interval}"\n'
    )


@dataclass
class Growing:
    """Feeds that have another item whenever they are asked; built. They show the newest thirty."""

    items: dict[str, list[datetime]] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Reply:
        items = self.items.setdefault(asked.path, [])
        items.append(datetime.now(UTC))
        shown = list(enumerate(items))[-30:]
        entries = "".join(
            f"<item><title>Item {n}</title><link>https://built.example{asked.path}/{n}</link>"
            f"<pubDate>{moment:%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
            for n, moment in reversed(shown)
        )
        body = (
            '<?xml version="1.0"?><rss version="2.0"><channel><title>Built</title>'
            f"<link>https://built.example/</link><description>b</description>{entries}"
            "</channel></rss>"
        )
        return Reply(body=body.encode(), headers={"Content-Type": "application/rss+xml"})
