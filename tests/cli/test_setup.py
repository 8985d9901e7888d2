"""A first start: init and check; healthcheck without a daemon."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli.app import cli
from monitor.errors import ConfigError, UsageError


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Commands run in an empty folder, without a configuration of the user's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return CliRunner()


def test_what_init_writes_is_valid(runner: CliRunner, tmp_path: Path) -> None:
    made = runner.invoke(cli, ["init", "my folder"])
    assert made.exit_code == 0
    assert made.stdout == "my folder/config/monitor.toml\n"
    assert "cd 'my folder' && monitor check" in made.stderr
    assert (tmp_path / "my folder" / "data").is_dir()
    checked = runner.invoke(cli, ["--config", "my folder/config/monitor.toml", "check", "--store"])
    assert checked.exit_code == 0, checked.stderr
    assert [line.split(":")[0] for line in checked.stdout.splitlines()] == ["ok", "ok"]


def test_init_overwrites_nothing(runner: CliRunner, tmp_path: Path) -> None:
    assert runner.invoke(cli, ["init"]).exit_code == 0
    config = tmp_path / "config" / "monitor.toml"
    config.write_text("# mine")
    raised = runner.invoke(cli, ["init"]).exception
    assert isinstance(raised, UsageError)
    assert config.read_text() == "# mine"


def test_check_names_what_is_wrong(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[monitor]\ncontcat = 'x'\n")
    raised = runner.invoke(cli, ["--config", str(path), "check"]).exception
    assert isinstance(raised, ConfigError)
    assert "contact" in str(raised)


def test_check_names_a_model_that_is_not_there(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "later.toml"
    path.write_text("[enrich]\nsentiment = 'onnx'\n")
    raised = runner.invoke(cli, ["--config", str(path), "check"]).exception
    assert isinstance(raised, UsageError)
    assert "onnx_folder" in str(raised)


def test_healthcheck_without_a_daemon_is_1(runner: CliRunner) -> None:
    runner.invoke(cli, ["init"])
    result = runner.invoke(cli, ["healthcheck"], standalone_mode=False)
    assert result.return_value == 1
    assert result.stdout.startswith("failing: no daemon runs")
