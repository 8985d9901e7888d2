"""What polls may cost: token buckets as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

__all__ = ["ALL", "BURST", "Budget"]

ALL = ""
"""The name of the budget that every adaptive poll is paid from, counted in polls."""

BURST = 5.0


@dataclass(frozen=True, slots=True)
class Budget:
    """A bucket that held `tokens` at `since`, gets `per_hour` more, and never more than `burst`.

    What costs more than it can ever hold is paid once it is full, and then leaves a debt.
    """

    per_hour: float
    since: datetime
    burst: float = BURST
    tokens: float = BURST

    def holds(self, at: datetime) -> float:
        """The tokens in it at a moment."""
        hours = (at - self.since) / timedelta(hours=1)
        return min(self.burst, self.tokens + self.per_hour * max(hours, 0.0))

    def ready(self, cost: float = 1.0) -> datetime:
        """From when on it can pay `cost`; not before `since`."""
        missing = min(cost, self.burst) - self.tokens
        if missing <= 0:
            return self.since
        if self.per_hour <= 0:
            return datetime.max.replace(tzinfo=self.since.tzinfo)
        microseconds = -int(-(missing / self.per_hour) * 3.6e9 // 1)
        return self.since + timedelta(microseconds=microseconds)

    def paid(self, cost: float, at: datetime) -> Budget:
        """What it is after paying `cost`, or getting it back where that is negative."""
        at = max(at, self.since)
        return replace(self, since=at, tokens=min(self.holds(at) - cost, self.burst))
