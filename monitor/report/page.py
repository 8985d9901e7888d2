"""The report's page: one HTML file without a script and without anybody else's address.

Everything that strangers wrote is escaped by the template; links lead to http(s) only.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from monitor.report import charts
from monitor.report.text import visible
from monitor.report.words import REASONS, RELATIONS, amount, count, counted, reaction_lag, span

__all__ = ["page"]

_SERIES = ("replies", "quotes", "reposts", "links", "press", "mentions")
_BUCKETS = ("15 minutes", "1 hour", "3 hours", "6 hours", "12 hours", "1 day", "7 days")
_LENGTHS = dict(zip(_BUCKETS, (0.25, 1, 3, 6, 12, 24, 168), strict=True))
_MOST_BARS = 84
_LEAD = timedelta(days=1)
"""So much of the time before the announcement stands in the charts."""
_SHOWN = 10
_QUOTED = 300  # characters of a post

Row = dict[str, Any]


class Source(Protocol):
    """Where rows come from."""

    def query(self, sql: str, params: list[Any] | None = None) -> pl.DataFrame: ...


def page(source: Source, frames: Mapping[str, pl.DataFrame], manifest: Mapping[str, Any]) -> str:
    """The page of a report whose CSV files hold `frames`."""
    style = files("monitor.report").joinpath("templates", "report.css").read_text("utf8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(
        loader=PackageLoader("monitor.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=_shown,
    )  # fmt: skip
    sections = [_Section(source, frames, manifest, event).context() for event in manifest["events"]]
    return environment.get_template("report.html").render(
        sections=sections, manifest=manifest, style=Markup(style), digest=digest,  # noqa: S704 - ours
        files=[(f"{name}.csv", file) for name, file in manifest["files"].items()],
    )  # fmt: skip


def _shown(value: Any) -> Any:
    """What strangers wrote can't turn the direction of what stands beside it."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@dataclass(slots=True)
