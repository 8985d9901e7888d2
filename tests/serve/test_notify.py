"""What a service manager hears of the daemon."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from monitor.serve.notify import notify, supervised
from tests.world import OFFLINE, Process, configured


@pytest.fixture
def manager(tmp_path: Path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(10)
        yield sock


def test_a_daemon_says_that_it_is_ready_lives_and_stops(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "300000")
    with Process(configured(tmp_path, OFFLINE)) as process:
        assert manager.recv(100) == b"READY=1"
        assert process.ready()
        for _ in range(3):
            assert manager.recv(100) == b"WATCHDOG=1"
        assert process.end() == 0
        heard = b""
        while heard != b"STOPPING=1":
            heard = manager.recv(100)


async def test_who_hangs_is_not_said_to_live(manager: socket.socket, tmp_path: Path) -> None:
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000"}
    async with supervised(asyncio.Event().wait, environ):
        await asyncio.sleep(0.05)
    assert [manager.recv(100), manager.recv(100)] == [b"READY=1", b"STOPPING=1"]


async def test_the_watchdog_of_another_process_is_not_ours(
    manager: socket.socket, tmp_path: Path
) -> None:
    environ = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000",
        "WATCHDOG_PID": str(os.getpid() + 1),
    }  # fmt: skip
    async with supervised(lambda: asyncio.sleep(0), environ):
        await asyncio.sleep(0.05)
    assert [manager.recv(100), manager.recv(100)] == [b"READY=1", b"STOPPING=1"]


def test_nobody_who_listens_is_no_error(tmp_path: Path) -> None:
    notify("READY=1", {})
    notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "gone")})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0monitor-{os.getpid()}")
        notify("READY=1", {"NOTIFY_SOCKET": f"@monitor-{os.getpid()}"})
        assert sock.recv(100) == b"READY=1"
