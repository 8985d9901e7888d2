"""One thing alone goes wrong in a small world: what is missing stands under that reason, all of it.

Together, and with faults of the platforms, they stand in `test_run.py`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from monitor.api import Monitor
from monitor.simulate.compare import compare
from monitor.simulate.run import collect
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import FaultSettings, LimitSettings, Trouble
from monitor.simulate.worlds.scenario import load as scenario
from monitor.simulate.worlds.world import World

NOTHING = Trouble(
    deleted=0, edited=0, late=0, hidden=0, blocked=0, withheld=0, wrong_clock=0, twice=0
)


def small(**changes: object) -> World:
    """Six hours after the incident, with nothing but `changes` going wrong."""
    loud = scenario("crisis")
    event = msgspec.structs.replace(
        loud.event[0], direct=40, comments=20, quotes=5, links=4, mentions=8, articles=8
    )
    changes = {"trouble": NOTHING, "fault": (), "limit": ()} | changes
    spans = {"before": timedelta(hours=1), "after": timedelta(hours=6)}
    return make(msgspec.structs.replace(loud, event=(event,), **spans, **changes))


def trouble(**shares: float) -> dict[str, Trouble]:
    return {"trouble": msgspec.structs.replace(NOTHING, **shares)}


def fault(network: str, kind: str, hours: float) -> dict[str, object]:
    at, lasts = timedelta(hours=1), timedelta(hours=hours)
    return {"fault": (FaultSettings(network=network, kind=kind, at=at, lasts=lasts),)}


CUTS = {
    "what takes nothing": (
        trouble(deleted=0.2, edited=0.3, late=0.3, hidden=0.2, wrong_clock=0.2, twice=0.3), set(),
    ),
    "blocked": (trouble(blocked=0.3), {"unexplained"}),
    "withheld": (trouble(withheld=0.3), {"policy"}),
    "throttled": (
        {"limit": (LimitSettings(network="bluesky", requests=60, per=timedelta(hours=1)),)}, set(),
    ),
    "feeds fail": (fault("feed", "500", 8), {"error"}),
}  # fmt: skip
"""What goes wrong, and the reasons that it can give."""
FEED_IS_SHORT = "page_cap"
"""One outlet's feed holds eight items, and a poll in a while sees no more."""


@pytest.mark.parametrize("name", CUTS)
def test_what_one_cut_takes_stands_under_its_reason(name: str, tmp_path: Path) -> None:
    changes, reasons = CUTS[name]
    world = small(**changes)
    with Monitor(collect(world, tmp_path)) as monitor:
        accounts = compare(world, monitor.query)
        assert [str(one) for one in accounts if not one.is_exact] == []
        found = {reason for one in accounts for reason in one.gaps if one.gaps[reason]}
        assert found - {FEED_IS_SHORT} == reasons
        assert monitor.verify() == []