class _Section:
    """What the page says of one event."""

    source: Source
    frames: Mapping[str, pl.DataFrame]
    manifest: Mapping[str, Any]
    event_id: str
    event: Row = field(init=False)

    def __post_init__(self) -> None:
        self.event = self._event()

    def context(self) -> Row:
        event = self.event
        summary = self._rows("summary")[0]
        gaps = self._rows("gaps")
        posts = [p for p in self._rows("posts") if p["relation"] != "announcement"]
        return {
            "event": event,
            "summary": summary,
            "headline": event["title"] or self.event_id,
            "money": _money(event),
            "announced": self._moment(event["announced_at"]),
            "as_of": self._moment(summary["data_as_of_utc"]),
            "announcements": self._announcements(),
            "figures": list(_figures(summary, posts)),
            "charts": self._charts(event, summary),
            "top": [self._reaction(row) for row in self._rows("top")[:_SHOWN]],
            "networks": _split("Posts by network", summary["networks"], len(posts)),
            "languages": _split("Posts by language", summary["languages"], len(posts)),
            "voices": _voices(summary["share_of_voice"]),
            "gaps": list(_gaps(gaps)),
            "not_observed": _decoded(summary["networks_not_observed"]) or [],
            "excluded": self._excluded(),
            "count": count,
            "counted": counted,
        }

    # Where things come from.

    def _rows(self, name: str) -> list[Row]:
        data = self.frames[name]
        return data.filter(pl.col("event_id") == self.event_id).to_dicts()

    def _event(self) -> Row:
        rows = self.source.query(
            "select e.* exclude (window_before, window_after), c.name as company, "
            "w.window_start, w.window_end from events as e "
            "join base.windows([$1]) as w using (event_id) "
            "left join companies as c on c.company_id = e.company_id where e.event_id = $1",
            [self.event_id],
        ).to_dicts()
        return rows[0]

    def _announcements(self) -> list[Row]:
        rows = self.source.query(
            "select url, network, post_id from announcements "
            "where event_id = ? and recorded_at <= base.moment(?) order by all",
            [self.event_id, self._as_of()],
        ).to_dicts()
        return [{**row, "href": _href(row["url"])} for row in rows]

    def _excluded(self) -> int:
        sql = (
            "select count(distinct post_key) from base.exclusions where event_id = $1 "
            "and recorded_at <= base.moment($2) "
            "and coalesce(superseded_at, timestamp 'infinity') > base.moment($2)"
        )
        return int(self.source.query(sql, [self.event_id, self._as_of()]).item())

    # Moments.

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(str(self.manifest["timezone"]))

    def _moment(self, moment: datetime | None) -> str | None:
        if moment is None:
            return None
        there = moment.replace(tzinfo=UTC).astimezone(self._zone)
        return f"{there:%-d %B %Y, %H:%M} {self.manifest['timezone']}"

    # The charts.

    def _charts(self, event: Row, summary: Row) -> Row | None:
        ends = summary["data_as_of_utc"]
        t0 = event["announced_at"]
        if ends is None:
            return None
        starts = max(t0 - _LEAD, event["window_start"])
        ends = min(max(ends, t0 + timedelta(hours=1)), event["window_end"])
        hours = (ends - starts) / timedelta(hours=1)
        bucket = next((b for b in _BUCKETS if hours / _LENGTHS[b] <= _MOST_BARS), _BUCKETS[-1])
        rows = self.source.query(
            "select * from base.series_over([?], ?, ?, ?) "
            "where bucket_start_utc < ? order by bucket_start_utc",
            [self.event_id, bucket, self.manifest["timezone"], self._as_of(), ends],
        ).to_dicts()
        length = timedelta(hours=_LENGTHS[bucket])
        rows = [row for row in rows if row["bucket_start_utc"] + length > starts]
        if not rows:
            return None
        first = rows[0]["bucket_start_utc"]
        marks = [
            charts.Mark((at - first) / length, text)
            for at, text in self._marks(t0)
            if first <= at <= rows[-1]["bucket_start_utc"] + length
        ]
        used = [name for name in _SERIES if any(row[name] for row in rows)]
        timeline = [self._bar(row, used, bucket) for row in rows]
        moods = [self._mood(row, bucket) for row in rows]
        every = f"Posts per {bucket}".replace("per 1 ", "per ")
        return {
            "bucket": bucket.removeprefix("1 "),
            "used": [(name, RELATIONS[name]) for name in used],
            "timeline": Markup(charts.bars(every, timeline, used, marks)),  # noqa: S704 - escaped there
            "has_holes": any(row["posts"] is None for row in rows),
            "mood": (
                Markup(charts.dots("Mean sentiment", moods, marks))  # noqa: S704 - escaped there
                if any(row["sentiment_n"] for row in rows)
                else None
            ),
            "model": next((r["sentiment_model"] for r in rows if r["sentiment_model"]), None),
            "scored": sum(row["sentiment_n"] or 0 for row in rows),
            "from": self._moment(first),
            "until": self._moment(rows[-1]["bucket_start_utc"] + length),
        }

    def _as_of(self) -> Any:
        return self.manifest["filters"]["as_of_utc"]

    def _marks(self, t0: datetime) -> Iterator[tuple[datetime, str]]:
        yield t0, "announced"
        notes = self.source.query(
            "select noted_at, text from event_notes where event_id = ? order by noted_at",
            [self.event_id],
        )
        for at, text in notes.rows():
            yield at, visible(text or "")[:40]

    def _bar(self, row: Row, used: Sequence[str], bucket: str) -> charts.Bar:
        start = row["bucket_start_utc"].replace(tzinfo=UTC).astimezone(self._zone)
        label = (
            f"{start:%-d %b}" if _LENGTHS[bucket] >= _LENGTHS["1 day"] else f"{start:%-d %b %H:%M}"
        )
        if row["posts"] is None:
            return charts.Bar(label, None, f"{label}: not observed")
        values = tuple(float(row[name] or 0) for name in used)
        named = ", ".join(f"{row[n]} {RELATIONS[n]}" for n in used if row[n])
        says = f"{label}: {count(row['posts'])} posts" + (f" ({named})" if named else "")
        return charts.Bar(label, values, says)

    def _mood(self, row: Row, bucket: str) -> charts.Bar:
        label = self._bar(row, (), bucket).label
        mean, n = row["sentiment_mean"], row["sentiment_n"]
        if mean is None:
            return charts.Bar(label, None, f"{label}: nothing scored")
        return charts.Bar(label, (mean, n), f"{label}: {mean:+.2f}, {count(n)} scored posts")

    def _reaction(self, row: Row) -> Row:
        text = " ".join(visible(row["text"] or "").split())
        seconds = (row["created_at_utc"] - self.event["announced_at"]).total_seconds()
        return {
            **row,
            "href": _href(row["url"]),
            "network": row["post_id"].partition(":")[0],
            "quote": text[:_QUOTED] + ("…" if len(text) > _QUOTED else ""),
            "lag": reaction_lag(seconds),
        }


