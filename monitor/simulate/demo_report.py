"""What the demo tells at its end: all of it is read from the database, by the product's own means."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.api import Monitor
from monitor.report.files import replacing
from monitor.report.output import write
from monitor.report.text import visible

if TYPE_CHECKING:
    import polars as pl

__all__ = ["report"]

WIDTH = 100
MAX_LISTED = 5

RELATIONS = """
pivot (
    select relation, p.network, 1 as post
    from reactions join posts as p using (post_id)
    where event_id = 'EVENT' and excluded_by is null
)
on network using sum(post) group by relation order by relation
"""
CHANGES = """
with versions as (
    select
        post_id, text,
        lag(text) over (partition by post_id order by version) as before
    from post_versions
)

select
    (select count(*) from posts where state = 'deleted') as deleted,
    (select count(*) from posts where state = 'hidden') as hidden,
    (select count(distinct post_id) from versions where text <> before) as edited
"""
FAILED = """
select source_id, last_error from source_status where last_outcome in ('error', 'throttled')
"""


def report(
    monitor: Monitor,
    event: str,
    config: Path,
    *,
    recorded: datetime,
    moved: timedelta,
    unanswered: Mapping[str, list[str]],
) -> int:
    """Print the series, a summary, where the files lie and what to try; the exit code.

    Args:
        recorded: when the recordings end.
        moved: how far their times were moved.
        unanswered: by server, what was asked and is not recorded.
    """
    folder = config.parent
    series = monitor.series(event, bucket="1h")
    with replacing(folder / "series.csv") as stream:
        write(series, "csv", stream)
    manifest = monitor.export(folder / "export")
    _line(f"{_title(monitor, event)}, by the hour:")
    _line()
    _table(_shown(series))
    _line()
    _summary(monitor, event)
    _line()
    _line(_origin(recorded, moved))
    _line()
    _files(folder, series, manifest)
    _line()
    _line("Try:")
    for arguments in _tries(event):
        _line(f"  {shlex.join([*_command(), '--config', _near(config), *arguments])}")
    return _failures(monitor, unanswered)
