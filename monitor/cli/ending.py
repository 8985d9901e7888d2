"""How a command ends: errors as one line on standard error, and the exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress

import click

from monitor.cli.stdout import NobodyReads, let_go
from monitor.errors import MonitorError
from monitor.report.text import visible

__all__ = ["finish"]

FAILED, USAGE, INTERRUPTED, NOBODY_READS = 1, 2, 130, 141


def finish(cli: click.Command, arguments: Sequence[str] | None) -> int:
    """Run `cli` and turn whatever comes of it into an exit code."""
    if sys.stdout is None:  # closed before we began
        return NOBODY_READS
    try:
        code = _run(cli, arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        let_go()
        return NOBODY_READS
    except OSError as error:
        _say(f"standard output: {error.strerror or error}")
        let_go()
        return FAILED
    return code


def _run(cli: click.Command, arguments: Sequence[str] | None) -> int:
    try:
        result = cli.main(arguments, prog_name="monitor", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last before a traceback
        return _told(error)
    return result if isinstance(result, int) else 0


def _told(error: BaseException) -> int:
    """Say what happened; the exit code."""
    code = FAILED
    if isinstance(error, NobodyReads):
        let_go()
        code = NOBODY_READS
    elif isinstance(error, click.UsageError):
        _refuse(error)
        code = USAGE
    elif isinstance(error, click.Abort) or _interrupted(error):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # we are going already
        _say("interrupted")
        code = INTERRUPTED
    elif isinstance(error, MonitorError):
        _explain(error)
        code = error.exit_code
    elif isinstance(error, click.ClickException):
        _say(error.format_message())
        code = error.exit_code
    else:
        _unexpected(error)
    return code


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind it: native code wraps it in errors of its own."""
    if isinstance(error, RuntimeError) and str(error) == "Query interrupted":
        return True
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _explain(error: MonitorError) -> None:
    if _debugging():
        traceback.print_exception(error)
    for line in str(error).splitlines() or [type(error).__name__]:
        _say(line)


def _unexpected(error: BaseException) -> None:
    if _debugging():
        traceback.print_exception(error)
    else:
        first = (str(error).splitlines() or [""])[0]
        _say(
            f"unexpected {type(error).__name__}: {first} "
            "(MONITOR_DEBUG=1 shows where; please report it)"
        )


def _refuse(error: click.UsageError) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return
    _say(error.format_message())
    if error.ctx is not None:
        _line(f"Try: {error.ctx.command_path} --help")


def _debugging() -> bool:
    return os.environ.get("MONITOR_DEBUG", "") not in ("", "0")


def _say(message: str) -> None:
    _line(f"monitor: {message}")


def _line(text: str) -> None:
    with suppress(OSError, ValueError, AttributeError):  # nobody listens there either
        sys.stderr.write(visible(text) + "\n")