def _href(url: str | None) -> str | None:
    """An address that may stand behind a link."""
    return url if url is not None and url.startswith(("http://", "https://")) else None


def _money(event: Row) -> str | None:
    parts = []
    if event["amount"] is not None:
        parts.append(amount(event["amount"], event["currency"]))
    if event["valuation"] is not None:
        parts.append("at a valuation of " + amount(event["valuation"], event["currency"]))
    return " ".join(parts) or None


def _figures(summary: Row, posts: Sequence[Row]) -> Iterator[tuple[str, str, str]]:
    """Name, value and remark of each key figure that is known."""
    yield "posts", count(summary["posts"]), "reactions without the announcements"
    yield "authors", count(summary["authors"]), "different accounts or names"
    ratio = summary["coverage_ratio"]
    if ratio is not None:
        yield "coverage", f"{ratio:.0%}", "collected of the replies that networks claim"
    if summary["views_max"] is not None:
        yield "views", count(summary["views_max"]), "of the post with the most"
    seconds = summary["first_competitor_response_seconds"]
    if seconds is not None:
        yield "rival", span(seconds), "until a competitor reacted"
    answered, open_for = (
        summary["company_first_response_seconds"],
        summary["company_response_censored_seconds"],
    )
    if answered is not None:
        yield "answer", span(answered), "until the company answered"
    elif open_for is not None:
        yield "no answer", span(open_for), "the company has not answered so far"
    scores = [post["sentiment"] for post in posts if post["sentiment"] is not None]
    if scores:
        mean = sum(scores) / len(scores)
        yield "mood", f"{mean:+.2f}", f"mean of {count(len(scores))} scored posts, from -1 to 1"


def _decoded(value: Any) -> Any:
    """A list or object that may come as JSON text."""
    return json.loads(value) if isinstance(value, str) else value


def _split(title: str, tally: Any, posts: int) -> Markup | None:
    pairs = _decoded(tally) or {}
    if not pairs or not posts:
        return None
    rows = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:8]
    return Markup(  # noqa: S704 - escaped there
        charts.shares(
            title, [(str(k), n / posts, f"{count(n)} ({n / posts:.0%})") for k, n in rows]
        )
    )


def _voices(voices: Any) -> Markup | None:
    pairs = _decoded(voices) or {}
    if len(pairs) < 2:  # noqa: PLR2004 - one alone has no share
        return None
    rows = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:8]
    return Markup(  # noqa: S704 - escaped there
        charts.shares("Share of voice", [(str(k), float(v), f"{v:.0%}") for k, v in rows])
    )


def _gaps(gaps: Sequence[Row]) -> Iterator[Row]:
    """By reason: how many, for how long, how many posts are missing."""
    by: dict[str, list[Row]] = {}
    for gap in gaps:
        if gap["filled_at"] is None:
            by.setdefault(gap["reason"], []).append(gap)
    for reason, ones in sorted(by.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        missing = sum(one["missing"] or 0 for one in ones)
        unknown = sum(one["missing"] is None and one["post_id"] is not None for one in ones)
        sources = Counter(one["source_id"] for one in ones)
        yield {
            "reason": reason,
            "means": REASONS.get(reason, ""),
            "gaps": len(ones),
            "sources": len(sources),
            "missing": missing or None,
            "uncounted": unknown,
        }
