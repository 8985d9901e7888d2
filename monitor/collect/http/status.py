"""What a status without success means, as one of our errors."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from monitor.collect.http.pace import asked_wait
from monitor.collect.http.types import BEGINNING, Reply
from monitor.collect.http.url import authority, shown
from monitor.errors import AccessDenied, Gone, HttpError, Throttled

__all__ = ["failure"]

_DENIED = (401, 403, 451)
_GONE = (404, 410)
_ASK_TO_WAIT = (403, 503)


def failure(reply: Reply, now: datetime) -> HttpError:
    """The error for `reply`, with the beginning of its body."""
    url, status, body = shown(reply.url), reply.status, reply.body[:BEGINNING]
    said = f"{url}: HTTP {status}{_phrase(status)}"
    if status == HTTPStatus.TOO_MANY_REQUESTS or (
        status in _ASK_TO_WAIT and "retry-after" in reply.headers
    ):
        wait = asked_wait(reply.headers, now)
        how_long = "without saying how long" if wait is None else f"{wait:.0f} s"
        message = f"{said}; {authority(url)} asks to wait {how_long}"
        return Throttled(message, url=url, status=status, retry_after=wait, body=body)
    if status in _DENIED:
        return AccessDenied(
            f"{said}; not readable without a login", url=url, status=status, body=body
        )
    if status in _GONE:
        return Gone(f"{said}; it is not there (any more)", url=url, status=status, body=body)
    return HttpError(said, url=url, status=status, body=body)


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
