"""What a post said before it was edited, asked for once an edit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import Any

from monitor.collect.mastodon.api import Api
from monitor.collect.mastodon.parse import Status, text_of
from monitor.errors import SourceError, Throttled
from monitor.types import Post, Revision

__all__ = ["Revisions"]

_MAX_ASKED = 20  # histories, a poll
_MAX_KEPT = 1000


class Revisions:
    """Asks for the history of posts whose last edit is new to us."""

    def __init__(self, state: dict[str, Any]) -> None:
        kept = state.get("edited")
        self._edited: dict[str, str] = dict(kept) if isinstance(kept, dict) else {}
        self._left = _MAX_ASKED

    async def of(self, api: Api, status: Status, post: Post) -> Post:
        """`post` with its earlier forms, if it has any that were not asked for yet."""
        if status.edited_at is None:
            return post
        moment = status.edited_at.astimezone(UTC).isoformat()
        before = self._edited.get(status.uri, "")
        if moment == before or self._left <= 0:
            return post
        self._left -= 1
        try:
            history = await api.history(status.id)
        except Throttled:
            raise
        except SourceError:  # other servers have no such thing
            return post
        self._edited[status.uri] = moment
        forms = [
            Revision(text_of(edit.content, edit.spoiler_text), edit.created_at.astimezone(UTC))
            for edit in history
            if before < edit.created_at.astimezone(UTC).isoformat() < moment
        ]
        return replace(post, earlier=tuple(forms))

    def keep(self, state: dict[str, Any]) -> None:
        """Remember for the next poll."""
        state["edited"] = dict(list(self._edited.items())[-_MAX_KEPT:])
