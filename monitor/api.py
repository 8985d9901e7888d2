"""The one facade: everything that commands and Python programs ask of monitor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from monitor.clock import Clock, SystemClock
from monitor.errors import UsageError
from monitor.report import ask
from monitor.report.health import Health, judge

if TYPE_CHECKING:
    import polars as pl

    from monitor.config import Config
    from monitor.imports.bring import ImportReport
    from monitor.schedule.check import SourceCheck
    from monitor.schedule.daemon import RunReport
    from monitor.session import Session

__all__ = ["Events", "Monitor", "When", "initialise"]

When = str | datetime | timedelta | None
"""A moment: ISO 8601 text, a datetime (UTC if naive), or a duration before now (`6h`)."""

Events = str | Sequence[str] | None
"""One event's id, several, or None for every event there is."""


class Monitor:
    """A configuration and its data, reached through the daemon where one runs.

    Reading methods answer polars frames whose times are naive UTC. Every method may raise
    `StoreBusy` (the data is held by another process) and `UsageError` (no such event, no time).

    Args:
        config: a `Config`, the path of a configuration, or None for the usual places.
        data_dir: where the database is, instead of the configuration's `data_dir`.
        wait: seconds to wait for data that another process holds.
        session: a way to the data that is open already; it is not closed by us.

    Raises:
        ConfigError: the configuration is wrong.
    """

    def __init__(
        self,
        config: Config | Path | str | None = None,
        *,
        data_dir: Path | str | None = None,
        wait: float = 10.0,
        session: Session | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._given = (config, data_dir)
        self._config: Config | None = None
        self._wait = wait
        self._session = session
        self._clock = clock or SystemClock()
        self._stack = ExitStack()
        if session is None:
            self._config = self.config

    @property
    def config(self) -> Config:
        """The configuration as it was read."""
        if self._config is None:
            self._config = self._read()
        return self._config

    def _read(self) -> Config:
        from monitor.config import Config, load

        given, data_dir = self._given
        if isinstance(given, Config):
            return given
        return load(
            Path(given) if given is not None else None,
            data_dir=Path(data_dir) if data_dir is not None else None,
        )

    @property
    def session(self) -> Session:
        """The way to the data, opened when it is first needed."""
        if self._session is None:
            from monitor.session import connect

            self._session = self._stack.enter_context(connect(self.config, wait=self._wait))
        return self._session

    def close(self) -> None:
        """Close what was opened."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def query(
        self, sql: str, params: list[Any] | None = None, *, timeout: float | None = None
    ) -> pl.DataFrame:
        """The rows of one reading SQL statement.

        Args:
            timeout: seconds after which it is stopped.

        Raises:
            QueryError: DuckDB refuses it, or it would write.
            QueryTimeout: it ran into its limit.
        """
        return self.session.query(sql, params, timeout=timeout)

    def events(self, *, as_of: When = None) -> pl.DataFrame:
        """One row an event, with its number of posts."""
        return self.session.query(ask.EVENTS, [self._moment(as_of)])

    def series(
        self, events: Events = None, *, bucket: str | timedelta = "1h", tz: str | None = None,
        since: When = None, until: When = None, as_of: When = None,
    ) -> pl.DataFrame:  # fmt: skip
        """One row an event and bucket, from the window's start to its end.

        Args:
            bucket: its length. Buckets stand on the clock of UTC, whole days on that of `tz`.
            since, until: only buckets that begin in [since, until).
            as_of: what was known then.
        """
        when = {"since": since, "until": until, "as_of": as_of}
        return self._over(ask.SERIES, events, bucket, tz, **when)

    def series_by(
        self, events: Events, by: str, *, bucket: str | timedelta = "1h", tz: str | None = None,
        since: When = None, until: When = None, as_of: When = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Posts per bucket and `by`: network, language, relation, actor or company.

        An empty `by` stands for posts that have none.
        """
        when = {"since": since, "until": until, "as_of": as_of}
        return self._over(ask.series_by(by), events, bucket, tz, **when)

    def counters(
        self, post: str, *, bucket: str | timedelta = "1h", tz: str | None = None,
        since: When = None, until: When = None, as_of: When = None,
    ) -> pl.DataFrame:  # fmt: skip
        """The counters of one post (its id or URL) over time."""
        if tz is not None:
            raise UsageError("the counters of a post have buckets in UTC; leave tz out")
        return self.session.query(
            ask.COUNTERS,
            [
                self._post(post),
                ask.bucket(bucket),
                *(self._moment(when) for when in (as_of, since, until)),
            ],
        )

    def summary(self, events: Events = None, *, as_of: When = None) -> pl.DataFrame:
        """One row an event: its numbers, with intervals and flags."""
        return self.session.query(ask.SUMMARY, [self._chosen(events), self._moment(as_of)])

    def top(self, event: str, n: int = 20, *, as_of: When = None) -> pl.DataFrame:
        """The `n` reactions with most engagement."""
        (chosen,) = self._chosen(event)
        return self.session.query(ask.TOP, [chosen, n, self._moment(as_of)])

    def actor(self, actor: str, *, as_of: When = None) -> pl.DataFrame:
        """What an actor said of watched companies: a row a post, company and event.

        Raises:
            UsageError: there is no such actor.
        """
        known = self.session.query("select actor_id from actors")["actor_id"].to_list()
        known = sorted({*known, *(one.id for one in self.config.actors)})
        if actor not in known:
            raise UsageError(ask.no_actor(actor, known))
        return self.session.query(ask.ACTOR, [actor, self._moment(as_of)])

    def gaps(self, event: str, *, only_open: bool = False, as_of: When = None) -> pl.DataFrame:
        """What was not seen of an event, and why."""
        chosen = self._chosen(event)
        return self.session.query(ask.GAPS, [chosen, self._moment(as_of), only_open])

    def status(self) -> pl.DataFrame:
        """One row a source: how it is doing."""
        return self.session.query(ask.STATUS)

    def health(self) -> Health:
        """Whether a daemon runs here and polls well."""
        session = self.session
        return judge(session.live, self.status() if session.live else None, self._clock.now())

    def exclude(self, event: str, posts: Sequence[str], *, undo: bool = False) -> int:
        """Say that posts (ids or URLs) are not about an event, or take it back; how many changed.

        Raises:
            UsageError: a post is no reaction to the event; then nothing is changed.
        """
        (chosen,) = self._chosen(event)
        ids = [self._post(post) for post in posts]
        done = self.session.call("exclude", event=chosen, posts=ids, undo=undo)
        return int(done["changed"])

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

    def _over(
        self, sql: str, events: Events, bucket: str | timedelta, tz: str | None, **when: When
    ) -> pl.DataFrame:
        return self.session.query(
            sql,
            [
                self._chosen(events),
                ask.bucket(bucket),
                self._zone(tz),
                *(self._moment(when[name]) for name in ("as_of", "since", "until")),
            ],
        )

    def _zone(self, tz: str | None) -> str:
        return ask.zone(str(self.config.monitor.timezone) if tz == "config" else tz)

    def _moment(self, when: When) -> str | None:
        return None if when is None else ask.moment_text(when, self._clock.now())

    def _datetime(self, when: When) -> datetime | None:
        text = self._moment(when)
        return None if text is None else datetime.fromisoformat(text)

    def _post(self, post: str) -> str:
        rows = self.session.query(ask.POST, [post, post])
        return str(rows["post_id"][0]) if rows.height else post

    def _chosen(self, events: Events) -> list[str]:
        """The ids of `events`, each once.

        Raises:
            UsageError: there is no such event.
        """
        stored = self.session.query("select event_id from events order by event_id")
        known: list[str] = stored["event_id"].to_list()
        if events is None:
            return known
        wanted = [events] if isinstance(events, str) else list(dict.fromkeys(events))
        strangers = [event for event in wanted if event not in known]
        if strangers and self._config is not None:
            # Configured ones are known, whether or not the daemon has run since.
            known = sorted({*known, *(event.id for event in self._config.events)})
        for event in strangers:
            if event not in known:
                raise UsageError(ask.no_event(event, known))
        return wanted


def initialise(folder: Path) -> Path:
    """Write a commented configuration and the data folder below `folder`; the file.

    Raises:
        UsageError: there is one already, or the folder can't be written.
    """
    from monitor.config import template
    from monitor.report.files import created

    path = folder / "config" / "monitor.toml"
    with created(path) as stream:
        stream.write(template().encode())
    (folder / "data").mkdir(mode=0o700, exist_ok=True)
    return path
