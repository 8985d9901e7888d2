"""Importing 100,000 posts, beside DuckDB's own reading of the same file into a bare table.

.venv/bin/python benchmarks/importing.py
"""

from __future__ import annotations

import csv
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from monitor.api import Monitor
from monitor.config import load

POSTS = 100_000
CONFIG = """
[monitor]
data_dir = "{data}"
contact = "mailto:benchmark@example.org"

[[company]]
id = "exampla"
name = "Exampla"

[[event]]
id = "series-c"
company = "exampla"
title = "Series C"
announced_at = 2026-02-12T18:00:00Z
terms = ['"Series C"']
"""
UNSCORED = '[enrich]\nlanguage = "none"\nsentiment = "none"\n'
WORDS = ("great", "bad", "launch", "price", "team", "never", "really", "happy", "market", "fraud")


def write(path: Path) -> None:
    rng, start = random.Random(1), datetime(2026, 1, 29, tzinfo=UTC)
    with path.open("w", newline="", encoding="utf8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["post_id", "network", "created_at", "author_id", "text", "reply_to_id"])
        for n in range(POSTS):
            at = start + timedelta(seconds=rng.uniform(0, 28 * 86400))
            parent = f"x:{rng.randrange(n)}" if n and rng.random() < 0.5 else ""
            words = " ".join(rng.choices(WORDS, k=8))
            text = f"Exampla and its Series C, number {n}: {words}"
            writer.writerow([f"x:{n}", "x", at.isoformat(), f"x:u{n % 9000}", text, parent])


def seconds(what: Callable[[], object]) -> float:
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        posts = folder / "posts.csv"
        write(posts)
        for part, more in (("scored", ""), ("plain", UNSCORED)):
            (folder / f"{part}.toml").write_text(CONFIG.format(data=folder / part) + more)

        def bare() -> None:
            with duckdb.connect(folder / "bare.duckdb") as connection:
                connection.execute(f"create table posts as from read_csv('{posts}')")

        def ours(part: str) -> None:
            with Monitor(load(folder / f"{part}.toml", env={})) as monitor:
                report = monitor.bring([posts])
                assert report.posts == POSTS
                assert not report.bad_rows

        plain = seconds(bare)
        first, again = seconds(lambda: ours("plain")), seconds(lambda: ours("plain"))
        scored = seconds(lambda: ours("scored"))
        print(f"bare table            {plain:6.2f} s")
        print(f"import, unscored      {first:6.2f} s  {POSTS / first:,.0f} posts/s")
        print(f"the same file again   {again:6.2f} s")
        print(f"import until scored   {scored:6.2f} s  {POSTS / scored:,.0f} posts/s")
        print(f"ratio to a bare table {first / plain:.0f}")


if __name__ == "__main__":
    main()
