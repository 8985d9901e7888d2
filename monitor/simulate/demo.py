"""`monitor demo`: the main job, offline: eighteen days of a simulated world in two minutes.

Synthetic people talk about a synthetic company; it announces a funding round; they react. The
daemon's own core collects that over HTTP from stand-in platforms, on a clock that jumps from one
poll to the next. What is told at the end is read from its database, and put beside the truth that
only the simulator knows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from monitor.api import Monitor
from monitor.simulate.demo_report import report
from monitor.simulate.progress import daily
from monitor.simulate.simulation import simulate

__all__ = ["EVENT", "SCENARIO", "run"]

SCENARIO = "funding"
EVENT = "series-c"


def run(directory: Path, say: Callable[[str], None] | None = None) -> int:
    """Play the demo; 0, or 1 if a source failed or something was lost.

    Args:
        directory: where everything goes. A folder of an earlier simulation is cleared first.
        say: hears of the progress, a line at a time. Results go to standard output.

    Raises:
        UsageError: `directory` holds something else.
    """
    made = simulate(SCENARIO, directory.absolute(), collected=True, progress=daily(say))
    with Monitor(made.config) as monitor:
        return report(monitor, made, EVENT, directory.absolute())
