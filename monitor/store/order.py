"""Posts of closed days in the order of time, so that a window costs what it holds.

Posts are stored as they are found: a late one stands among those of its finder's day. DuckDB skips
a row group (122,880 rows) whose times all lie outside a window, and one late row keeps it from
that. So runs of posts are written anew, sorted: the late ones of a run then fill one row group.
"""

from __future__ import annotations

from datetime import datetime

from monitor.store.database import Cursor

__all__ = ["TimeOrder"]

RUN = 250_000
"""Rows of a run, two row groups: a longer one makes a window no cheaper by much, and keeps the
writer from its commits for longer than a second or two."""


class TimeOrder:
    """The writer's hand on where rows of posts stand.

    Args:
        run: how many rows are sorted at once.
    """

    def __init__(self, cursor: Cursor, run: int = RUN) -> None:
        self._cursor, self._run = cursor, run

    def advance(self, now: datetime) -> bool:
        """Sort one run, if so many posts of closed days wait for it; was there one?"""
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        waiting = "from base.posts where is_sorted is null and created_at < $1"
        if self._cursor.execute(f"select count(*) {waiting}", [today])[0][0] < self._run:
            return False
        with self._cursor.transaction():
            self._cursor.execute(
                f"create or replace temp table run as select rowid as place {waiting} "
                "order by created_at, post_key limit $2",
                [today, self._run],
            )
            self._cursor.execute(
                "insert into base.posts select * replace (true as is_sorted) from base.posts "
                "where rowid in (select place from run) order by created_at, post_key"
            )
            self._cursor.execute("delete from base.posts where rowid in (select place from run)")
            self._cursor.execute("drop table run")
        return True
