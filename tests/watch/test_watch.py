"""From an address to a followed event: what real servers answered, in real processes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from monitor.api import Monitor
from monitor.cli.app import cli
from monitor.config import Config
from monitor.errors import SourceError, UsageError
from tests.recorded.play import RECORDED
from tests.recorded.replay import Recording, StandIn, serving
from tests.recorded.replay_bluesky import BlueskyRecording
from tests.world import Process, configured

TRUTH = json.loads((RECORDED / "truth.json").read_text("utf8"))
TOLD = json.loads((RECORDED / "event.json").read_text("utf8"))
INDEXED_AT = datetime(2026, 11, 23, 22, 44, tzinfo=UTC)  # by the AppView, to the minute
RIVAL = "https://x.com/rival/status/1890000000000000001"
X_POST = "https://x.com/northwind/status/1890000000000000000"
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Network:
    """Stand-ins of Bluesky and WordPress; the addresses of one announcement on each."""

    bluesky: str
    thread: str
    article: str
    announced_at: datetime

    def config(self, folder: Path, toml: str = "", **settings: object) -> Config:
        ways = (
            f'\n[network.bluesky]\nbase_url = "{self.bluesky}"\n'
            "\n[network.mastodon]\nenabled = false\n\n[network.hackernews]\nenabled = false\n"
        )
        return configured(folder, toml + ways, allow_private_addresses=True, **settings)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    answers = [
        BlueskyRecording(RECORDED / "1" / "bluesky"),
        Recording(RECORDED / "1" / "wordpress"),
    ]
    bluesky, wordpress = (StandIn([one]) for one in answers)
    later = (datetime.now(UTC) - max(one.ended_at for one in answers)) // HOUR * HOUR
    with serving(bluesky, wordpress, later=later):
        article = wordpress.url + TOLD["wordpress"]
        yield Network(bluesky.url, TOLD["bluesky"], article, INDEXED_AT + later)


def rows(told: pl.DataFrame, part: str) -> list[dict[str, object]]:
    return told.filter(pl.col("part") == part).to_dicts()


def event_id(told: pl.DataFrame) -> str:
    return str(rows(told, "event")[0]["what"])


def posts(m: Monitor, event: str) -> set[str]:
    found = m.query("select post_id from reactions where event_id = ?", [event])
    return set(found["post_id"])


def test_an_address_alone_becomes_an_event_with_its_reactions(
    network: Network, tmp_path: Path
) -> None:
    with Monitor(network.config(tmp_path)) as m:
        told = m.watch([network.thread])
        event = event_id(told)
        (row,) = m.query("select * exclude (window_before, window_after) from events").to_dicts()
        assert row["event_id"] == event
        assert row["origin"] == "watch"
        assert row["state"] == "active"
        moment = row["announced_at"].replace(tzinfo=UTC)
        assert abs(moment - network.announced_at) < timedelta(minutes=1)
        served = {f"bluesky:{uri}" for uri in TRUTH["bluesky"]["stored"]}
        announced = f"bluesky:{network.thread}"
        reactions = posts(m, event)
        assert announced in reactions
        assert len(reactions) > 20
        assert reactions <= served
        (summary,) = m.summary(event).to_dicts()
        assert summary["posts"] == len(reactions) - 1
        follows = rows(told, "follows")
        assert {one["network"] for one in follows} == {"bluesky"}
        assert all(one["posts"] for one in follows)
        refused = {str(one["what"]): str(one["detail"]) for one in rows(told, "not asked")}
        assert "404" in refused["search Northwind Energy, northwind.test"]  # of nobody's asking
        asked_nowhere = {one["network"] for one in rows(told, "not asked")}
        assert {"x", "reddit", "youtube"} <= asked_nowhere


def test_a_newsroom_that_shows_little_leaves_no_baseline_and_that_is_said(
    network: Network, tmp_path: Path
) -> None:
    newsroom = network.article.partition("/2026/")[0] + "/feed/"
    company = f'[[company]]\nid = "northwind"\nname = "Northwind"\nfeeds = ["{newsroom}"]\n'
    with Monitor(network.config(tmp_path, company)) as m:
        told = m.watch([network.article])
        assert rows(told, "company")[0]["what"] == "northwind"  # whose feed it is
        (feed,) = (one for one in rows(told, "follows") if one["what"] == f"feed {newsroom}")
        (baseline,) = (one for one in rows(told, "not known") if one["what"] == "baseline")
        assert feed["since_utc"] == baseline["since_utc"]
        assert "needs 7 days" in str(baseline["detail"])
        assert posts(m, event_id(told))


def test_a_plain_page_becomes_an_event_and_its_comment_feed_the_replies(
    network: Network, tmp_path: Path
) -> None:
    servers = [StandIn([Recording(RECORDED / "1" / name)]) for name in ("site", "isso")]
    with serving(*servers), Monitor(network.config(tmp_path)) as m:
        told = m.watch([servers[0].url + TOLD["site"]], company="Nobody Else")
        (event,) = m.query("select kind, title, announced_at from events").to_dicts()
        assert (event["kind"], event["title"]) == ("other", "Northwind raises its prices")
        assert str(event["announced_at"]) == "2026-11-23 17:44:00"
        relations = m.query("select relation, count(*) as n from reactions group by all order by 1")
        assert relations.rows() == [("announcement", 1), ("reply", 12)]
        assert any("feed?uri=" in str(one["what"]) for one in rows(told, "follows"))


def test_watching_again_joins_and_a_page_that_is_named_joins_too(
    network: Network, tmp_path: Path
) -> None:
    with Monitor(network.config(tmp_path)) as m:
        first = m.watch([network.thread])
        before = posts(m, event_id(first))
        again = m.watch([network.thread])
        assert event_id(again) == event_id(first)
        assert posts(m, event_id(first)) == before
        assert "joined" in str(rows(again, "event")[0]["detail"])
        joined = m.watch([network.article], event=event_id(first))
        assert event_id(joined) == event_id(first)
        assert m.query("select count(*) from events").item() == 1
        more = posts(m, event_id(first))
        assert before < more
        assert {one.partition(":")[0] for one in more - before} == {"wordpress"}


def test_what_is_watched_outlives_the_process_and_the_configuration_goes_first(
    network: Network, tmp_path: Path
) -> None:
    with Monitor(network.config(tmp_path)) as m:
        event = event_id(m.watch([network.thread], title="What they called it"))
    stated = (
        '[[company]]\nid = "northwind"\nname = "Northwind Ltd"\n\n'
        f'[[event]]\nid = "{event}"\ncompany = "northwind"\ntitle = "As configured"\n'
        f"announced_at = {network.announced_at:%Y-%m-%dT%H:%M:%SZ}\n"
    )
    config = network.config(tmp_path, stated)
    with Process(config) as daemon:
        with daemon.ready() as remote:
            row = remote.query("select event_id, title, state, origin from events").row(0)
            assert row == (event, "As configured", "active", "config")
            kept = remote.query(
                "select count(*) from announcements where event_id = ?", [event]
            ).item()
            assert kept == 1  # the watched address is still read
        assert daemon.end() == 0
    with Monitor(network.config(tmp_path)) as m, Process(m.config) as daemon:
        with daemon.ready() as remote:
            row = remote.query("select event_id, title, state, origin from events").row(0)
            assert row == (event, "What they called it", "active", "watch")
        assert daemon.end() == 0


def test_a_running_daemon_follows_it_at_once(network: Network, tmp_path: Path) -> None:
    config = network.config(tmp_path)
    with Process(config) as daemon:
        daemon.ready().close()
        with Monitor(config) as m:
            assert m.session.live
            told = m.watch([network.thread])
            event = event_id(told)
            polls = m.query("select count(*) from polls").item()
            assert len(posts(m, event)) > 20
            assert m.query("select count(*) from sentiment").item() > 10
            waiting = m.query("select count(*) from sources where next_at is null").item()
            assert polls >= len(rows(told, "follows"))
            assert waiting == m.query(
                "select count(*) from sources where state <> 'active'"
            ).item()  # fmt: skip
        assert daemon.end() == 0


def test_a_post_of_x_opens_an_event_by_what_its_id_tells(network: Network, tmp_path: Path) -> None:
    with Monitor(network.config(tmp_path)) as m:
        told = m.watch([X_POST], company="Southwind", kind="funding", title="Series B")
        (row,) = m.query("select announced_at, title, kind from events").to_dicts()
        assert str(row["announced_at"]).startswith("2025-02-13 11:28:09")
        assert (row["title"], row["kind"]) == ("Series B", "funding")
        (announcement,) = rows(told, "announcement")
        assert "no collector reads x yet" in str(announcement["detail"])
        assert m.query("select post_id from announcements").item() == "x:1890000000000000000"
        unknown = str(rows(told, "not known")[0]["detail"])
        assert "counts of this event only, no baseline" in unknown
        m.add(X_POST, text="We raise $30B", views=1_000, observed_at="2025-02-13T12:00:00Z")
        assert m.query("select relation from reactions").item() == "announcement"


@pytest.mark.parametrize(
    ("url", "error", "says"),
    [
        ("not an address", UsageError, "not an address"),
        ("at://did:plc:nobody/app.bsky.feed.post/3none", SourceError, "3none"),
        ("https://x.com/northwind", UsageError, "x.com/northwind"),
    ],
)
def test_an_address_that_shows_no_post_is_an_error_that_names_it_and_stores_nothing(
    network: Network, tmp_path: Path, url: str, error: type[Exception], says: str
) -> None:
    with Monitor(network.config(tmp_path)) as m:
        with pytest.raises(error, match=says):
            m.watch([url], company="Northwind")
        assert m.query("select count(*) from events").item() == 0
        assert m.query("select count(*) from companies").item() == 0


def test_the_commands_of_the_documentation_run(network: Network, tmp_path: Path) -> None:
    config = network.config(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "watching.md").read_text("utf8")
    said = [line.partition("  #")[0] for line in page.splitlines() if line.startswith(".venv")]
    assert len(said) > 5
    names = {"X_URL": RIVAL, "URL": network.thread, "EVENT": "northwind-energy-2026", "NAME": "NW"}
    for n, line in enumerate(said):
        words = [names.get(word, word) for word in shlex.split(line)[1:]]
        result = CliRunner().invoke(cli, ["--config", str(config.path), *words])
        assert result.exit_code == 0, result.output
        if n == 0:
            told = pl.read_csv(result.stdout.encode())
            names["EVENT"] = event_id(told)


# One post by its address.


@pytest.fixture
def followed(network: Network, tmp_path: Path) -> Iterator[tuple[Monitor, str]]:
    with Monitor(network.config(tmp_path)) as m:
        yield m, event_id(m.watch([network.thread]))


def test_a_post_is_told_by_hand_and_its_counters_later(
    followed: tuple[Monitor, str], network: Network
) -> None:
    m, event = followed
    told = {"text": "Fix it", "author": "@rival", "reply_to": network.thread}
    moment = f"{network.announced_at + HOUR / 60:%Y-%m-%dT%H:%M:%SZ}"
    post_id = m.add(RIVAL, event=event, created_at=moment, views=1_000, **told)
    assert post_id == "x:1890000000000000001"
    m.add(RIVAL, views=250_000, observed_at=datetime.now(UTC))
    m.add(RIVAL, event=event, created_at=moment, **told)  # nothing new
    views = m.query(
        "select views from engagement where post_id = ? order by observed_at", [post_id]
    )
    assert views["views"].to_list() == [1_000, 250_000]
    row = m.query(
        "select relation, author_handle, text, p.source_id from reactions as r "
        "join posts as p using (post_id) where post_id = ?", [post_id],
    ).row(0)  # fmt: skip
    assert row == ("reply", "rival", "Fix it", "import")
    assert m.query("select count(*) from post_versions where post_id = ?", [post_id]).item() == 1


def test_a_network_that_can_be_asked_is_asked(
    followed: tuple[Monitor, str], network: Network
) -> None:
    m, event = followed
    assert m.add(network.article, event=event, relation="press").startswith("wordpress:")
    (title, relation) = m.query(
        "select title, relation from reactions join posts using (post_id) "
        "where network = 'wordpress'"
    ).row(0)
    assert title.startswith("Northwind raises prices")
    assert relation == "press"


def test_what_is_missing_by_hand_is_named(followed: tuple[Monitor, str]) -> None:
    m, event = followed
    before = m.query("select count(*) from posts").item()
    with pytest.raises(UsageError, match=r"can't be asked.*--text TEXT"):
        m.add(RIVAL, event=event)
    with pytest.raises(UsageError, match="--created-at"):
        m.add("https://www.reddit.com/r/x/comments/abc123/_/def456/", event=event, text="so")
    with pytest.raises(UsageError, match="no event"):
        m.add(RIVAL, event="nothing-of-that-name", text="so")
    assert m.query("select count(*) from posts").item() == before
