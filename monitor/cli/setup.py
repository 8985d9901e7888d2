"""Commands around a first start: init, check."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from monitor.cli.options import command, note, opened
from monitor.cli.stdout import say

__all__ = ["check_", "init_"]


@command("init")
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
def init_(folder: Path | None) -> None:
    """Write a commented configuration and the folders.

    DIR is the current folder if it is not named. Nothing that exists is overwritten.

    Example: monitor init my-monitor
    """
    from monitor.api import initialise

    made = initialise(folder or Path())
    say(str(made))
    there = (
        f"cd {shlex.quote(str(folder))} && " if folder and folder.resolve() != Path.cwd() else ""
    )
    note(f"Next: name your contact and a company in {made}, then: {there}monitor check;")
    note(f"or begin with an announcement: {there}monitor watch URL")


@command("check")
@click.option("--online", is_flag=True, help="Poll each source once, without storing anything.")
@click.option("--store", is_flag=True, help="Look for damage in what is stored.")
@click.pass_context
def check_(ctx: click.Context, online: bool, store: bool) -> int:
    """Check the configuration, the sources, the store.

    One line a check on standard output, problems on standard error.

    Example: monitor check --online
    """
    m = opened(ctx)
    say(f"ok: configuration: {m.describe()}")
    problems = 0
    for check in m.check_sources() if online else []:
        problems += _tell(check.source_id, check.detail, ok=check.ok)
    if store:
        found = m.verify()
        for problem in found:
            problems += _tell("store", problem, ok=False)
        if not found:
            _tell("store", "ids, edges and invariants hold", ok=True)
    return 1 if problems else 0


def _tell(what: str, detail: str, *, ok: bool) -> int:
    if ok:
        say(f"ok: {what}: {detail}" if detail else f"ok: {what}")
        return 0
    note(f"monitor: {what}: {detail}")
    return 1
