"""Ways in which a platform answers wrongly for a while."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.simulate.platforms.protocol import Reply, as_json
from monitor.simulate.worlds.world import World

__all__ = ["Fault", "Limit", "broken", "faults_of", "limits_of"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One network, one kind of fault, in [start, end).

    Kinds: `429` (with Retry-After to the fault's end), `403`, `500`, `cut` (half a body), `slow`
    (20 s), `garbage` (bytes that are nothing), `changed` (another format: what was a list or an
    object has another name).
    """

    network: str
    kind: str
    start: datetime
    end: datetime

    def holds(self, network: str, now: datetime) -> bool:
        """Does it strike a request to that network now?"""
        return network == self.network and self.start <= now < self.end


@dataclass(slots=True)
class Limit:
    """So many requests to one network in each window of time.

    Headers and body are those that the protocol documents; none was recorded.
    """

    network: str
    requests: int
    per: timedelta
    _window: datetime | None = None
    _left: int = 0

    def spend(self, now: datetime) -> tuple[tuple[str, str], ...]:
        """The headers of an answer to one more request."""
        if self._window is None or now >= self._window + self.per:
            self._window, self._left = now, self.requests + 1
        self._left = max(self._left - 1, 0)
        reset = self._window + self.per
        return (
            ("RateLimit-Limit", str(self.requests)),
            ("RateLimit-Remaining", str(max(self._left - 1, 0))),
            ("RateLimit-Reset", str(round(reset.timestamp()))),
            ("RateLimit-Policy", f"{self.requests};w={round(self.per.total_seconds())}"),
        )

    @property
    def is_spent(self) -> bool:
        """Was the last request one too many?"""
        return self._left == 0

    def refusal(self, headers: tuple[tuple[str, str], ...]) -> Reply:
        """What such a request is answered."""
        return _refused(429, "RateLimitExceeded", "Rate Limit Exceeded", headers)


def limits_of(world: World) -> list[Limit]:
    """The limits that a scenario asks for."""
    return [Limit(one.network, one.requests, one.per) for one in world.scenario.limit]


def faults_of(world: World) -> list[Fault]:
    """The faults that a scenario asks for."""
    t0 = world.scenario.announced_at
    return [Fault(f.network, f.kind, t0 + f.at, t0 + f.at + f.lasts) for f in world.scenario.fault]


def broken(reply: Reply, fault: Fault, now: datetime, rng: random.Random) -> Reply:
    """What comes instead of `reply`."""
    match fault.kind:
        case "429":
            left = max(1, round((fault.end - now).total_seconds()))
            headers = (("Retry-After", str(left)),)
            return _refused(429, "RateLimitExceeded", "Rate Limit Exceeded", headers)
        case "403":
            return _refused(403, "Forbidden", "Forbidden")
        case "500":
            body = b"<html><body><h1>500 Internal Server Error</h1></body></html>"
            return Reply(500, (("Content-Type", "text/html"),), body)
        case "garbage":
            return Reply(reply.status, reply.headers, rng.randbytes(200))
        case "changed":
            return as_json({"version": 2, "result": {"entries": []}})
        case "cut" | "slow":  # the server's business: the answer is the right one
            return reply
    raise ValueError(fault.kind)


def _refused(
    status: int, error: str, message: str, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    return as_json({"error": error, "message": message}, status, headers)
