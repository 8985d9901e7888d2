"""Feeds are parsed in processes of their own, which a time limit ends.

A document can keep a parser busy for minutes, or inside one call that holds the interpreter: so
no feed is parsed where the event loop runs. `python -m monitor.collect.feed.worker` reads requests
from stdin and answers on stdout, each a length of eight bytes and MessagePack; it ends when stdin
does. Starting one costs about half a second, one round about a millisecond more than the parsing.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO

import msgspec

from monitor.collect.feed.types import Document
from monitor.errors import BadAnswer, TooLarge, Unreachable

__all__ = ["SECONDS", "ParsePool", "parse_apart"]

SECONDS = 20.0
_WORKERS = 2
_MEMORY = 1_500_000_000  # bytes of address space that a worker may use
_LENGTH = 8
_LONGEST = 120  # seconds, above every pool's limit


@dataclass(frozen=True, slots=True)
class _Request:
    body: bytes
    url: str
    content_type: str


@dataclass(frozen=True, slots=True)
class _Reply:
    document: Document | None = None
    bad: str | None = None
    large: str | None = None


class ParsePool:
    """A few worker processes; one that is stuck is killed and replaced.

    Safe to use from any thread and any event loop.
    """

    def __init__(self, workers: int = _WORKERS, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="feed-parser")
        self._own = threading.local()
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()

    async def parse(self, body: bytes, *, url: str, content_type: str = "") -> Document:
        """As `feed_parse.parse`, in a worker.

        Raises:
            BadAnswer: it is no feed, or the time limit was reached.
            TooLarge: it is too long, too deep, or needs too much memory.
            Unreachable: no worker could be started.
        """
        request = _Request(body, url, content_type)
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(self._threads, self._ask, request)
        if reply.large is not None:
            raise TooLarge(reply.large, url=url)
        if reply.document is None:
            raise BadAnswer(reply.bad or f"{url}: no answer", url=url, payload=body)
        return reply.document

    def close(self) -> None:
        """End all workers; the pool can't be used afterwards."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            running, self._running = self._running, set()
        for worker in running:
            _end(worker)

    def _ask(self, request: _Request) -> _Reply:
        """One round with this thread's worker."""
        worker = self._worker(request.url)
        late = threading.Event()

        def stop() -> None:
            late.set()
            worker.kill()

        clock = threading.Timer(self._seconds, stop)
        clock.daemon = True
        clock.start()
        try:
            return _round(worker, request)
        except (OSError, EOFError, msgspec.MsgspecError):
            self._drop(worker)
            why = f"took over {self._seconds:g} s" if late.is_set() else "crashed the parser"
            return _Reply(bad=f"{request.url}: a feed that {why}; check the address")
        finally:
            clock.cancel()

    def _worker(self, url: str) -> subprocess.Popen[bytes]:
        worker: subprocess.Popen[bytes] | None = getattr(self._own, "worker", None)
        if worker is not None and worker.poll() is None:
            return worker
        try:
            self._own.worker = worker = _start()
        except OSError as error:
            raise Unreachable(
                f"{url}: no process to parse it could be started ({error})"
            ) from error
        with self._lock:
            self._running.add(worker)
        return worker

    def _drop(self, worker: subprocess.Popen[bytes]) -> None:
        self._own.worker = None
        with self._lock:
            self._running.discard(worker)
        _end(worker)


async def parse_apart(body: bytes, *, url: str, content_type: str = "") -> Document:
    """`ParsePool.parse` of the process's own pool, which starts with the first feed."""
    global _pool  # noqa: PLW0603 - processes are shared by all sources, like the interpreter
    if _pool is None:
        _pool = ParsePool()
        atexit.register(_pool.close)
    return await _pool.parse(body, url=url, content_type=content_type)


_pool: ParsePool | None = None


def _start() -> subprocess.Popen[bytes]:
    """A worker without our environment: it reads what strangers wrote and needs no secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG") if name in os.environ}
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)  # noqa: PTH109 - a plain string
    return subprocess.Popen(
        [sys.executable, "-m", "monitor.collect.feed.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us; workers end with their stdin
        env={**kept, "PYTHONPATH": paths},
    )


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    worker.wait()


def _round(worker: subprocess.Popen[bytes], request: _Request) -> _Reply:
    if worker.stdin is None or worker.stdout is None:
        raise EOFError
    _write(worker.stdin, msgspec.msgpack.encode(request))
    return msgspec.msgpack.decode(_read(worker.stdout), type=_Reply)


def _write(stream: IO[bytes], data: bytes) -> None:
    stream.write(len(data).to_bytes(_LENGTH, "big"))
    stream.write(data)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes:
    length = int.from_bytes(_exactly(stream, _LENGTH), "big")
    return _exactly(stream, length)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


def _serve() -> None:
    """The worker's side: answer until stdin ends."""
    stdin, stdout = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the answers
    _limit_memory()
    while True:
        try:
            request = msgspec.msgpack.decode(_read(stdin), type=_Request)
        except EOFError:
            return
        _end_after(_LONGEST)
        _write(stdout, msgspec.msgpack.encode(_answer(request)))
        _end_after(0)


def _answer(request: _Request) -> _Reply:
    from monitor.collect.feed.parse import parse

    try:
        return _Reply(parse(request.body, url=request.url, content_type=request.content_type))
    except BadAnswer as error:
        return _Reply(bad=str(error))
    except TooLarge as error:
        return _Reply(large=str(error))
    except MemoryError:
        return _Reply(large=f"{request.url}: a feed that needs too much memory to parse")
    except Exception as error:  # noqa: BLE001 - whatever a hostile feed breaks, the worker goes on
        return _Reply(bad=f"{request.url}: a feed that can't be parsed ({type(error).__name__})")


def _end_after(seconds: int) -> None:
    """Let the system end this process then, should nobody be left to kill it; 0 for never."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _limit_memory() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except (ImportError, ValueError, OSError):
        return


if __name__ == "__main__":
    _serve()
