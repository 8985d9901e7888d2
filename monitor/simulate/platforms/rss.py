"""Feeds as newsrooms and the press write them: RSS 2.0 and Atom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from monitor.simulate.platforms.protocol import http_date

__all__ = ["Channel", "Entry", "atom", "rss"]


@dataclass(frozen=True, slots=True)
class Channel:
    """What a feed says of itself."""

    title: str
    link: str
    generator: str
    changed: datetime | None
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item. `reply_to`: link and name of the comment that this one answers."""

    title: str
    link: str
    guid: str
    at: datetime
    html: str
    author: str
    comments: int | None = None
    comment_feed: str | None = None
    reply_to: tuple[str, str] | None = None


def rss(channel: Channel, entries: Sequence[Entry]) -> bytes:
    """RSS 2.0 with the extensions that WordPress uses."""
    changed = (
        f"<lastBuildDate>{_rfc822(channel.changed)}</lastBuildDate>" if channel.changed else ""
    )
    items = "".join(_item(entry) for entry in entries)
    return f"""<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"
	xmlns:content="http://purl.org/rss/1.0/modules/content/"
	xmlns:wfw="http://wellformedweb.org/CommentAPI/"
	xmlns:dc="http://purl.org/dc/elements/1.1/"
	xmlns:atom="http://www.w3.org/2005/Atom"
	xmlns:slash="http://purl.org/rss/1.0/modules/slash/"
	>
<channel>
	<title>{escape(channel.title)}</title>
	<link>{escape(channel.link)}</link>
	<description></description>
	{changed}
	<language>{channel.language}</language>
	<generator>{escape(channel.generator)}</generator>
{items}</channel>
</rss>
""".encode()


def _item(entry: Entry) -> str:
    html = entry.html
    if entry.reply_to is not None:
        link, name = entry.reply_to
        html = f"<p>In reply to <a href={quoteattr(link)}>{escape(name)}</a>.</p>\n{html}"
    extras = ""
    if entry.comment_feed is not None:
        extras += f"\t\t<wfw:commentRss>{escape(entry.comment_feed)}</wfw:commentRss>\n"
    if entry.comments is not None:
        extras += f"\t\t<slash:comments>{entry.comments}</slash:comments>\n"
    return f"""	<item>
		<title>{escape(entry.title)}</title>
		<link>{escape(entry.link)}</link>
		<dc:creator><![CDATA[{entry.author}]]></dc:creator>
		<pubDate>{_rfc822(entry.at)}</pubDate>
		<guid isPermaLink="false">{escape(entry.guid)}</guid>
		<description>{escape(html)}</description>
		<content:encoded><![CDATA[{html}]]></content:encoded>
{extras}	</item>
"""


def atom(channel: Channel, entries: Sequence[Entry]) -> bytes:
    """Atom 1.0."""
    items = "".join(
        f"""  <entry>
    <title>{escape(entry.title)}</title>
    <link rel="alternate" href={quoteattr(entry.link)}/>
    <id>{escape(entry.guid)}</id>
    <published>{_rfc3339(entry.at)}</published>
    <updated>{_rfc3339(entry.at)}</updated>
    <author><name>{escape(entry.author)}</name></author>
    <content type="html">{escape(entry.html)}</content>
  </entry>
"""
        for entry in entries
    )
    changed = f"  <updated>{_rfc3339(channel.changed)}</updated>\n" if channel.changed else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{channel.language}">
  <title>{escape(channel.title)}</title>
  <link rel="alternate" href={quoteattr(channel.link)}/>
  <id>{escape(channel.link)}</id>
  <generator>{escape(channel.generator)}</generator>
{changed}{items}</feed>
""".encode()


def _rfc822(at: datetime) -> str:
    return http_date(at).replace("GMT", "+0000")


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
