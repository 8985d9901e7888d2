"""Commands on worlds that do not exist: demo, simulate."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from monitor.cli.options import command, note
from monitor.cli.stdout import say

__all__ = ["demo_", "simulate_"]


@command("demo")
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
def demo_(folder: Path | None) -> int:
    """Show the whole thing, offline.

    Eighteen days of a simulated world pass in half a minute: a company announces a funding
    round, people react, the daemon's core collects that from stand-in platforms. At the end stand
    the series, and the truth beside it. Everything it makes stands in DIR (./demo if it is not
    named).

    Example: monitor demo
    """
    from monitor.simulate.demo import run

    return run(folder or Path("demo"), _progress())


@command("simulate")
@click.argument("scenario")
@click.option(
    "-o", "--output", "folder", required=True, type=click.Path(path_type=Path), metavar="DIR",
    help="The folder to write; an earlier simulation in it is replaced.",
)  # fmt: skip
@click.option("--seed", type=int, metavar="N", help="Another world of the same kind.")
@click.option(
    "--collect", is_flag=True,
    help="Also let the daemon collect it, on virtual time, into DIR/data.",
)  # fmt: skip
@click.option(
    "--resume", is_flag=True, help="With --collect: go on where an earlier run was stopped."
)
def simulate_(scenario: str, folder: Path, seed: int | None, collect: bool, resume: bool) -> int:
    """Make a world whose truth is known.

    SCENARIO is one of crisis, funding, null, quiet and two-companies, or a TOML file. DIR gets
    import/*.csv, which `import` reads; truth/*.csv, which no observer can know; and a
    configuration. Each table is named on standard output with its number of rows.

    With --collect the daemon's core collects the world from stand-in platforms, and what it
    collected is compared with the truth: one line a network. The exit code is 1 if it is not
    exact. What was interrupted goes on with --resume.

    \b
    Example: monitor simulate funding -o world
    Example: monitor simulate crisis -o world --seed 3 --collect
    """
    from monitor.simulate.progress import daily
    from monitor.simulate.simulation import simulate

    if resume and not collect:
        raise click.UsageError("--resume goes with --collect")
    made = simulate(
        scenario, folder, seed=seed, collected=collect, resume=resume, progress=daily(_progress())
    )
    for name, rows in made.files.items():
        say(f"{folder / name}: {rows} rows")
    for account in made.accounts:
        say(str(account))
    return 0 if made.is_exact else 1


def _progress() -> Callable[[str], None] | None:
    return note if sys.stderr.isatty() else None
