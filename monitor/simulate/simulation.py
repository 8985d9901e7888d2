"""A world from scenario to account: made, written, collected, compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from monitor.api import Monitor
from monitor.config import Config
from monitor.simulate.compare import Account, compare
from monitor.simulate.folder import cleared, resumed
from monitor.simulate.run import Progress, collect
from monitor.simulate.truth import write
from monitor.simulate.worlds.make import make
from monitor.simulate.worlds.scenario import load
from monitor.simulate.worlds.world import World

__all__ = ["Simulation", "simulate"]


@dataclass(frozen=True, slots=True)
class Simulation:
    """A world and what was made of it.

    `files` gives the number of rows of each table that was written. `config` and `accounts` (one
    a network) are there if the world was collected.
    """

    world: World
    files: dict[str, int]
    config: Config | None = None
    accounts: list[Account] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Is every post of the world collected or accounted for, in every network?"""
        return all(account.is_exact for account in self.accounts)


def simulate(
    scenario: str | Path,
    folder: Path,
    *,
    seed: int | None = None,
    collected: bool = False,
    resume: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Simulation:
    """Make a world and write it to `folder`; what was there of an earlier one is replaced.

    Args:
        scenario: the name of one that comes with the project, or a file.
        seed: instead of the scenario's own.
        collected: also let the daemon's core collect it into `folder/data`.
        resume: go on with a collection that was stopped, instead of beginning anew.
        progress: hears of every poll that is stored.

    Raises:
        UsageError: there is no such scenario, the folder is somebody else's, or holds another
            world than the one to resume.
        ConfigError: the scenario is wrong.
        StoreBusy: somebody works with the data.
    """
    world = make(load(scenario, seed=seed))
    (resumed if resume else cleared)(folder, world.scenario)
    files = write(world, folder)
    if not collected:
        return Simulation(world, files)
    config = collect(world, folder, progress=progress)
    with Monitor(config) as monitor:
        return Simulation(world, files, config, compare(world, monitor.query))
