"""The documentation's commands and statements run as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli.app import cli
from monitor.clock import SystemClock
from monitor.config import load
from monitor.session import DATABASE
from monitor.store.database import Database
from monitor.store.writer import Writer

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config" / "series-g.toml"
EVENT = "anthropic-series-g"
ACTOR = "elon-musk"


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text("utf8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(page: str) -> list[str]:
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [line.split("  #")[0] for line in lines if line.startswith(".venv/bin/monitor")]


READING = sorted(
    {
        c
        for page in (
            "README.md",
            "docs/sql.md",
            "docs/configuration.md",
            "docs/report.md",
            "docs/cadence.md",
        )
        for c in commands(page)
    }
)
STATEMENTS = [
    statement.strip()
    for block in blocks("docs/sql.md", "sql")
    for statement in block.split(";")
    if statement.strip() and not re.search(r"\bm\.|LOAD|ATTACH", statement)
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a user has it: a configuration, and a database that knows its event."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("config/monitor.toml").write_text(EXAMPLE.read_text("utf8"), "utf8")
    Path("data").mkdir()
    with Database.open(tmp_path / "data" / DATABASE) as database:
        Writer(database, load(Path("config/monitor.toml"), env={}), SystemClock()).synchronise([])
    return tmp_path


@pytest.mark.parametrize("command", [c for c in READING if not re.search("init|URL", c)])
def test_commands_of_the_documentation_run(here: Path, command: str) -> None:
    named = command.replace("EVENT", EVENT).replace("ACTOR", ACTOR)
    arguments = shlex.split(named)[1:]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_init_writes_what_the_readme_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ".venv/bin/monitor init" in {command.strip() for command in READING}
    assert CliRunner().invoke(cli, ["init"]).exit_code == 0
    assert (tmp_path / "config" / "monitor.toml").is_file()


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statements_of_the_documentation_run(here: Path, statement: str) -> None:
    with Database.open(here / "data" / DATABASE) as database:
        assert database.query(statement).columns


def test_every_table_of_the_database_is_documented(here: Path) -> None:
    text = (ROOT / "docs" / "sql.md").read_text("utf8")
    with Database.open(here / "data" / DATABASE) as database:
        tables = database.query(
            "select table_name from information_schema.tables where table_schema = 'main'"
        )["table_name"].to_list()
    assert [name for name in tables if f"`{name}`" not in text] == []
