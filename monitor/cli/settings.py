"""What was said on the command line about where to look, before or after the command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.api import Monitor
    from monitor.session import Session

__all__ = ["Settings"]


@dataclass(slots=True)
class Settings:
    """Which configuration and data to use; `session` replaces the way to the data in tests."""

    config: Path | None = None
    data_dir: Path | None = None
    wait: float | None = None
    session: Session | None = None

    def update(self, **given: object) -> None:
        """Take what was given; None leaves what stood there."""
        for name, value in given.items():
            if value is not None:
                setattr(self, name, value)

    def monitor(self) -> Monitor:
        """The facade that every command calls."""
        from monitor.api import Monitor

        wait = 10.0 if self.wait is None else self.wait
        return Monitor(self.config, data_dir=self.data_dir, wait=wait, session=self.session)
