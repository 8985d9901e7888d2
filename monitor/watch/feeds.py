"""Feeds of a list that are followed from now on."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path

import msgspec

from monitor.config import Config, SourceConfig, Watched
from monitor.identity import http_url
from monitor.imports.bring import ImportReport
from monitor.imports.opml import MOST, Outline, read_opml
from monitor.session import Session
from monitor.watch.decide import slug
from monitor.watch.watch import effective

__all__ = ["follow"]


def follow(session: Session, config: Config, files: Sequence[Path], report: ImportReport) -> None:
    """Follow the feeds of OPML files from now on; what is followed already stays as it is.

    Raises:
        UsageError: a file can't be read, or is no OPML.
    """
    full = effective(session, config)
    followed = {source.target for source in full.sources}
    followed |= {feed for company in full.companies for feed in company.feeds}
    taken = {source.id for source in full.sources if source.id}
    for path in files:
        outlines = read_opml(path)
        made, bad = _sources(outlines, followed, taken)
        for outline, why in bad:
            report.leave_out(path, outline.line, why)
        report.feeds += len(outlines) - len(bad)
        report.new_feeds += [source.target for source in made]
        followed |= {source.target for source in made}
        if made:
            watched = Watched(source=tuple(made))
            session.call("watch", watched=msgspec.to_builtins(watched))


def _sources(
    outlines: list[Outline], followed: Container[str], taken: set[str]
) -> tuple[list[SourceConfig], list[tuple[Outline, str]]]:
    """The sources that a list adds, and what is wrong with the others.

    Args:
        followed: addresses that are polled already.
        taken: ids of sources that there are; those of the new ones are added.
    """
    made: dict[str, SourceConfig] = {}
    bad = []
    for one in outlines:
        if http_url(one.url) is None:
            bad.append((one, f"xmlUrl {one.url[:100]!r} is no http(s) address"))
        elif one.url not in followed and one.url not in made:
            base = slug(one.title or "") or slug(one.url.partition("//")[2]) or "feed"
            names = (base, *(f"{base}-{n}" for n in range(2, MOST + 2)))
            name = next(name for name in names if name not in taken)
            taken.add(name)
            made[one.url] = SourceConfig(id=name, network="feed", target=one.url)
    return list(made.values()), bad
