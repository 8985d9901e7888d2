"""The commands are documented, and the documentation is true."""

from __future__ import annotations

import inspect
import re
import shlex
from pathlib import Path

import click
import pytest

import monitor
from monitor.cli.app import COMMANDS, cli
from monitor.cli.docs import commands_page, example

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
CONTEXT = click.Context(cli, info_name="monitor")
FOUND = {name: cli.get_command(CONTEXT, name) for name in COMMANDS}


def test_the_page_is_what_the_commands_say() -> None:
    said = commands_page()
    assert PAGE.read_text("utf8") == said, "run: python -m monitor.cli.docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_a_summary_an_example_and_documented_options(name: str) -> None:
    command = FOUND[name]
    assert command
    summary = inspect.cleandoc(command.help or "").splitlines()[0]
    assert summary.endswith(".")
    assert command.get_short_help_str(60) == summary
    assert example(command)
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help, option.name


@pytest.mark.parametrize(
    "line",
    [line for command in FOUND.values() if command for line in example(command)],
)
def test_an_example_is_a_call_that_is_accepted(line: str) -> None:
    for call in re.split(r" \| ", line):
        words = shlex.split(call)
        if words[0] != "monitor":
            continue
        name, command, left = cli.resolve_command(CONTEXT, words[1:])
        assert command
        command.make_context(name, left, parent=CONTEXT)


def test_the_public_names_are_the_documented_ones() -> None:
    names = re.findall(r"`(\w+)`", monitor.__doc__ or "")
    documented = {name for name in names if name != "monitor"}
    assert set(monitor.__all__) == documented
    for name in monitor.__all__:
        assert getattr(monitor, name)
    assert set(monitor.__all__) <= set(dir(monitor))


def test_every_public_name_of_the_facade_says_what_it_does() -> None:
    for name, member in inspect.getmembers(monitor.Monitor):
        if not name.startswith("_"):
            assert inspect.getdoc(member), name
