"""When to poll what, and the daemon that does it."""

from __future__ import annotations

from monitor.schedule.cadence import next_polls

__all__ = ["next_polls"]
