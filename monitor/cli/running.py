"""Commands that poll, and that say how the polling goes: run, status, healthcheck."""

from __future__ import annotations

import sys
import time

import click

from monitor.cli.options import Output, command, note, opened, output
from monitor.cli.settings import Settings
from monitor.cli.stdout import say

__all__ = ["healthcheck_", "run_", "status_"]


@command("run")
@click.option("--once", is_flag=True, help="Poll every source once, to the end, and stop.")
@click.pass_context
def run_(ctx: click.Context, once: bool) -> int:
    """Poll the sources until stopped.

    The daemon owns the database; all other commands work through it meanwhile. With --once every
    reply tree is followed to its end; the exit code is 1 if a source failed.

    \b
    Example: monitor run
    Example: monitor run --once
    """
    from monitor.cli.logs import log_to_stderr

    log_to_stderr()
    m = opened(ctx)
    if not once:
        return m.run()
    report = m.run_once(progress=note if sys.stderr.isatty() else None)
    for source_id, why in report.failed.items():
        note(f"monitor: {source_id}: {why}")
    note(f"{report.polls} polls, {report.posts} new posts, {len(report.failed)} sources failed")
    return report.exit_code


@command("status")
@click.option(
    "--watch", type=click.FloatRange(min=0.1), metavar="SECONDS",
    help="Show it anew every so many seconds, until Ctrl-C.",
)  # fmt: skip
@output
@click.pass_context
def status_(ctx: click.Context, watch: float | None, out: Output) -> None:
    """Show how each source is doing.

    Its last success, the age of its newest post, how late new posts were seen in the last day,
    throttling, open gaps, polls and errors in the last day and its last error.

    \b
    Example: monitor status
    Example: monitor status --watch 5
    """
    settings = ctx.ensure_object(Settings)
    with settings.monitor() as m:
        out.write(m.status())
    while watch is not None:
        time.sleep(watch)
        with settings.monitor() as m:  # anew: a daemon may have started, or want to
            rows = m.status()
        click.clear()  # nothing where standard output is no terminal
        out.write(rows)


@command("healthcheck")
@click.pass_context
def healthcheck_(ctx: click.Context) -> int:
    """Exit 0 if the daemon runs and polls well, else 1.

    One line says why: no daemon, every source failing, or no success for too long.

    Example: monitor healthcheck
    """
    health = opened(ctx).health()
    say(f"{'ok' if health.ok else 'failing'}: {health.reason}")
    return 0 if health.ok else 1
