"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from monitor.config import Config
from monitor.store.database import Database
from tests.world import ACME, configured

RECORDINGS = Path(__file__).parent / "recordings"

# How fast the machine is decides about no test.
settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Take the settings of whoever runs the tests out of the way of all processes."""
    for name in [n for n in os.environ if n.startswith("MONITOR_") and n != "MONITOR_RECORDINGS"]:
        del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Simulated worlds first: they take longest, and files go to whoever is free."""
    items.sort(key=lambda item: "simulate" not in item.path.parts)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Answers of real servers that belong to this project: bluesky, wordpress, isso."""
    return RECORDINGS


@pytest.fixture(scope="session")
def foreign_recordings() -> Path:
    """Answers recorded by others; not part of the project, so the test skips where they are not."""
    where = os.environ.get("MONITOR_RECORDINGS")
    if not where or not Path(where).is_dir():
        pytest.skip("MONITOR_RECORDINGS names no folder with foreign recordings")
    return Path(where)


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """A database in memory; `a_store` empties it."""
    with Database.open(None) as made:
        yield made


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Acme, its account and one event."""
    return configured(tmp_path_factory.mktemp("world"), ACME)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Say in the last line how many tests passed, failed and were skipped.

    An error in set-up or collection counts as failed, an expected failure as skipped.
    """
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.option.collectonly:
        return

    def count(*outcomes: str) -> int:
        return sum(len(reporter.stats.get(outcome, [])) for outcome in outcomes)

    passed, failed = count("passed", "xpassed"), count("failed", "error")
    reporter.write_line(f"{passed} passed, {failed} failed, {count('skipped', 'xfailed')} skipped")
