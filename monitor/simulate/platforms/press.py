"""Outlets of the press: a feed of the newest articles each, and robots.txt."""

from __future__ import annotations

from datetime import datetime
from xml.sax.saxutils import escape

from monitor.simulate.platforms.protocol import Asked, Reply, document
from monitor.simulate.platforms.rss import Channel, Entry, atom, rss
from monitor.simulate.worlds.scenario import PressSettings
from monitor.simulate.worlds.world import Item, World, host_of

__all__ = ["Press", "feed_url"]


def feed_url(outlet: str) -> str:
    """The address of an outlet's feed."""
    return f"http://{host_of(outlet)}/feed.xml"


class Press:
    """Stands in for all outlets."""

    network = "feed"

    def __init__(self, world: World) -> None:
        self._outlets = {host_of(name): outlet for name, outlet in world.outlets.items()}
        self._items: dict[str, list[Item]] = {
            outlet: [
                item
                for item in world.of("feed")
                if item.place and outlet in (item.place.outlet, *item.also_in)
            ]
            for outlet in world.outlets
        }

    @property
    def hosts(self) -> frozenset[str]:
        """The outlets."""
        return frozenset(self._outlets)

    def answer(self, asked: Asked, now: datetime) -> Reply:
        """What the outlet answers at that moment."""
        outlet = self._outlets[asked.host]
        if asked.path != "/feed.xml":
            return Reply(404, (("Content-Type", "text/plain"),), b"not found\n")
        known = [item for item in self._items[outlet.id] if item.exists(now)]
        newest = list(reversed(known))[: outlet.items]
        changed = newest[0].created_at if newest else None
        channel = Channel(
            f"Simulated {outlet.id}", f"http://{asked.host}/", "simulated press", changed,
            outlet.language,
        )  # fmt: skip
        write = atom if outlet.format == "atom" else rss
        body = write(channel, [_entry(item, outlet) for item in newest])
        kind = f"application/{outlet.format}+xml; charset=UTF-8"
        return document(body, kind, changed, asked)


def _entry(item: Item, outlet: PressSettings) -> Entry:
    url = item.place.url if item.place else ""
    if item.place and outlet.id != item.place.outlet:
        url += f"?utm_source={outlet.id}"  # as outlets link to each other
    html = f"<p>{escape(item.text)}</p>\n"
    if item.link:
        html += f'<p><a href="{escape(item.link)}">Source</a></p>\n'
    number = item.place.number if item.place else 0
    return Entry(
        title=item.title or "", link=url, guid=f"{outlet.id}-{number}",
        at=item.created_at, html=html, author="Simulated Reporter",
    )  # fmt: skip
