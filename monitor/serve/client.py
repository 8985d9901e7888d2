"""The other end of the daemon's socket."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import httpx
import polars as pl

from monitor import errors
from monitor.enrich.score import Scorer
from monitor.serve.place import reachable
from monitor.store.scoring import BACKLOG, first_waiting, told

__all__ = ["Remote"]

_GRACE = 30.0
_LOOK_SECONDS = 0.1
_STUCK_SECONDS = 60.0
_BATCH = 500


class Remote:
    """A session through the daemon. `connect` answers None where none listens."""

    live = True

    def __init__(self, http: httpx.Client, stack: ExitStack) -> None:
        self._http = http
        self._stack = stack

    @classmethod
    def connect(cls, data_dir: Path) -> Self | None:
        """The session, if a daemon of this data directory answers."""
        with ExitStack() as stack:
            try:
                path = stack.enter_context(reachable(data_dir))
            except (FileNotFoundError, NotADirectoryError):
                return None
            http = stack.enter_context(
                httpx.Client(
                    transport=httpx.HTTPTransport(uds=path),
                    base_url="http://monitor",
                    timeout=httpx.Timeout(None, connect=2.0),
                    trust_env=False,
                )
            )
            try:
                http.get("/", timeout=5.0)
            except httpx.TransportError:
                return None
            return cls(http, stack.pop_all())

    def query(
        self,
        sql: str,
        params: Mapping[str, Any] | list[Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> pl.DataFrame:
        """The rows of one reading statement; see `Database.query`."""
        asked = {"sql": sql, "params": _plain(params), "timeout": timeout}
        answer = self._post("/query", asked, timeout)
        return pl.read_ipc_stream(io.BytesIO(answer.content))

    def call(self, command: str, **arguments: Any) -> Any:
        """Run a writing command in the daemon."""
        return self._post(f"/call/{command}", arguments, None).json()

    def score(self, progress: Callable[[int], None]) -> None:
        """Wait until the daemon has scored what is stored.

        Raises:
            StoreBusy: it has not got on for a minute.
        """
        least, since = None, time.monotonic()
        while left := int(self._asked().json()["unscored"]):
            progress(left)
            if least is None or left < least:
                least, since = left, time.monotonic()
            elif time.monotonic() - since > _STUCK_SECONDS:
                raise errors.StoreBusy(
                    f"everything is stored, but the daemon does not get on with scoring it "
                    f"({left} posts wait); its log says why"
                )
            time.sleep(_LOOK_SECONDS)

    def rescore(self, scorer: Scorer, progress: Callable[[int], None]) -> None:
        """Score here what this scorer has not looked at, and have the daemon store it.

        Raises:
            StoreError: the daemon keeps nothing of it.
        """
        names = {"engine": scorer.engine, "model": scorer.model}
        statement = first_waiting(scorer.engine, scorer.model, _BATCH)
        before: list[int] = []
        while posts := told(self.query(statement).iter_rows()):
            progress(int(self.query(BACKLOG, names).item()))
            if [post.key for post in posts] == before:
                raise errors.StoreError("the daemon does not keep these scores; its log says why")
            before = [post.key for post in posts]
            scored = [dataclasses.asdict(one) for one in scorer.score(posts)]
            self.call("keep_scores", scored=scored, **names)

    def trouble(self) -> str | None:
        """Why the daemon can store nothing at present; None while all is well."""
        said: str | None = self._asked().json()["trouble"]
        return said

    def _asked(self) -> httpx.Response:
        try:
            return self._http.get("/", timeout=_GRACE)
        except httpx.TransportError as error:
            raise _gone(error) from error

    def _post(self, path: str, body: Any, timeout: float | None) -> httpx.Response:
        limit = timeout + _GRACE if timeout else None
        try:
            answer = self._http.post(path, json=body, timeout=httpx.Timeout(limit, connect=2.0))
        except httpx.TransportError as error:
            raise _gone(error) from error
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise _as_raised(answer.json())
        if not answer.is_success:
            raise errors.StoreError(
                f"the daemon failed on this request ({answer.status_code}); its log says why"
            )
        return answer

    def close(self) -> None:
        """Hang up."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _gone(error: Exception) -> errors.StoreBusy:
    return errors.StoreBusy(
        f"the daemon went away before it answered ({type(error).__name__}); try again"
    )


def _as_raised(said: Mapping[str, str]) -> errors.MonitorError:
    kind = getattr(errors, said["error"], errors.StoreError)
    made: errors.MonitorError = kind.__new__(kind)
    Exception.__init__(made, said["message"])
    return made


def _plain(params: Mapping[str, Any] | list[Any] | None) -> Any:
    if params is None:
        return None
    if isinstance(params, Mapping):
        return {name: _value(value) for name, value in params.items()}
    return [_value(value) for value in params]


def _value(value: Any) -> Any:
    """What JSON can carry; times come back as times at the other end."""
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    return value
