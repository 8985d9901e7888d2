"""What a WordPress list does not show: comments that are gone, and parents that never were there.

A list that lacks a known comment proves nothing (a page may slip, a type is never listed), so each
is asked for by itself; a firewall's refusal is never taken for a deletion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from monitor.collect.protocol import Answer, Ask
from monitor.collect.wordpress.api import Api, is_gone
from monitor.collect.wordpress.ids import comment_id
from monitor.collect.wordpress.parse import CommentAnswer, PostAnswer, comment, decode, post
from monitor.errors import HttpError
from monitor.types import Gap, GapReason, Harvest

__all__ = ["Asker", "absent", "confirmed", "kept_answers", "parent_gaps", "trimmed"]

MAX_ASKED = 100  # single questions in one poll; the rest waits for the next
MAX_KEPT = 1000
ASK_AGAIN = timedelta(days=1)

SERVED, NOT_PUBLIC, GONE = 200, 401, 404


@dataclass(slots=True)
class Asker:
    """Asks for single posts and comments, remembers the answers, and stops at 100 a poll.

    `answers` maps `comment/12` to (status, when): 200 served, 401 not public, 404 gone.
    """

    ask: Ask
    api: Api
    harvest: Harvest
    answers: dict[str, tuple[int, float]] = field(default_factory=dict)
    left: int = MAX_ASKED

    async def status(self, name: str) -> int | None:
        """200, 401 or 404 for `comment/12` or `post/12`; None if it must wait for the next poll."""
        known = self.answers.get(name)
        if known and (known[0] == GONE or self._is_fresh(known[1])):
            return known[0]
        if self.left == 0:
            return None
        self.left -= 1
        kind, _, number = name.partition("/")
        status = await self._get(kind, number)
        self.answers[name] = (status, self.ask.now.timestamp())
        return status

    def _is_fresh(self, at: float) -> bool:
        return self.ask.now.timestamp() - at < ASK_AGAIN.total_seconds()

    async def _get(self, kind: str, number: str) -> int:
        try:
            answer = await self.api.get(f"wp/v2/{kind}s/{number}")
        except HttpError as error:
            status = is_gone(error)
            if status is None:
                raise
            return status
        self._keep(kind, answer)
        return SERVED

    def _keep(self, kind: str, answer: Answer) -> None:
        site = self.api.site
        if kind == "comment":
            self.harvest.posts.append(comment(decode(answer, CommentAnswer), site, answer))
        else:
            self.harvest.posts.append(post(decode(answer, PostAnswer), site, answer))


def kept_answers(state: Mapping[str, Any], listed: Iterable[str]) -> dict[str, tuple[int, float]]:
    """The answers that an earlier poll left in its state, without what is listed again."""
    given = state.get("answers")
    shown = set(listed)
    pairs = given.items() if isinstance(given, dict) else ()
    return {name: (int(s), float(at)) for name, (s, at) in pairs if name not in shown}


def trimmed(answers: Mapping[str, tuple[int, float]]) -> dict[str, list[float]]:
    """The newest thousand answers, ready for a state."""
    newest = sorted(answers.items(), key=lambda pair: (-pair[1][1], pair[0]))[:MAX_KEPT]
    return {name: [status, at] for name, (status, at) in newest}


def absent(live: Iterable[str], listed: Iterable[str], prefix: str) -> list[str]:
    """Known ids that start with `prefix` and are not listed.

    >>> absent(["c/1", "c/2", "p/3"], ["c/2"], "c/")
    ['c/1']
    """
    return sorted({one for one in live if one.startswith(prefix)} - set(listed))


async def confirmed(asker: Asker, missing: Iterable[str]) -> list[str]:
    """Those of the ids `missing` that the site confirms to be gone, or to be public no longer."""
    return [one for one in missing if await asker.status(_name(one)) in (GONE, NOT_PUBLIC)]


async def parent_gaps(asker: Asker, parents: Iterable[int]) -> list[Gap]:
    """One gap for each comment that is named as a parent but neither listed nor ever seen.

    Deleted ones were there once; what is held, spam or in the trash counts as one missing.
    """
    site = asker.api.site
    ids = {comment_id(site, number): number for number in sorted(set(parents))}
    seen = asker.ask.memory.seen(ids)
    gaps = []
    for where, number in ids.items():
        status = None if where in seen else await asker.status(f"comment/{number}")
        if where not in seen and status != SERVED:
            gaps.append(_gap(where, status))
    return gaps


def _gap(where: str, status: int | None) -> Gap:
    if status == GONE:
        return Gap(reason=GapReason.PARENT_DELETED, post_id=where)
    reason = GapReason.HIDDEN if status == NOT_PUBLIC else GapReason.UNEXPLAINED
    return Gap(reason=reason, post_id=where, missing=1)


def _name(one: str) -> str:
    """`comment/12` out of an id."""
    return "/".join(one.rsplit("/", 2)[-2:])
