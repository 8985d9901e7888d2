"""`python -m monitor.cli.docs` writes docs/commands.md from what the commands say of themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from monitor.cli.app import COMMANDS, cli

__all__ = ["commands_page", "example"]

_HEAD = """\
# Commands

<!-- Written by `python -m monitor.cli.docs`; change the commands' own help instead. -->

"""


def commands_page() -> str:
    """The page: the help of `monitor` and of every command."""
    root = click.Context(cli, info_name="monitor", terminal_width=90, **cli.context_settings)
    parts = [_HEAD + _section("monitor", cli, root)]
    for name in COMMANDS:
        found = cli.get_command(root, name)
        if found is not None:
            context = click.Context(found, info_name=name, parent=root, terminal_width=90)
            parts.append(_section(f"monitor {name}", found, context))
    return "\n".join(parts)


def example(found: click.Command) -> list[str]:
    """The command lines that a command's help shows as examples."""
    lines = inspect.cleandoc(found.help or "").splitlines()
    return [line.removeprefix("Example: ") for line in lines if line.startswith("Example: ")]


def _section(title: str, found: click.Command, context: click.Context) -> str:
    return "\n".join([f"## {title}", "", "```text", *_lines(found, context), "```", ""])


def _lines(found: click.Command, context: click.Context) -> Iterator[str]:
    return (line.rstrip() for line in found.get_help(context).splitlines())


if __name__ == "__main__":
    page = Path(__file__).parents[2] / "docs" / "commands.md"
    page.write_text(commands_page(), encoding="utf-8")
