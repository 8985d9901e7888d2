"""Where the log goes: standard error, in colour on a terminal only, one line an entry."""

from __future__ import annotations

import sys

__all__ = ["log_to_stderr"]


def log_to_stderr() -> None:
    """Set structlog up: for people on a terminal, `key=value` elsewhere."""
    import structlog

    renderers: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if sys.stderr.isatty()
        else [
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ]
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *renderers,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
