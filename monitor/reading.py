"""What is read of a configuration's data, as frames."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from monitor.clock import Clock, SystemClock
from monitor.errors import UsageError
from monitor.report import ask
from monitor.report.health import Health, judge
from monitor.report.series import estimates, series, summary

if TYPE_CHECKING:
    import polars as pl

    from monitor.config import Config
    from monitor.session import Session

__all__ = ["Events", "Reader", "When"]

When = str | datetime | timedelta | None
"""A moment: ISO 8601 text, a datetime (UTC if naive), or a duration before now (`6h`)."""

Events = str | Sequence[str] | None
"""One event's id, several, or None for every event there is."""


class Reader:
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
        return series(
            self.session.query, self._chosen(events), bucket=ask.bucket(bucket), tz=self._zone(tz),
            as_of=self._moment(as_of), since=self._moment(since), until=self._moment(until),
        )  # fmt: skip

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

    def summary(
        self, events: Events = None, *, window: str | timedelta = "24h", as_of: When = None
    ) -> pl.DataFrame:
        """One row an event: its numbers, with intervals and flags.

        Args:
            window: so much after the announcement is summed up as the abnormal reaction.
        """
        return summary(
            self.session.query, self._chosen(events), self._moment(as_of), ask.hours(window)
        )

    def estimates(
        self, events: Events = None, *, window: str | timedelta = "24h", as_of: When = None
    ) -> pl.DataFrame:
        """One row an estimate of an event: value, interval, method, and what it stands on.

        Args:
            window: as for `summary`; each day after the announcement has a row besides.
        """
        return estimates(
            self.session.query, self._chosen(events), self._moment(as_of), ask.hours(window)
        )

    def audit_sample(self, event: str, n: int = 50, *, by: str = "") -> pl.DataFrame:
        """`n` random reactions to an event, the same for everybody, and what `by` said of them.

        Announcements, reposts and the company's own posts are none of them.
        """
        chosen = self._chosen(event)
        return self.session.query(ask.SAMPLE, [chosen, chosen, by, n])

    def agreement(self, event: str) -> pl.DataFrame:
        """How far those who labelled posts of an event agree, with each other and with the model.

        One row a pair and question (`mood`, `relevant`): posts that both labelled, the share on
        which they agree, and Cohen's kappa.
        """
        from monitor.report.labels import agreements

        return agreements(self.session.query(ask.SAID, [self._chosen(event)]))

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
        if not session.live:
            return judge(None, self._clock.now())
        return judge(self.status(), self._clock.now(), session.trouble())

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
