"""Months in an hour: the daemon's core against feeds that fail, until nothing is left to be seen.

    make soak
    .venv/bin/python benchmarks/soak.py --posts 20000 --sources 100 --hours 4

A thousand feeds of fifty items each, with bursts; hosts refuse, fail, hang, cut answers off and
send garbage. Polls follow the posts on virtual time. At the end content must equal truth: every
post stands once, as it was published, or a gap of its source says that it was not seen. The exit
code is 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import structlog

from monitor.collect.http.door import MAX_CONNECTIONS, Door, Retries
from monitor.collect.http.pace import Pace
from monitor.config import Config, load
from monitor.schedule import committer
from monitor.schedule.assembly import Assembly, assembled
from monitor.serve.memory import keep_memory_together
from monitor.session import DATABASE
from monitor.simulate.platforms.faults import Fault
from monitor.simulate.platforms.protocol import Asked, Reply, document
from monitor.simulate.platforms.server import Server, serving
from monitor.simulate.virtual import Names, VirtualClock, run_virtually
from monitor.store.database import Database
from monitor.store.verify import verify

START = datetime(2026, 1, 1, tzinfo=UTC)
SHOWN = 50
FEEDS_A_HOST = 5
RSS_BAR = 400e6
FLAT_BAR = 1.05
CONNECTIONS_BAR = 2 * MAX_CONNECTIONS
"""Both ends of what the daemon's pool may hold are in this process."""
LINEAR_BAR = 1.25
KINDS = ("429", "403", "500", "cut", "slow", "garbage", "changed")
LAST_LOOK = timedelta(minutes=30)
GROUP_SECONDS = 2.0
"""Polls share a commit as under load; else each would have its own, on a clock that waits."""
RESTARTS = 4
"""The daemon is stopped and started so often; some minutes pass meanwhile."""


class Feeds:
    """Stands in for a share of the hosts; each share fails at times of its own."""

    def __init__(self, network: str, hosts: dict[str, list[np.ndarray]]) -> None:
        self.network = network
        self._hosts = hosts

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(self._hosts)

    def answer(self, asked: Asked, now: datetime) -> Reply:
        number = int(asked.path.rpartition("/")[2])
        times = self._hosts[asked.host][number]
        seconds = (now - START).total_seconds()
        count = int(np.searchsorted(times, seconds, "right"))
        first = max(0, count - SHOWN)
        items = [
            {
                "id": link(asked.host, number, n), "url": link(asked.host, number, n),
                "title": title(asked.host, number, n), "content_text": "It reacts. " * 10,
                "date_published": (START + timedelta(seconds=float(times[n]))).isoformat(),
            }
            for n in reversed(range(first, count))
        ]  # fmt: skip
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Soak", "items": items}
        changed = START + timedelta(seconds=float(times[count - 1])) if count else None
        return document(json.dumps(feed).encode(), "application/feed+json", changed, asked)


def link(host: str, number: int, n: int) -> str:
    return f"http://{host}/{number}/{n}"


def title(host: str, number: int, n: int) -> str:
    return f"Item {n} of {number} at {host}"


