"""Commands on worlds that do not exist: demo, simulate."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from monitor.cli.options import Output, command, note, output
from monitor.cli.stdout import say

__all__ = ["demo_", "simulate_", "simulate_cadence_"]


@command("demo")
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
def demo_(folder: Path | None) -> int:
    """Show the whole thing, offline.

    Eighteen days of a simulated world pass in two minutes: a company announces a funding
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


@command("simulate cadence")
@click.option(
    "--arrivals", type=click.Path(path_type=Path), metavar="FILE",
    help="CSV with source_id, started_at_hours, item_at_hours; instead of a made world.",
)  # fmt: skip
@click.option(
    "--world", type=click.Choice(("streams", "threads")), default="streams",
    help="Feeds and accounts with bursts (default), or threads that begin all along.",
)  # fmt: skip
@click.option(
    "--sources", type=click.IntRange(1, 100_000), metavar="N",
    help="How many (default 200); of a FILE the first N, all if not named.",
)  # fmt: skip
@click.option(
    "--hours", type=click.FloatRange(0, 100_000, min_open=True), metavar="H",
    help="How long (default 96); of a FILE up to its last item.",
)  # fmt: skip
@click.option(
    "--budget", type=click.FloatRange(0, 1_000_000, min_open=True), default=400, metavar="B",
    help="Polls an hour, of all sources together (default 400).",
)  # fmt: skip
@click.option(
    "--policy", default="fixed,backoff,adaptive", metavar="NAMES",
    help="What to compare, with commas (default: fixed,backoff,adaptive).",
)  # fmt: skip
@click.option(
    "--seeds", type=click.IntRange(1, 1000), default=3, metavar="K",
    help="How many worlds are made, or runs of a FILE (default 3).",
)  # fmt: skip
@output
def simulate_cadence_(  # noqa: PLR0917 - click passes names
    arrivals: Path | None, world: str, sources: int | None, hours: float | None, budget: float,
    policy: str, seeds: int, out: Output,
) -> None:  # fmt: skip
    """Compare policies of polling on arrivals that are known.

    How long do posts wait until a poll sees them, if all sources together may be polled B times an
    hour? One row a policy, over K worlds: `fixed` polls all alike, `backoff` doubles a source's
    pause after an empty poll, `adaptive` is what the daemon does. A burst is five posts within an
    hour after six quiet ones; what is never seen waited until the end.

    \b
    Example: monitor simulate cadence --sources 50 --hours 24 --budget 100 --seeds 1
    Example: monitor simulate cadence --arrivals arrivals.csv --budget 60 --format json
    """
    from monitor.simulate.arrivals import compared

    policies = [name.strip() for name in policy.split(",") if name.strip()]
    rows = compared(
        policies, budget, seeds=seeds, file=arrivals, world=world, sources=sources, hours=hours,
        progress=_progress() or (lambda _: None),
    )  # fmt: skip
    out.write(rows)


def _progress() -> Callable[[str], None] | None:
    return note if sys.stderr.isatty() else None
