"""The `monitor` command: one file a group of commands, no logic.

Data goes to standard output, all else to standard error. Exit codes: 0 done; 1 finished but
something failed; 2 usage or configuration; 75 temporary; 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. `arguments` default to the process's own."""
    from monitor.cli.app import cli
    from monitor.cli.ending import finish

    return finish(cli, arguments)
