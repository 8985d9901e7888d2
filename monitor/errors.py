"""Every error that monitor raises on purpose, in one tree.

MonitorError                 exit code 1
├── UsageError               2   the call is wrong: no such event, a bad argument
│   ├── ConfigError          2   the configuration file is wrong (file, line and key path are named)
│   └── TermError            2   a search term does not parse (the column is named)
├── SourceError              1   one source could not be read; the others go on
│   ├── Unreachable              no answer: name not found, refused, timed out, cut off
│   ├── ForbiddenAddress         the name leads to a private or special address
│   ├── HttpError                an answer with a status that is no success
│   │   ├── Throttled            429, or a 403/503 that asks to wait (`retry_after` seconds)
│   │   ├── AccessDenied         401, 403, 451, or robots.txt says no
│   │   └── Gone                 404, 410, or the network says that the thing does not exist
│   ├── TooLarge                 more bytes, pages or redirects than we accept
│   └── BadAnswer                the answer does not fit its format (`payload` holds its beginning)
└── StoreError               1   the database
    ├── StoreBusy            75  another process holds it
    ├── StoreDamaged         1   the file can't be read, or comes from a newer version
    ├── QueryError           2   SQL that DuckDB refuses
    └── QueryTimeout         1   SQL that ran into its time limit

A message says what was wrong, where, and what to do about it, in one line.
"""

from __future__ import annotations

__all__ = [
    "AccessDenied",
    "BadAnswer",
    "ConfigError",
    "ForbiddenAddress",
    "Gone",
    "HttpError",
    "MonitorError",
    "QueryError",
    "QueryTimeout",
    "SourceError",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "TermError",
    "Throttled",
    "TooLarge",
    "Unreachable",
    "UsageError",
]


class MonitorError(Exception):
    """The root of the tree; `exit_code` is what a command ends with."""

    exit_code = 1


class UsageError(MonitorError):
    """The caller asked for something that can't be."""

    exit_code = 2


class ConfigError(UsageError):
    """The configuration is wrong. `problems` holds every finding, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class TermError(UsageError):
    """A search term does not parse; `column` counts from 1."""

    def __init__(self, message: str, term: str, column: int) -> None:
        super().__init__(message)
        self.term = term
        self.column = column


class SourceError(MonitorError):
    """One source could not be read. `url` is where it happened, where that is known."""

    def __init__(self, message: str, *, url: str | None = None) -> None:
        super().__init__(message)
        self.url = url


class Unreachable(SourceError):
    """No answer came, or it was cut off."""


class ForbiddenAddress(SourceError):
    """The host's address is private or special and `allow_private_addresses` is off."""


class HttpError(SourceError):
    """An answer whose status is no success. `body` is its beginning (at most 64 KiB)."""

    def __init__(self, message: str, *, url: str, status: int, body: bytes = b"") -> None:
        super().__init__(message, url=url)
        self.status = status
        self.body = body


class Throttled(HttpError):
    """The host asks us to wait `retry_after` seconds (None where it does not say how long)."""

    def __init__(
        self,
        message: str,
        *,
        url: str,
        status: int,
        retry_after: float | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(message, url=url, status=status, body=body)
        self.retry_after = retry_after


class AccessDenied(HttpError):
    """The host does not let us read this without a login, or not at all."""


class Gone(HttpError):
    """What was asked for does not exist, or no longer."""


class TooLarge(SourceError):
    """An answer passed a limit on size, decompressed size or redirects."""


class BadAnswer(SourceError):
    """An answer that does not fit its format; `payload` holds its beginning (at most 64 KiB)."""

    def __init__(self, message: str, *, url: str | None = None, payload: bytes = b"") -> None:
        super().__init__(message, url=url)
        self.payload = payload[:65536]


class StoreError(MonitorError):
    """Something is wrong with the database."""


class StoreBusy(StoreError):
    """Another process holds the database and does not answer."""

    exit_code = 75


class StoreDamaged(StoreError):
    """The database file can't be read, or was written by a newer version."""


class QueryError(StoreError):
    """DuckDB refuses a statement, or it would write."""

    exit_code = 2


class QueryTimeout(StoreError):
    """A statement ran into its time limit and was stopped."""
