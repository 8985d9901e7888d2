"""What greedy guests cost the writer: commits with and without five endless cross joins.

    .venv/bin/python benchmarks/guests.py

A daemon holds the database; one client stores 500 posts a time through it, as polls do. Then five
DuckDB clients attach over Quack and run cross joins that never end, and the same is measured again;
a third time after the guests were killed, whose statements go on.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import numpy as np

from monitor.config import load
from monitor.serve.client import Remote

GUESTS, BATCHES, ROWS = 5, 60, 500
GREEDY = """
import sys, duckdb
c = duckdb.connect(config={"autoinstall_known_extensions": "false"})
for path in sys.argv[2:]:
    c.execute(f"load '{path}'")
c.execute(sys.argv[1])
print("attached", flush=True)
c.execute("from m.query('select count(*) from base.posts a, base.posts b, base.posts c "
          "where a.post_key + b.post_key <> c.post_key')").fetchall()
"""


def extensions() -> list[str]:
    folders = [
        Path(import_module(f"duckdb_extension_{name}").__path__[0]) for name in ("httpfs", "quack")
    ]
    return [str(next(folder.rglob("*.duckdb_extension"))) for folder in folders]


def commits(remote: Remote, begin: int) -> np.ndarray:
    """Seconds of each batch."""
    took = []
    for batch in range(begin, begin + BATCHES):
        posts = [
            {"post_id": f"x:{batch * ROWS + n}", "network": "x", "text": "It reacts. " * 10,
             "created_at": "2026-02-12T19:00:00Z"}
            for n in range(ROWS)
        ]  # fmt: skip
        started = time.perf_counter()
        remote.call("bring", posts=posts, counters=[])
        took.append(time.perf_counter() - started)
        time.sleep(0.1)
    return np.array(took)


def told(what: str, took: np.ndarray, base: np.ndarray) -> None:
    half, most = np.quantile(took, [0.5, 0.95])
    ratio = most / np.quantile(base, 0.95)
    print(f"{what:28} p50 {half * 1e3:6.0f} ms   p95 {most * 1e3:6.0f} ms   ratio {ratio:.2f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "monitor.toml"
        off = "".join(
            f"[network.{n}]\nenabled = false\n" for n in ("bluesky", "hackernews", "mastodon")
        )
        path.write_text(
            f'[monitor]\ndata_dir = "{folder}/data"\ncontact = "mailto:b@example.org"\n'
            f'[enrich]\nlanguage = "none"\nsentiment = "none"\n{off}'
        )
        data_dir = load(path, env={}).monitor.data_dir
        daemon = subprocess.Popen(
            [sys.executable, "-m", "monitor", "--config", str(path), "run"],
            stderr=subprocess.DEVNULL,
        )
        guests: list[subprocess.Popen[bytes]] = []
        try:
            while (remote := Remote.connect(data_dir)) is None:
                time.sleep(0.1)
            commits(remote, 0)  # to have something to join, and warm
            base = commits(remote, BATCHES)
            told("no guests", base, base)
            attach = (data_dir / "quack.token").read_text().strip()
            for _ in range(GUESTS):
                guest = subprocess.Popen(
                    [sys.executable, "-c", GREEDY, attach, *extensions()], stdout=subprocess.PIPE
                )
                assert guest.stdout is not None
                guest.stdout.readline()
                guests.append(guest)
            time.sleep(2)
            told(f"{GUESTS} greedy guests", commits(remote, 2 * BATCHES), base)
            for guest in guests:
                guest.kill()
            time.sleep(2)
            told("after they were killed", commits(remote, 3 * BATCHES), base)
            started = time.perf_counter()
            daemon.terminate()
            daemon.wait()
            print(f"SIGTERM ended the daemon after {time.perf_counter() - started:.1f} s")
        finally:
            daemon.kill()
            for guest in guests:
                guest.kill()


if __name__ == "__main__":
    main()
