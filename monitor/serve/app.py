"""What the daemon answers on its Unix socket: reading statements and writing commands.

`POST /query` takes `{sql, params, timeout}` and answers an Arrow stream; `POST /call/NAME` runs a
writing command with JSON arguments. An error answers `{error, message}` with the error's class.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from monitor.errors import MonitorError, UsageError
from monitor.store.database import Database, Reading

__all__ = ["Call", "application"]

ARROW = "application/vnd.apache.arrow.stream"
DEFAULT_SECONDS = 300.0
QUERIES_AT_ONCE = 8
AGAIN_SECONDS = 0.1

Call = Callable[..., Coroutine[Any, Any, Any]]


def application(
    database: Database, calls: Mapping[str, Call], about: Callable[[], Any]
) -> Starlette:
    """The app.

    Args:
        calls: writing commands by name; each takes keyword arguments and answers JSON-able data.
        about: what `GET /` says of the daemon.
    """
    slots = asyncio.Semaphore(QUERIES_AT_ONCE)
    # Of their own: the loop's threads also resolve names for the collectors.
    threads = ThreadPoolExecutor(QUERIES_AT_ONCE, thread_name_prefix="query")

    async def home(_: Request) -> Response:
        return JSONResponse(about())

    async def query(request: Request) -> Response:
        asked = await _body(request)
        sql, seconds = asked.get("sql"), asked.get("timeout") or DEFAULT_SECONDS
        if not isinstance(sql, str) or not isinstance(seconds, int | float):
            raise UsageError("a query is {sql: text, params: list or object, timeout: seconds}")
        async with slots:
            with database.reading() as reading:
                work = asyncio.get_running_loop().run_in_executor(
                    threads, _run, reading, sql, _params(asked.get("params")), seconds
                )
                body = await _unless_gone(request, work, reading)
        return Response(body, media_type=ARROW)

    async def call(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in calls:
            raise UsageError(f"this daemon has no command {name!r}; is it of another version?")
        return JSONResponse(await calls[name](**await _body(request)))

    async def failed(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": type(error).__name__, "message": str(error)}, status_code=422)

    return Starlette(
        routes=[
            Route("/", home),
            Route("/query", query, methods=["POST"]),
            Route("/call/{name}", call, methods=["POST"]),
        ],
        exception_handlers={MonitorError: failed},
    )


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError) as error:
        raise UsageError(f"expected a JSON object: {error}") from error
    if not isinstance(body, dict):
        raise UsageError(f"expected a JSON object, got {type(body).__name__}")
    return body


def _params(given: Any) -> Any:
    """Parameters as the client had them before they became JSON."""
    if isinstance(given, dict):
        if given.keys() == {"$time"}:
            return datetime.fromisoformat(given["$time"])
        return {name: _params(value) for name, value in given.items()}
    return [_params(value) for value in given] if isinstance(given, list) else given


def _run(reading: Reading, sql: str, params: Any, seconds: float) -> bytes:
    frame = reading.query(sql, params, timeout=seconds)
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer)
    return buffer.getvalue()


async def _unless_gone(request: Request, work: asyncio.Future[bytes], reading: Reading) -> bytes:
    """The work's result; when the client hangs up, the statement is stopped."""
    gone = asyncio.ensure_future(_hung_up(request))
    try:
        both: set[asyncio.Future[Any]] = {work, gone}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:  # also when the daemon stops
        gone.cancel()
        await _stop(work, reading)
    return work.result()


async def _stop(work: asyncio.Future[bytes], reading: Reading) -> None:
    """Wait for `work`, interrupting it: more than once, as it may not have begun."""
    while not work.done():
        reading.interrupt()
        await asyncio.wait({work}, timeout=AGAIN_SECONDS)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
