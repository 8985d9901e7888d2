"""The daemon's socket: what goes in and out, and what no client can do to the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from stat import S_IMODE
from typing import Any

import httpx
import pytest

from monitor.config import Config
from monitor.errors import QueryError, QueryTimeout, StoreError, UsageError
from monitor.serve.app import QUERIES_AT_ONCE
from monitor.serve.client import Remote
from monitor.serve.place import reachable
from monitor.session import connect
from monitor.store.database import Database
from tests.world import ACME, OFFLINE, Process, configured, filled, post_id

ENDLESS = "select count(*) from range(1000000000) as a, range(1000000000) as b where a.range <> 3"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    made = configured(tmp_path_factory.mktemp("socket"), ACME + OFFLINE, serve_sql=False)
    filled(made)
    return made


@pytest.fixture(scope="module")
def process(config: Config) -> Iterator[Process]:
    with Process(config) as made:
        made.ready().close()
        yield made


@pytest.fixture
def remote(process: Process) -> Iterator[Remote]:
    with process.ready() as made:
        yield made


@contextmanager
def raw(config: Config) -> Iterator[httpx.Client]:
    with reachable(config.monitor.data_dir) as path:
        transport = httpx.HTTPTransport(uds=path)
        with httpx.Client(transport=transport, base_url="http://monitor", timeout=20) as client:
            yield client


VALUES = (
    "select $text as text, $at::timestamp as at, $number as number, $nothing::int as nothing, "
    "$many::varchar[] as many, 9007199254740993::bigint as exact, interval 2 hour as span, "
    "timestamptz '2026-02-12 19:00:00+01' as zoned, 1.5::decimal(4,2) as price, '1' as text"
)
GIVEN: dict[str, Any] = {
    "text": 'é😀 "quoted" \n', "at": datetime(2026, 2, 12, 18, tzinfo=UTC), "number": 2.5,
    "nothing": None, "many": ["a", "b"],
}  # fmt: skip


def test_a_statement_answers_as_it_does_without_a_daemon(remote: Remote) -> None:
    with Database.open(None) as database:
        assert remote.query(VALUES, GIVEN).equals(database.query(VALUES, GIVEN))
    frame = remote.query("select post_id, text from posts where text like ?", ["Acme%"])
    assert frame.height == 2


def test_nothing_is_a_frame_with_its_columns(remote: Remote) -> None:
    frame = remote.query("select post_id, created_at from posts where false")
    assert (frame.height, frame.columns) == (0, ["post_id", "created_at"])


@pytest.mark.parametrize(
    "sql",
    ["delete from base.posts", "select 1; drop table base.posts", "set threads = 1", "selekt 1",
     "copy posts to '/tmp/never.csv'", "from read_text('/etc/hostname')", "select * from nowhere"],
)  # fmt: skip
def test_what_only_reads_is_run_and_nothing_else(remote: Remote, sql: str) -> None:
    with pytest.raises(QueryError) as refused:
        remote.query(sql)
    assert "\n" not in str(refused.value)
    assert remote.query("select count(*) from posts").item() == 3


def test_a_statement_stops_at_its_limit(remote: Remote) -> None:
    with pytest.raises(QueryTimeout, match=r"after 0\.3 s"):
        remote.query(ENDLESS, timeout=0.3)
    assert remote.query("select 1").item() == 1


def test_a_statement_stops_when_its_client_hangs_up(config: Config, remote: Remote) -> None:
    """Else the daemon would have no room left for the next."""
    for _ in range(QUERIES_AT_ONCE + 1):
        with raw(config) as client, pytest.raises(httpx.ReadTimeout):
            client.post("/query", json={"sql": ENDLESS, "timeout": 60}, timeout=0.2)
    assert remote.query("select 1", timeout=5).item() == 1


def test_many_ask_at_once(config: Config, process: Process) -> None:
    def ask(n: int) -> int:
        with process.ready() as remote:
            return int(remote.query("select ? + count(*) from posts", [n]).item())

    with ThreadPoolExecutor(2 * QUERIES_AT_ONCE) as threads:
        assert list(threads.map(ask, range(40))) == [n + 3 for n in range(40)]


def test_writing_commands_run_in_the_daemon(remote: Remote) -> None:
    mention = post_id("mention")
    said = remote.call("exclude", event="acme-a", posts=[mention])
    assert said == {"event": "acme-a", "undo": False, "changed": 1}
    excluded = "select post_id from reactions where excluded_by is not null"
    assert remote.query(excluded)["post_id"].to_list() == [mention]
    assert remote.call("exclude", event="acme-a", posts=[mention], undo=True)["changed"] == 1
    assert remote.query(excluded).height == 0


def test_errors_of_commands_are_the_same_at_the_other_end(remote: Remote) -> None:
    with pytest.raises(UsageError, match="no reaction to event 'acme-a'"):
        remote.call("exclude", event="acme-a", posts=["bluesky:nobody"])
    with pytest.raises(UsageError, match="of another version"):
        remote.call("dance")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"sql": 1}', b'{"sql": null}', b'{"params": []}', b"\xff\xfe"]
)
def test_a_request_that_makes_no_sense_harms_nobody(
    config: Config, remote: Remote, body: bytes
) -> None:
    with raw(config) as client:
        said = client.post("/query", content=body)
    assert (said.status_code, said.json()["error"]) == (422, "UsageError")
    assert remote.query("select 1").item() == 1


def test_a_failure_of_the_daemon_is_an_error_here(remote: Remote) -> None:
    with pytest.raises(StoreError, match="its log says why"):
        remote.call("exclude", nonsense=True)


def test_the_socket_is_its_owners(config: Config, process: Process) -> None:
    folder = config.monitor.data_dir
    assert S_IMODE((folder / "monitor.sock").stat().st_mode) == 0o600
    assert S_IMODE(folder.stat().st_mode) == 0o700


def test_a_session_goes_through_the_daemon(config: Config, process: Process) -> None:
    with connect(config) as session:
        assert session.live
        assert session.query("select count(*) from posts").item() == 3


def test_long_answers_arrive_whole(remote: Remote) -> None:
    frame = remote.query("select range as n, repeat('x', 100) as text from range(100000)")
    assert frame.height == 100_000
    assert frame["n"].sum() == 99_999 * 50_000


def test_readers_do_not_wait_for_each_other(process: Process) -> None:
    done = threading.Event()

    def long() -> None:
        with process.ready() as remote, pytest.raises(QueryTimeout):
            remote.query(ENDLESS, timeout=1)
        done.set()

    thread = threading.Thread(target=long)
    thread.start()
    with process.ready() as remote:
        assert remote.query("select 1").item() == 1
        assert not done.is_set()
    thread.join()


def test_where_nobody_listens_there_is_no_session(tmp_path: Path) -> None:
    assert Remote.connect(tmp_path) is None
    assert Remote.connect(tmp_path / "nowhere") is None
    (tmp_path / "monitor.sock").touch()
    assert Remote.connect(tmp_path) is None
