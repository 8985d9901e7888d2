"""The configuration as typed models: who and what is watched, from where, and how.

`load` reads it. Values come, the first that there is, from flags, `MONITOR_*` environment, and one
file: `--config FILE`, `MONITOR_CONFIG`, `./config/monitor.toml`, or
`$XDG_CONFIG_HOME/monitor/monitor.toml`. Without any file the defaults hold, with nothing to watch.
Secrets are never part of it: see `secret`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import msgspec

from monitor.errors import ConfigError

__all__ = [
    "Actor",
    "Company",
    "Config",
    "Enrich",
    "Event",
    "EventKind",
    "Network",
    "Note",
    "Role",
    "Settings",
    "SourceConfig",
    "Watched",
    "load",
    "secret",
    "template",
]

MAX_SECRET_BYTES = 65_536


class EventKind(StrEnum):
    """What a company announced."""

    FUNDING = "funding"
    LAUNCH = "launch"
    ACQUISITION = "acquisition"
    EARNINGS = "earnings"
    INCIDENT = "incident"
    OTHER = "other"


class Role(StrEnum):
    """What an actor is to a company."""

    OWN = "own"
    COMPETITOR = "competitor"
    INVESTOR = "investor"
    PRESS = "press"
    REGULATOR = "regulator"
    OTHER = "other"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`[monitor]`. `timezone` serves days on request and reports; what is stored is UTC.

    `keep_answers`: how long what sources answered is kept as it came; 0: not at all.
    `keep_polls`: how long every poll stands by itself, a day at least; None: for ever.
    `keep_counters`: how long every reading of a counter stands, a day at least; None: for ever.
    """

    data_dir: Path = Path("data")
    contact: str | None = None
    timezone: str = "UTC"
    allow_private_addresses: bool = False
    serve_sql: bool = True
    metrics_port: int | None = None
    memory_limit: str | None = None
    keep_answers: timedelta = timedelta(days=2)
    keep_polls: timedelta | None = None
    keep_counters: timedelta | None = None


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """`[[company]]`: a watched organisation. `accounts` are `network:account`."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """`[[actor]]`: a watched person or account. `roles` maps company ids to what it is to them.

    A role may name a company that is not watched.
    """

    id: str
    name: str
    accounts: tuple[str, ...] = ()
    roles: dict[str, Role] = {}


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A mark on an event's timeline."""

    at: datetime
    text: str


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """`[[event]]`: one thing that a company announced at `announced_at` (UTC).

    `baseline_guard`: so long before it the news had leaked; those hours are no ordinary ones.
    `languages`: those in which people speak of it (ISO 639-1); none: all.
    `terms` all parse (see `monitor.enrich.terms`); `announcements` are addresses or post ids.
    """

    id: str
    company: str
    announced_at: datetime
    kind: EventKind = EventKind.OTHER
    title: str | None = None
    window_before: timedelta = timedelta(days=14)
    window_after: timedelta = timedelta(days=14)
    baseline_guard: timedelta = timedelta(0)
    amount: float | None = None
    valuation: float | None = None
    currency: str | None = None
    terms: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    announcements: tuple[str, ...] = ()
    note: tuple[Note, ...] = ()


class SourceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[[source]]`: one thing to poll. `interval` is a fixed cadence; None: the adaptive one."""

    network: str
    target: str
    id: str | None = None
    interval: timedelta | None = None


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """`[network.x]`. None: the network's own default."""

    base_url: str | None = None
    requests_per_minute: float | None = None
    enabled: bool = True
    posts_per_day: int | None = None
    money_per_day: float | None = None


class Enrich(msgspec.Struct, frozen=True, kw_only=True):
    """`[enrich]`: which models score posts. `onnx_folder`: where that of `onnx` is."""

    language: str = "langdetect"
    sentiment: str = "default"
    onnx_folder: Path | None = None


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What commands such as `watch` put beside the file; it is kept in the database."""

    company: tuple[Company, ...] = ()
    event: tuple[Event, ...] = ()
    source: tuple[SourceConfig, ...] = ()

    def joined(self, more: Watched) -> Watched:
        """Both. Of what both name the first stands, with names, accounts and addresses of both."""
        return Watched(
            company=_joined(self.company, more.company),
            event=_joined(self.event, more.event),
            source=_joined(self.source, more.source),
        )


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A whole configuration; the fields are named as in the file. `path` is None without one."""

    monitor: Settings = Settings()
    company: tuple[Company, ...] = ()
    actor: tuple[Actor, ...] = ()
    event: tuple[Event, ...] = ()
    source: tuple[SourceConfig, ...] = ()
    network: dict[str, Network] = {}
    enrich: Enrich = Enrich()
    path: Path | None = None

    @property
    def companies(self) -> tuple[Company, ...]:
        return self.company

    @property
    def actors(self) -> tuple[Actor, ...]:
        return self.actor

    @property
    def events(self) -> tuple[Event, ...]:
        return self.event

    @property
    def sources(self) -> tuple[SourceConfig, ...]:
        return self.source

    @property
    def networks(self) -> dict[str, Network]:
        return self.network

    def joined(self, watched: Watched) -> Config:
        """This configuration with what commands put beside it; what the file says stands."""
        mine = Watched(company=self.company, event=self.event, source=self.source)
        both = mine.joined(watched)
        return msgspec.structs.replace(
            self, company=both.company, event=both.event, source=both.source
        )

    def is_on(self, network: str) -> bool:
        """Is a network asked at all? All are, unless the configuration switches one off."""
        settings = self.network.get(network)
        return settings is None or settings.enabled


_ADDED: dict[type, tuple[str, ...]] = {
    Company: ("aliases", "accounts", "feeds"),
    Event: ("announcements",),
    SourceConfig: (),
}
"""What a second definition of the same thing adds to the first."""

_S = TypeVar("_S", bound=Company | Event | SourceConfig)


def _joined(first: Iterable[_S], more: Iterable[_S]) -> tuple[_S, ...]:
    found = {_name(one): one for one in first}
    for one in more:
        before = found.setdefault(_name(one), one)
        added = {
            field: tuple(dict.fromkeys((*getattr(before, field), *getattr(one, field))))
            for field in _ADDED[type(one)]
        }
        found[_name(one)] = msgspec.structs.replace(before, **added)
    return tuple(found.values())


def _name(one: Company | Event | SourceConfig) -> str:
    return f"{one.network}:{one.target}" if isinstance(one, SourceConfig) else one.id


def load(
    path: Path | None = None,
    *,
    data_dir: Path | None = None,
    env: Mapping[str, str] = os.environ,
) -> Config:
    """Read and check the configuration.

    Args:
        path: the value of `--config`. Relative ones are relative to the current directory.
        data_dir: the value of `--data-dir`; goes before all else.
        env: the environment.

    Raises:
        ConfigError: the file can't be read or is wrong; `problems` holds every finding.
    """
    from monitor.config_file import read

    return read(path, data_dir, env)


def template() -> str:
    """The commented default that `monitor init` writes."""
    return Path(__file__).with_name("monitor.toml").read_text(encoding="utf-8")


def secret(name: str, env: Mapping[str, str] = os.environ) -> str | None:
    """A secret such as `X_BEARER_TOKEN`, or None where there is none.

    It is looked for in the variable of that name, in the file that `<name>_FILE` names, and among
    systemd's credentials (`$CREDENTIALS_DIRECTORY/<name>`, also in lower case).

    Raises:
        ConfigError: the file can't be read, or what was found is not one line.
    """
    value, where = env.get(name, ""), name
    if not value and (given := env.get(f"{name}_FILE")):
        value, where = _read_secret(Path(given), f"{name}_FILE"), f"{name}_FILE"
    folder = env.get("CREDENTIALS_DIRECTORY")
    for file in (Path(folder) / name, Path(folder) / name.lower()) if folder else ():
        if not value and file.is_file():
            value, where = _read_secret(file, str(file)), str(file)
    value = value.strip()
    if not value.isprintable():
        raise ConfigError([f"{where}: holds more than one line of text; give the secret alone"])
    return value or None


def _read_secret(file: Path, where: str) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_SECRET_BYTES).decode()
    except (OSError, ValueError) as error:
        # The content must not get into the message, and a decoding error would show it.
        reason = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
        problem = f"{where}: can't read {file}: {reason}; check the path and its permissions"
        raise ConfigError([problem]) from None
