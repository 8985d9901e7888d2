"""Time that jumps when everybody waits, and stands still while anything is under way."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import httpcore
import pytest

from monitor.errors import MonitorError, Unreachable
from monitor.simulate import virtual
from monitor.simulate.virtual import Names, VirtualClock, VirtualLoop, run_virtually

START = datetime(2026, 2, 12, 18, tzinfo=UTC)


def loop() -> VirtualLoop:
    running = asyncio.get_running_loop()
    assert isinstance(running, VirtualLoop)
    return running


def test_weeks_pass_in_a_moment_and_in_order() -> None:
    async def main(clock: VirtualClock) -> list[tuple[str, datetime]]:
        seen = []

        async def wake(name: str, after: timedelta) -> None:
            await asyncio.sleep(after.total_seconds())
            seen.append((name, clock.now()))

        async with asyncio.TaskGroup() as group:
            group.create_task(wake("late", timedelta(days=21)))
            group.create_task(wake("soon", timedelta(seconds=1)))
            group.create_task(wake("then", timedelta(days=3, milliseconds=7)))
        return seen

    assert run_virtually(START, main) == [
        ("soon", START + timedelta(seconds=1)),
        ("then", START + timedelta(days=3, milliseconds=7)),
        ("late", START + timedelta(days=21)),
    ]


def test_time_stands_still_while_a_thread_works() -> None:
    async def main(clock: VirtualClock) -> tuple[datetime, bool]:
        timer = asyncio.create_task(asyncio.sleep(0.001))
        await asyncio.to_thread(time.sleep, 0.2)
        return clock.now(), timer.done()

    assert run_virtually(START, main) == (START, False)


def test_a_timeout_passes_by_the_virtual_clock() -> None:
    async def main(clock: VirtualClock) -> datetime:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return clock.now()

    assert run_virtually(START, main) == START + timedelta(hours=1)


def test_a_server_may_take_its_time_while_its_client_waits() -> None:
    """Bytes over a real socket hold the time, a server's own delay does not."""

    async def main(clock: VirtualClock) -> tuple[bytes, datetime]:
        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            await clock.lag(90.0)
            writer.write(b"late\n")
            writer.close()

        server = await asyncio.start_server(slow, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            stream = await Names(["host.example"], port, loop()).connect_tcp("host.example", 80)
            await stream.write(b"?\n")
            answer = await stream.read(100)
            await stream.aclose()
            return answer, clock.now()

    assert run_virtually(START, main) == (b"late\n", START + timedelta(seconds=90))


def test_a_read_times_out_by_the_virtual_clock() -> None:
    async def main(clock: VirtualClock) -> datetime:
        async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.readline()
            await clock.lag(3600.0)

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            stream = await Names(["host.example"], port, loop()).connect_tcp("host.example", 80)
            await stream.write(b"?\n")
            with pytest.raises(httpcore.ReadTimeout):
                await stream.read(100, timeout=30.0)
            at = clock.now()
            await stream.aclose()
            return at

    assert run_virtually(START, main) == START + timedelta(seconds=30)


def test_a_name_that_the_world_does_not_know_leads_nowhere() -> None:
    async def main(_: VirtualClock) -> None:
        await Names(["host.example"], 1, loop()).connect_tcp("example.org", 443)

    with pytest.raises(Unreachable, match=r"example\.org"):
        run_virtually(START, main)


def test_what_never_ends_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual, "STALL_SECONDS", 0.05)

    async def main(_: VirtualClock) -> None:
        with loop().held():
            await asyncio.Event().wait()

    with pytest.raises(MonitorError, match="stood still"):
        run_virtually(START, main)


def test_waiting_for_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual, "STALL_SECONDS", 0.05)

    async def main(_: VirtualClock) -> None:
        await asyncio.Event().wait()

    with pytest.raises(MonitorError, match="waits for nothing"):
        run_virtually(START, main)


def test_how_long_to_wait_is_exact_whatever_has_passed() -> None:
    async def main(clock: VirtualClock) -> None:
        moment = START
        for _ in range(5000):
            moment += timedelta(minutes=20)
            await asyncio.sleep(0.1003)
            await asyncio.sleep(clock.seconds_until(moment))
            assert clock.now() == moment

    run_virtually(START, main)
