"""`monitor simulate`, and the commands of its page."""

from __future__ import annotations

import re
import shlex
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli.app import cli
from monitor.errors import ConfigError, UsageError
from monitor.simulate.worlds.scenario import names

PAGE = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text("utf8")


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def ran(runner: CliRunner, *arguments: str) -> Result:
    """A command that must end well: its return value is its exit code."""
    result = runner.invoke(cli, list(arguments), standalone_mode=False)
    assert result.exception is None, result.output
    assert not result.return_value, result.output
    return result


def test_it_names_each_file_with_its_rows(runner: CliRunner, tmp_path: Path) -> None:
    result = ran(runner, "simulate", "quiet", "-o", "world")
    named = dict(line.rsplit(": ", 1) for line in result.stdout.splitlines())
    assert "import/posts.csv" in {name.partition("world/")[2] for name in named}
    for name, rows in named.items():
        text = Path(name).read_bytes()
        assert text.endswith(b"\r\n")
        assert re.fullmatch(r"\d+ rows", rows)
    assert result.stderr == ""
    assert not (tmp_path / "world" / "data").exists()


def test_another_seed_is_another_world(runner: CliRunner, tmp_path: Path) -> None:
    for name, seed in (("one", "1"), ("two", "2"), ("again", "1")):
        ran(runner, "simulate", "null", "-o", name, "--seed", seed)
    posts = {n: (tmp_path / n / "import/posts.csv").read_bytes() for n in ("one", "two", "again")}
    assert posts["one"] == posts["again"] != posts["two"]


def test_the_commands_of_its_page_run(runner: CliRunner, tmp_path: Path) -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    commands = [line.split("  #")[0] for line in block.splitlines()]
    assert len(commands) == 3
    told = ""
    for command in commands:
        told += ran(runner, *shlex.split(command)[1:]).stdout
    (example,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert example in told
    assert (tmp_path / "watched" / "data" / "monitor.duckdb").is_file()


def test_the_python_of_its_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(block, "docs/simulation.md", "exec"), {})
    number, exact = capsys.readouterr().out.split()
    assert int(number) > 100
    assert exact == "True"


def test_what_is_complete_is_left_alone_by_resume(runner: CliRunner, tmp_path: Path) -> None:
    scenario = files("monitor.simulate.worlds") / "scenarios" / "quiet.toml"
    text, replaced = re.subn(
        '^before = "10d"$', 'before = "6h"', scenario.read_text("utf8"), flags=re.MULTILINE
    )
    assert replaced == 1
    (tmp_path / "short.toml").write_text(text, "utf8")
    command = ["simulate", "short.toml", "-o", "world", "--collect"]
    first = ran(runner, *command)
    again = ran(runner, *command, "--resume")
    assert first.stdout == again.stdout


@pytest.mark.parametrize("other", [["null"], ["quiet", "--seed", "99"]])
def test_another_world_is_not_resumed(runner: CliRunner, tmp_path: Path, other: list[str]) -> None:
    ran(runner, "simulate", "quiet", "-o", "world")
    posts = (tmp_path / "world" / "import" / "posts.csv").read_bytes()
    again = ["simulate", *other, "-o", "world", "--collect", "--resume"]
    raised = runner.invoke(cli, again).exception
    assert isinstance(raised, UsageError)
    assert "another world" in str(raised)
    assert (tmp_path / "world" / "import" / "posts.csv").read_bytes() == posts


def test_resume_leaves_a_folder_of_somebody_else_alone(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "monitor.toml").write_text("# mine")
    command = ["simulate", "quiet", "-o", ".", "--collect", "--resume"]
    raised = runner.invoke(cli, command).exception
    assert isinstance(raised, UsageError)
    assert [one.name for one in tmp_path.iterdir()] == ["monitor.toml"]


def test_every_scenario_is_on_the_page_and_in_the_help(runner: CliRunner) -> None:
    help_text = runner.invoke(cli, ["simulate", "--help"]).stdout
    for name in names():
        assert f"| `{name}` |" in PAGE
        assert name in help_text


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["fundign", "-o", "w"], UsageError, 'did you mean "funding"'),
        (["missing.toml", "-o", "w"], UsageError, "missing.toml"),
        (["bad.toml", "-o", "w"], ConfigError, "bad.toml"),
        (["quiet", "-o", "taken"], UsageError, "is not empty"),
    ],
)
def test_what_is_wrong_is_said(
    runner: CliRunner, tmp_path: Path, arguments: list[str], error: type[Exception], said: str
) -> None:
    (tmp_path / "bad.toml").write_text("title = 3")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").touch()
    raised = runner.invoke(cli, ["simulate", *arguments]).exception
    assert isinstance(raised, error)
    assert said in str(raised)
    assert [one.name for one in (tmp_path / "taken").iterdir()] == ["mine.txt"]


def test_resume_goes_with_collect(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["simulate", "quiet", "-o", "w", "--resume"])
    assert result.exit_code == 2
    assert "--collect" in result.stderr
