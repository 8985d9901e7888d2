"""The one facade: everything that commands and Python programs ask of monitor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from monitor.errors import StoreBusy, StoreError, UsageError
from monitor.reading import Events, Reader, When
from monitor.report import ask

if TYPE_CHECKING:
    import polars as pl

    from monitor.imports.bring import ImportReport
    from monitor.schedule.check import SourceCheck
    from monitor.schedule.daemon import RunReport
    from monitor.schedule.reparse import Reparsed
    from monitor.store.copies import Copied
    from monitor.store.labels import Label

__all__ = ["Events", "Monitor", "When", "initialise"]


class Monitor(Reader):
    """A configuration and its data, reached through the daemon where one runs.

    What only reads stands in `Reader`.
    """

    def exclude(self, event: str, posts: Sequence[str], *, undo: bool = False) -> int:
        """Say that posts (ids or URLs) are not about an event, or take it back; how many changed.

        Raises:
            UsageError: a post is no reaction to the event; then nothing is changed.
        """
        (chosen,) = self._chosen(event)
        ids = [self._post(post) for post in posts]
        done = self.session.call("exclude", event=chosen, posts=ids, undo=undo)
        return int(done["changed"])

    def label(self, event: str, labels: Sequence[Label]) -> int:
        """Store what somebody says of posts: mood, and whether they are about the event.

        Returns:
            How many of them say something new.

        Raises:
            UsageError: one is of no reaction to the event, or names no class; nothing is stored.
        """
        (chosen,) = self._chosen(event)
        rows = [to_builtins(one) for one in labels]
        return int(self.session.call("label", event=chosen, labels=rows)["changed"])

    def label_file(self, event: str, file: Path | str, *, by: str) -> int:
        """Store the labels of a CSV file, all or none; how many say something new.

        Args:
            by: who labelled, where the file does not say it.

        Raises:
            UsageError: what is wrong with the file, and where.
        """
        from monitor.report.labels import read_labels

        return self.label(event, read_labels(Path(file), by, self._clock.now()))

    def watch(
        self,
        urls: Sequence[str],
        *,
        company: str | None = None,
        aliases: Sequence[str] = (),
        event: str | None = None,
        kind: str | None = None,
        title: str | None = None,
        at: When = None,
        progress: Callable[[str], None] = lambda _line: None,
    ) -> pl.DataFrame:
        """Open or join the event that posts or pages announce, and follow it from now on.

        Args:
            company: whose announcement it is, by id or name; a new name is a new company.
            aliases: further names under which posts speak of the company.
            event: the event to join, or the id of the new one.
            kind, title, at: of a new event, instead of what the announcement says.

        Returns:
            What is followed, what could not be asked and what can't be known yet: rows of `part`,
            `network`, `what`, `posts`, `since_utc`, `detail`.

        Raises:
            UsageError: an address is none, or nothing says whose announcement it is, or when.
            SourceError: the announcement can't be read.
        """
        import polars as pl

        from monitor.config import EventKind
        from monitor.watch.decide import Wanted
        from monitor.watch.follow import Told
        from monitor.watch.watch import watch

        wanted = Wanted(
            company=company, aliases=tuple(aliases), event=event,
            kind=EventKind(kind) if kind else None, title=title, at=self._datetime(at),
        )  # fmt: skip
        lines: list[Told] = watch(
            self.session, self.config, urls, wanted, self._clock, wait=self._wait,
            progress=progress,
        )  # fmt: skip
        return pl.DataFrame(
            [(x.part, x.network, x.what, x.posts, x.since, x.detail) for x in lines],
            schema={
                "part": pl.String, "network": pl.String, "what": pl.String, "posts": pl.Int64,
                "since_utc": pl.Datetime("us"), "detail": pl.String,
            },
            orient="row",
        )  # fmt: skip

    def add(
        self, url: str, *, event: str | None = None, relation: str | None = None, **by_hand: Any
    ) -> str:
        """Store one post, asked for or told by hand, or new counters of one that is stored; its id.

        Args:
            event: which event it belongs to; None: the only one there is, or none.
            by_hand: what somebody read off a post that can't be asked for: the fields of
                `monitor.watch.add.ByHand`.

        Raises:
            UsageError: there is no such event, or its network can't be asked and too little is
                told.
            SourceError: its network did not show it.
        """
        from monitor.types import Relation
        from monitor.watch.add import ByHand, add

        events = self._chosen(event)
        for name in ("created_at", "observed_at"):
            by_hand[name] = self._datetime(by_hand.get(name))
        return add(
            self.session, self.config, url, ByHand(**by_hand), self._clock,
            event=events[0] if len(events) == 1 else None,
            relation=Relation(relation) if relation else None,
        )  # fmt: skip

    def bring(
        self,
        files: Sequence[Path | str],
        *,
        observed: tuple[When, When] | None = None,
        strict: bool = False,
        progress: Callable[[str, int], None] = lambda _file, _rows: None,
    ) -> ImportReport:
        """Import posts and counters from CSV, JSONL or Parquet files, and lists of feeds from OPML.

        It returns when what was stored is scored, too; what came of it.

        Args:
            observed: the span that the files cover whole, instead of everything until now.
            strict: store nothing if any row is bad.
            progress: hears of each file how many rows were read in all, then of "to score" how
                many posts are left.

        Raises:
            UsageError: a file can't be read, or holds neither posts nor counters.
        """
        from monitor.imports.bring import bring
        from monitor.imports.opml import is_opml
        from monitor.watch.feeds import follow

        paths = [Path(file) for file in files]
        lists = [path for path in paths if is_opml(path)]
        known = set(self.session.query("select event_id from events")["event_id"].to_list())
        known |= {event.id for event in self.config.events}
        span = None
        if observed is not None:
            start, end = (self._moment(when) for when in observed)
            if start is None or end is None or start >= end:
                raise UsageError(f"observed {start} to {end}: is no span of time")
            span = (datetime.fromisoformat(start), datetime.fromisoformat(end))
        report = bring(
            self.session, [path for path in paths if path not in lists], known,
            observed=span, strict=strict, progress=progress,
        )  # fmt: skip
        if lists and not (strict and report.bad_rows):
            follow(self.session, self.config, lists, report)
        self.session.score(lambda left: progress("to score", left))
        return report

    def export(
        self,
        folder: Path | str,
        *,
        form: str = "csv",
        excel: bool = False,
        force: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> dict[str, Any]:
        """Write every table to `folder` as `csv` or `parquet`; the manifest.

        Raises:
            UsageError: the folder holds something else and `force` is off.
        """
        from monitor import __version__
        from monitor.report.export import Export
        from monitor.report.withheld import withheld_networks

        made = Export(
            self.session, form=form, excel=excel, version=__version__,
            withheld=withheld_networks(), progress=progress or (lambda _name: None),
        )  # fmt: skip
        return made.write(Path(folder), force=force)

    def report(
        self, events: Events, folder: Path | str, *, bucket: str | timedelta = "1h",
        tz: str | None = None, as_of: When = None, excel: bool = False, force: bool = False,
        progress: Callable[[str], None] = lambda _name: None,
    ) -> dict[str, Any]:  # fmt: skip
        """Write CSV files, a manifest and one page on events to `folder`; the manifest.

        The same data gives the same bytes.

        Args:
            bucket, tz: of series.csv; days stand on the clock of `tz`, the page tells time by it.

        Raises:
            UsageError: the folder holds something else and `force` is off.
        """
        from monitor import __version__
        from monitor.report.folder import Report
        from monitor.report.withheld import withheld_networks

        made = Report(
            self.session, self._chosen(events), ask.bucket(bucket), self._zone(tz),
            self._moment(as_of), excel, withheld_networks(), __version__, progress,
        )  # fmt: skip
        return made.write(Path(folder), force=force)

    def backup(self, file: Path | str) -> Copied:
        """Write the whole database to `file`, also while a daemon works; what it holds.

        A backup that is there already is replaced when the new one is whole and was opened.

        Raises:
            UsageError: `file` can't be written, or is no backup.
            StoreError: there is no database yet, or no room for a copy in the data directory.
        """
        from monitor.session import DATABASE
        from monitor.store.copies import deliver

        database = self.config.monitor.data_dir / DATABASE
        if not database.exists():
            raise StoreError(f"{database}: there is no database yet, so nothing to back up")
        file = Path(file)
        if file.exists() and file.samefile(database):
            raise UsageError(f"{file}: is the database itself; name another file")
        return deliver(Path(self.session.call("backup")["copy"]), file)

    def reparse(
        self, since: When, *, progress: Callable[[str], None] = lambda _source_id: None
    ) -> Reparsed:
        """Read kept answers of polls since a moment again, by the parsers of today.

        Raises:
            UsageError: `since` is no moment.
        """
        from monitor.schedule.reparse import reparse

        moment = self._moment(since)
        if moment is None:
            raise UsageError("reparse needs a moment, such as 2d")
        done = reparse(self.session, self.config, moment, progress=progress)
        self.session.score(lambda left: progress(f"to score: {left}"))
        return done

    def rescore(
        self, model: str | None = None, *, progress: Callable[[int], None] = lambda _left: None
    ) -> str:
        """Score every post by a model of mood as well; the model's name and version.

        What it has scored already stays; scores of other models stay beside it. A daemon goes on
        meanwhile.

        Args:
            model: as `[enrich] sentiment` names it; None for the configured one.
            progress: hears now and then how many posts are left.

        Raises:
            UsageError: there is no such model, or it can't be loaded.
        """
        from msgspec.structs import replace

        from monitor.enrich.score import Scorer
        from monitor.schedule.scoring import warn

        enrich = self.config.enrich
        scorer = Scorer.of(replace(enrich, sentiment=model) if model else enrich, warn)
        if scorer.model == "none":
            raise UsageError('"none" scores nothing; name a model: monitor rescore --model default')
        self.session.rescore(scorer, progress)
        return scorer.model

    def models(self) -> pl.DataFrame:
        """One row a model of mood: how well it did where it was judged, and what it scored here."""
        import polars as pl

        from monitor.enrich.sentiment import evaluations

        judged = pl.DataFrame(
            [
                (name, e.macro_f1, e.calibration_error, e.texts, ", ".join(sorted(e.languages)))
                for name, e in evaluations().items()
            ],
            schema={
                "model": pl.String, "macro_f1": pl.Float64, "calibration_error": pl.Float64,
                "judged_texts": pl.Int64, "judged_languages": pl.String,
            },
            orient="row",
        )  # fmt: skip
        scored = self.session.query(ask.MODELS)
        return scored.join(judged, "model", "full", coalesce=True).sort("model")

    def restore(
        self, file: Path | str, *, progress: Callable[[str], None] = lambda _line: None
    ) -> Copied:
        """Put a backup in the place of the database, whose data is kept beside it.

        Raises:
            StoreBusy: a daemon runs, or another process holds the data.
            StoreDamaged: `file` is no backup, or damaged; nothing is changed.
            UsageError: there is no such file.
        """
        from monitor.serve.client import Remote
        from monitor.session import DATABASE
        from monitor.store.copies import restore

        data_dir = self.config.monitor.data_dir
        if (daemon := Remote.connect(data_dir)) is not None:
            daemon.close()
            raise StoreBusy(f"{data_dir}: a daemon works on this data; stop it, then restore")
        return restore(Path(file), data_dir / DATABASE, wait=self._wait, progress=progress)

    def run(self) -> int:
        """Poll until a signal comes; the exit code. No session may be open.

        SIGHUP lets it read its configuration again.
        """
        from monitor.schedule.daemon import run

        return asyncio.run(run(self.config, wait=self._wait, reread=self._read))

    def run_once(self, *, progress: Callable[[str], None] | None = None) -> RunReport:
        """Poll every source once, to its end; what came of it. No session may be open."""
        from monitor.schedule.daemon import run_once

        def told(poll: Any, new: int) -> None:
            if progress:
                progress(f"{poll.source.source_id}: {poll.outcome}, {new} new posts")

        def scoring(left: int) -> None:
            if progress:
                progress(f"{left} posts to score")

        return asyncio.run(run_once(self.config, wait=self._wait, on_done=told, on_scoring=scoring))

    def check_sources(self) -> list[SourceCheck]:
        """Poll each source once without storing anything."""
        from monitor.schedule.check import check_sources

        return asyncio.run(check_sources(self.config))

    def verify(self) -> list[str]:
        """The promises that the store breaks; empty if it is sound."""
        from monitor.store.verify import verify

        return verify(self.session.query)

    def describe(self) -> str:
        """The configuration in half a line.

        Raises:
            UsageError: an engine of languages or a model of mood that it names is not there.
        """
        from monitor.enrich.score import Scorer

        config = self.config
        Scorer.of(config.enrich)
        named = {
            "companies": config.companies,
            "actors": config.actors,
            "events": config.events,
            "sources": config.sources,
        }
        return ", ".join(f"{len(things)} {name}" for name, things in named.items())


def initialise(folder: Path) -> Path:
    """Write a commented configuration and the data folder below `folder`; the file.

    Raises:
        UsageError: there is one already, or the folder can't be written.
    """
    from monitor.config import template
    from monitor.files import created

    path = folder / "config" / "monitor.toml"
    with created(path) as stream:
        stream.write(template().encode())
    (folder / "data").mkdir(mode=0o700, exist_ok=True)
    return path