def arrivals(sources: int, posts: int, hours: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Seconds of each source's posts: uneven rates, a third of the posts in bursts."""
    weights = rng.lognormal(0, 1, sources)
    counts = rng.multinomial(posts, weights / weights.sum())
    span = hours * 3600
    made = []
    for count in counts:
        burst = rng.random(count) < 1 / 3
        at = rng.uniform(0, span, count)
        begins = rng.uniform(0, span * 0.9, 3)
        at[burst] = (rng.choice(begins, count) + rng.exponential(600, count))[burst]
        made.append(np.sort(np.round(at[at < span], 3)))
    return made


def faults(networks: list[str], hours: float, rng: random.Random) -> Iterator[Fault]:
    for network in networks:
        for _ in range(2):
            begin = START + timedelta(hours=rng.uniform(0.05, 0.8) * hours)
            yield Fault(network, rng.choice(KINDS), begin, begin + timedelta(hours=hours / 20))


@dataclass
class Sample:
    polls: int
    posts: int
    rss: float
    files: int
    connections: int
    size: float


def sample(polls: int, posts: int, data_dir: Path) -> Sample:
    rss = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    size = sum(f.stat().st_size for f in data_dir.glob(f"{DATABASE}*"))
    kinds = [_target(handle) for handle in Path("/proc/self/fd").iterdir()]
    connections = sum(kind.startswith("socket:") for kind in kinds)
    return Sample(polls, posts, rss, len(kinds) - connections, connections, size)


def _target(handle: Path) -> str:
    """What a handle leads to; nothing, if it was closed meanwhile."""
    with suppress(OSError):
        return str(handle.readlink())
    return ""


class Soak:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.hours, self.sources = options.hours, options.sources
        rng = np.random.default_rng(options.seed)
        self.times = arrivals(options.sources, options.posts, options.hours, rng)
        self.samples: list[Sample] = []
        self.polls = self.posts = 0
        self.every = max(1, int(options.sources * options.hours * 12 / 200))
        self.begun = time.monotonic()
        names = [f"h{n}.test" for n in range(-(-options.sources // FEEDS_A_HOST))]
        self.host = [names[n // FEEDS_A_HOST] for n in range(options.sources)]
        hosts: dict[str, dict[str, list[np.ndarray]]] = {}
        for n, name in enumerate(names):
            own = self.times[n * FEEDS_A_HOST : (n + 1) * FEEDS_A_HOST]
            hosts.setdefault(f"share{n % 20}", {})[name] = own
        self.platforms = [Feeds(network, own) for network, own in hosts.items()]
        self.faults = list(faults(list(hosts), options.hours, random.Random(options.seed)))
        path = folder / "monitor.toml"
        lines = [
            f'[monitor]\ndata_dir = "{folder}/data"\ncontact = "mailto:soak@example.org"',
            'memory_limit = "256MB"\nserve_sql = false',
            *(f"[network.{n}]\nenabled = false" for n in ("bluesky", "hackernews", "mastodon")),
            *(
                f'[[source]]\nid = "s{n}"\nnetwork = "feed"\n'
                f'target = "http://{self.host[n]}/{n % FEEDS_A_HOST}"'
                for n in range(options.sources)
            ),
        ]
        path.write_text("\n".join(lines) + "\n")
        self.config: Config = load(path, env={})

    def run(self) -> None:
        life = timedelta(hours=self.hours) / RESTARTS
        for n in range(RESTARTS):
            begin = START + n * life + (timedelta(minutes=5) if n else timedelta(0))
            until = START + (n + 1) * life
            if n == RESTARTS - 1:  # a last look at everything, after the last fault
                until += LAST_LOOK
            run_virtually(begin, lambda clock, until=until: self._live(clock, until))

    async def _live(self, clock: VirtualClock, until: datetime) -> None:
        loop = asyncio.get_running_loop()
        server = Server(self.platforms, clock, self.faults)
        async with serving(server) as port:
            door = Door(
                self.config.monitor.contact,
                pace=Pace(lambda _: None, loop.time, limiter=lambda _: nullcontext()),
                retries=Retries(wait_jitter=0.0), clock=clock, monotonic=loop.time,
                backend=Names(server.hosts, port, loop),
            )  # fmt: skip
            async with assembled(self.config, clock, 0.0, self._done, door=door) as running:
                await self._drive(running, clock, until)

    async def _drive(self, running: Assembly, clock: VirtualClock, until: datetime) -> None:
        core, changed = running.core, asyncio.Event()
        core.on_change = changed.set
        while clock.now() < until:
            core.tick()
            changed.clear()
            due = core.next_due()
            # A millisecond at least: the clock has no finer moments.
            seconds = max(0.001, clock.seconds_until(min(due or until, until)))
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), seconds)

    def _done(self, _: object, new: int) -> None:
        self.polls, self.posts = self.polls + 1, self.posts + new
        if self.polls % self.every == 0:
            self.samples.append(sample(self.polls, self.posts, self.config.monitor.data_dir))
            if sys.stderr.isatty() or self.polls % (20 * self.every) == 0:
                last, seconds = self.samples[-1], time.monotonic() - self.begun
                print(
                    f"{last.polls} polls, {last.posts} posts, {last.rss / 1e6:.0f} MB, "
                    f"{last.files} files, {last.connections} connections, "
                    f"{last.size / 1e6:.1f} MB on disk, {seconds:.0f} s",
                    file=sys.stderr, flush=True,
                )  # fmt: skip

    def check(self) -> list[str]:
        """The bars that are missed."""
        with Database.open(self.config.monitor.data_dir / DATABASE) as database:
            missed = verify(database.query)
            stored = database.query("select url, title, created_at, source_id from posts")
            holes = database.query(
                "select source_id, started_at, coalesce(ended_at, timestamp 'infinity') "
                "as ended_at from gaps "
                "where concerns = 'posts' and filled_at is null and post_id is null"
            )
        truth = pl.DataFrame(
            [
                (link(self.host[s], s % FEEDS_A_HOST, n), title(self.host[s], s % FEEDS_A_HOST, n),
                 (START + timedelta(seconds=float(at))).replace(tzinfo=None), f"s{s}")
                for s, times in enumerate(self.times) for n, at in enumerate(times)
            ],
            schema={"url": pl.String, "title": pl.String, "created_at": pl.Datetime("us"),
                    "source_id": pl.String},
            orient="row",
        )  # fmt: skip
        strange = stored.join(truth, on=stored.columns, how="anti")
        unseen = truth.join(stored, on="url", how="anti")
        named = unseen.join(holes, on="source_id").filter(
            (pl.col("created_at") >= pl.col("started_at"))
            & (pl.col("created_at") <= pl.col("ended_at"))
        )
        unnamed = unseen.join(named, on="url", how="anti")
        half = len(self.samples) // 2
        second = self.samples[half:]
        rss = [s.rss for s in second]
        flat = float(np.mean(rss[-len(rss) // 4 :]) / np.mean(rss[: max(1, len(rss) // 4)]))
        files = [max(s.files for s in part) for part in (self.samples[:half], second)]
        connections = max(s.connections for s in self.samples)
        per_post = [s.size / s.posts for s in self.samples if s.posts]
        linear = per_post[-1] / per_post[len(per_post) // 2]
        print(f"polls                {self.polls}")
        print(f"posts published      {truth.height}")
        print(f"posts stored         {stored.height}, of them not as published {strange.height}")
        print(f"posts not seen       {unseen.height}, of them in no gap {unnamed.height}")
        print(f"memory, most         {max(s.rss for s in self.samples) / 1e6:.0f} MB (bar 400)")
        print(f"memory, last eighth against fifth {flat:.3f} (bar {FLAT_BAR})")
        print(f"files open at most   {files[0]} in the first half, {files[1]} in the second")
        print(f"connections, most    {connections} (bar {CONNECTIONS_BAR})")
        print(f"bytes a post at the end against the middle {linear:.3f} (bar {LINEAR_BAR})")
        print(f"took                 {time.monotonic() - self.begun:.0f} s")
        bars = {
            "a stored post is not as it was published": strange.height == 0,
            "a post that was not seen stands in no gap": unnamed.height == 0,
            "more than 200,000 polls": self.polls <= 200_000,
            "more than 400 MB": max(s.rss for s in self.samples) < RSS_BAR,
            "memory grows": flat <= FLAT_BAR,
            "open files grow": files[1] <= files[0],
            "connections stay open": connections <= CONNECTIONS_BAR,
            "size grows faster than posts": linear <= LINEAR_BAR,
        }
        return missed + [bar for bar, holds in bars.items() if not holds]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--posts", type=int, default=200_000)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    committer.GROUP_SECONDS = GROUP_SECONDS
    keep_memory_together()  # as the daemon does
    # DuckDB loads pandas wherever it finds it. monitor brings none; a tool of the tests does.
    sys.modules["pandas"] = None  # type: ignore[assignment]
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        soak = Soak(options, folder)
        soak.run()
        missed = soak.check()
    finally:
        shutil.rmtree(folder)
    for bar in missed:
        print(f"missed: {bar}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
