"""The tutorial, command by command: it prints what the page says that it prints."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from monitor.cli.app import cli

FOLDER = Path(__file__).parent.parent / "docs" / "tutorial"
PAGE = (FOLDER / "README.md").read_text("utf8")
MONITOR = "../.venv/bin/monitor "


def steps() -> list[tuple[str, str]]:
    """Commands with what they print; those of one block print one block each, or nothing."""
    found: list[tuple[str, str]] = []
    for block, printed in re.findall(r"```sh\n(.*?)```((?:\s*```text\n.*?```)*)", PAGE, re.DOTALL):
        commands = [line for line in block.splitlines() if line.startswith(MONITOR)]
        texts = re.findall(r"```text\n(.*?)```", printed, re.DOTALL)
        assert len(texts) in (0, len(commands)), block
        found += zip(commands, texts or [""] * len(commands), strict=True)
    return found


def test_the_case_comes_out_as_the_page_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(FOLDER, tmp_path / "case")
    monkeypatch.chdir(tmp_path / "case")
    monkeypatch.setenv("COLUMNS", "130")
    assert len(steps()) == 9
    for command, printed in steps():
        words = shlex.split(command)[1:]
        # On a terminal a table is what `sql` prints by itself.
        result = CliRunner().invoke(
            cli, [*words, "--format", "table"] if words[0] == "sql" else words
        )
        assert result.exit_code == 0, result.output
        if printed:
            assert trimmed(result.output) == trimmed(printed), command
    days = pl.read_csv("series.csv")
    assert days["posts"].to_list() == [0, 2, 4, 1, None]
    assert days["press"].to_list() == [0, 0, 1, 1, None]


def trimmed(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
