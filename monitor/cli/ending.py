"""How a command ends: errors as one line on standard error, and the exit code."""

from __future__ import annotations

import os
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
    except (BrokenPipeError, NobodyReads):
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
    except click.UsageError as error:
        _refuse(error)
        return USAGE
    except click.ClickException as error:
        _say(error.format_message())
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return INTERRUPTED
    except MonitorError as error:
        return _explain(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence before a traceback
        return _unexpected(error)
    return result if isinstance(result, int) else 0


def _explain(error: MonitorError) -> int:
    if _debugging():
        traceback.print_exc()
    for line in str(error).splitlines() or [type(error).__name__]:
        _say(line)
    return error.exit_code


def _unexpected(error: Exception) -> int:
    if _debugging():
        traceback.print_exc()
    else:
        first = (str(error).splitlines() or [""])[0]
        _say(
            f"unexpected {type(error).__name__}: {first} "
            "(MONITOR_DEBUG=1 shows where; please report it)"
        )
    return FAILED


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
