"""How the real command ends: exit codes, closed pipes, errors in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.ending import finish
from monitor.store.database import Database

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "monitor"]
LONG = "select count(*) from range(1000000000) a, range(1000000000) b"


@pytest.fixture
def place(tmp_path: Path) -> dict[str, Any]:
    """Where to run: a folder with a configuration and nothing stored."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "monitor.toml").write_text('[monitor]\ndata_dir = "data"\n')
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MONITOR_")}
    return {"cwd": tmp_path, "env": kept | {"PYTHONPATH": str(ROOT)}}


def run(place: dict[str, Any], *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], text=True, capture_output=True, check=False, **place, **more
    )


def test_done_is_0_and_data_stands_alone_on_standard_output(place: dict[str, Any]) -> None:
    done = run(place, "events")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("event_id,")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evnts"], 'monitor: no command "evnts"; did you mean "events"?\nTry: monitor --help\n'),
        (["top", "x"], 'monitor: no event "x"; there are none yet: add an [[event]]'),
        (["--config", "none.toml", "events"], "monitor: "),
        (["sql", "delete from posts"], "monitor: only reading statements"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_2_and_one_line(
    place: dict[str, Any], arguments: list[str], said: str
) -> None:
    done = run(place, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error(place: dict[str, Any], unbuffered: str) -> None:
    place["env"]["PYTHONUNBUFFERED"] = unbuffered
    query = "select repeat('x', 1000) as t from range(1000)"
    with subprocess.Popen(
        [*COMMAND, "sql", query], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **place
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_a_closed_standard_output_is_no_error(place: dict[str, Any]) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *COMMAND, "events"],
        capture_output=True,
        check=False,
        **place,
    )
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_in_one_line(place: dict[str, Any]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "events"], stdout=full, stderr=subprocess.PIPE, check=False, **place
        )
    assert done.returncode == 1
    assert done.stderr == b"monitor: standard output: can't be written: No space left on device\n"


@pytest.mark.parametrize("arguments", [["sql", "-"], ["sql", "-f", "/dev/stdin"]])
def test_an_interrupt_is_130(place: dict[str, Any], arguments: list[str]) -> None:
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=subprocess.PIPE, stderr=subprocess.PIPE, **place
    ) as process:
        assert process.stdin
        assert process.stderr
        # More than a pipe holds: when it is through, the command is reading.
        process.stdin.write(LONG.encode() + b" " * 300_000)
        process.stdin.flush()
        if "-f" in arguments:
            process.stdin.close()  # and now the statement runs
        code = None
        while code is None:  # a signal may come just before a call that then waits for ever
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(2)
        assert code == 130
        assert process.stderr.read().strip() == b"monitor: interrupted"


def test_no_escape_of_a_stranger_reaches_the_terminal(place: dict[str, Any]) -> None:
    done = run(place, "top", "x\x1b[2J\x9b\x07")
    assert not set(done.stderr) & set("\x1b\x9b\x07")


def test_a_busy_store_is_75(place: dict[str, Any]) -> None:
    data = place["cwd"] / "data"
    data.mkdir()
    Database.open(data / "monitor.duckdb").close()
    holder = (
        "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, 2); "
        "print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(data / "lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        process.stdout.readline()
        done = run(place, "--wait", "0", "events")
        process.communicate(b"\n")
    assert done.returncode == 75
    assert "in use" in done.stderr


class _Broken:
    """A command that fails as none should."""

    def main(self, *_: object, **__: object) -> None:
        raise LookupError("not\x1b here\nsecond line")


def test_the_unexpected_is_one_line_with_a_way_to_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: Any = _Broken()
    monkeypatch.delenv("MONITOR_DEBUG", raising=False)
    assert finish(broken, []) == 1
    said = capsys.readouterr().err
    assert said == (
        "monitor: unexpected LookupError: not\N{REPLACEMENT CHARACTER} here "
        "(MONITOR_DEBUG=1 shows where; please report it)\n"
    )
    monkeypatch.setenv("MONITOR_DEBUG", "1")
    assert finish(broken, []) == 1
    assert "Traceback" in capsys.readouterr().err
