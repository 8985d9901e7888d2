"""The stand-in says what the recorded servers said, under its own address and in its own time."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import MonitorError
from tests.recorded.replay import Guise, Recording, StandIn, move_times, serving
from tests.recorded.replay_bluesky import BlueskyRecording

RECORDED = Path(__file__).parents[1] / "recordings"
DEMO = RECORDED / "demo"
NAMES = ("bluesky", "wordpress", "isso", "site")
COMMENTS = "/wp-json/wp/v2/comments?post=4&order=asc&orderby=id&per_page=100&page=1"
ISSO_FEED = "/feed?uri=%2Fpost%2F"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=10) as client:
        yield client


def stand_ins() -> dict[str, StandIn]:
    return {n: StandIn([Recording(DEMO / phase / n) for phase in ("1", "2")]) for n in NAMES}


def test_the_answer_is_the_recorded_one_under_the_stand_ins_address(client: httpx.Client) -> None:
    servers = stand_ins()
    with serving(*servers.values()):
        answer = client.get(servers["wordpress"].url + COMMENTS)
    recorded = Recording(DEMO / "1" / "wordpress").find("http://127.0.0.1:8081" + COMMENTS)
    assert recorded is not None
    assert answer.status_code == recorded.status == 200
    assert answer.headers["x-wp-total"] == recorded.header("x-wp-total")
    own = servers["wordpress"].url.removeprefix("http://").encode()
    assert b"127.0.0.1:8081" not in answer.content
    assert answer.content.replace(own, b"127.0.0.1:8081") == recorded.body


def test_servers_name_one_another_by_their_present_addresses(client: httpx.Client) -> None:
    servers = stand_ins()
    with serving(*servers.values()):
        feed = client.get(servers["isso"].url + ISSO_FEED).text
        page = client.get(servers["site"].url + "/post/").text
    site = servers["site"].url.removeprefix("http://")
    assert f"tag:{site},2018:/isso/1/1<" in feed
    assert f'href="http://{site}/post/#isso-1"' in feed
    assert f'data-isso="{servers["isso"].url}/"' in page


def test_stand_ins_have_ports_of_their_own() -> None:
    servers = stand_ins()
    with serving(*servers.values()):
        assert len({one.url for one in servers.values()}) == len(NAMES)


def test_the_order_of_parameters_does_not_matter(client: httpx.Client) -> None:
    servers = stand_ins()
    path, _, query = COMMENTS.partition("?")
    turned = path + "?" + "&".join(reversed(query.split("&")))
    with serving(*servers.values()):
        url = servers["wordpress"].url
        assert client.get(url + turned).content == client.get(url + COMMENTS).content
    assert servers["wordpress"].unanswered == []


def test_what_was_not_recorded_is_not_found_and_remembered(client: httpx.Client) -> None:
    servers = stand_ins()
    with serving(*servers.values()):
        url = servers["wordpress"].url
        assert client.get(f"{url}/wp-json/wp/v2/comments?page=99").status_code == 404
        assert client.post(url + COMMENTS).status_code == 404
    assert servers["wordpress"].unanswered == [
        f"GET {url}/wp-json/wp/v2/comments?page=99",
        f"POST {url}{COMMENTS}",
    ]


def test_recorded_refusals_are_no_unanswered_requests(client: httpx.Client) -> None:
    servers = stand_ins()
    with serving(*servers.values()):
        servers["wordpress"].turn(1)
        trashed = client.get(servers["wordpress"].url + "/wp-json/wp/v2/comments/4")
        robots = client.get(servers["site"].url + "/robots.txt")
    assert (trashed.status_code, trashed.json()["code"]) == (401, "rest_cannot_read")
    assert robots.status_code == 404
    assert not any(one.unanswered for one in servers.values())


def test_a_phase_lasts_until_it_is_turned(client: httpx.Client) -> None:
    servers = stand_ins()
    with serving(*servers.values()):
        url = servers["wordpress"].url + COMMENTS
        first = {one["id"] for one in client.get(url).json()}
        servers["wordpress"].turn(1, quiet=0.01)
        second = {one["id"] for one in client.get(url).json()}
    assert first - second == {4}
    assert second - first == {14, *range(36, 51)}


@pytest.mark.parametrize(
    ("server", "path"), [("wordpress", "/feed/"), ("isso", ISSO_FEED), ("site", "/post/")]
)
def test_unchanged_documents_are_not_sent_again(
    client: httpx.Client, server: str, path: str
) -> None:
    servers = stand_ins()
    with serving(*servers.values(), later=timedelta(hours=30)):
        url = servers[server].url + path
        first = client.get(url)
        kept = {"If-Modified-Since": first.headers["last-modified"]}
        by_date = client.get(url, headers=kept)
        tag = first.headers.get("etag")
        by_tag = client.get(url, headers={**kept, "If-None-Match": tag} if tag else kept)
        other = client.get(url, headers={**kept, "If-None-Match": '"other"'})
        older = client.get(url, headers={"If-Modified-Since": "Thu, 01 Jan 1998 00:00:00 GMT"})
    assert (first.status_code, by_date.status_code, by_tag.status_code) == (200, 304, 304)
    assert by_date.content == b""
    assert (other.status_code, older.status_code) == (200, 200)


def test_a_changed_document_is_sent(client: httpx.Client) -> None:
    servers = stand_ins()
    with serving(*servers.values()):
        url = servers["isso"].url + ISSO_FEED
        tag = client.get(url).headers["etag"]
        assert client.get(url, headers={"If-None-Match": tag}).status_code == 304
        servers["isso"].turn(1)
        changed = client.get(url, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.text.count("<entry>")) == (200, 17)


def test_bluesky_takes_weak_tags_and_wordpress_has_none_for_its_api(client: httpx.Client) -> None:
    servers = stand_ins()
    with serving(*servers.values()):
        url = servers["bluesky"].url + "/xrpc/com.atproto.identity.resolveHandle"
        tag = client.get(url, params={"handle": "northwind.test"}).headers["etag"]
        again = client.get(
            url, params={"handle": "northwind.test"}, headers={"If-None-Match": f'"x", {tag}'}
        )
        listed = client.get(servers["wordpress"].url + COMMENTS)
        late = client.get(
            servers["wordpress"].url + COMMENTS,
            headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        )
    assert tag.startswith("W/")
    assert again.status_code == 304
    assert "etag" not in listed.headers
    assert late.status_code == 200


def test_times_are_moved_on_the_way_out_and_back_on_the_way_in(client: httpx.Client) -> None:
    servers = stand_ins()
    later = timedelta(days=400, hours=5)
    with serving(*servers.values(), later=later):
        url = servers["wordpress"].url
        feed = client.get(url + "/feed/")
        listed = client.get(url + COMMENTS).json()
        since = datetime(2026, 11, 23, 22, 44, 32, tzinfo=UTC) + later
        changed = client.get(
            url + "/wp-json/wp/v2/posts",
            params={
                "modified_after": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "orderby": "modified", "order": "desc", "_embed": "author",
                "per_page": 100, "page": 1,
            },
        )  # fmt: skip
    recorded = Recording(DEMO / "1" / "wordpress").find("http://127.0.0.1:8081" + COMMENTS)
    assert recorded is not None
    for told, was in zip(listed, json.loads(recorded.body), strict=True):
        for name in ("date", "date_gmt"):
            moved = datetime.fromisoformat(told[name]) - datetime.fromisoformat(was[name])
            assert moved == later
    assert "2026 " not in feed.text
    assert feed.headers["last-modified"] == "Wed, 29 Dec 2027 03:44:33 GMT"
    assert changed.status_code == 200
    assert len(changed.json()) >= 1


def test_days_alone_and_impossible_moments_stay() -> None:
    text = "/2026/11/23/ 2026-11-23 2026-13-45T99:00:00Z 9999-12-31T23:59:59Z 12026-11-23T22:44:33Z"
    assert move_times(text, timedelta(days=1)) == text


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - moved as text
    st.integers(-100_000, 100_000),
    st.sampled_from(["Z", ".123Z", "+01:00", "", '"', "<"]),
)
def test_what_is_told_can_be_untold(moment: datetime, hours: int, after: str) -> None:
    guise = Guise({"127.0.0.1:8081": "127.0.0.1:40123"}, timedelta(hours=hours))
    text = (
        f"{moment.isoformat(timespec='seconds')}{after} {moment:%Y-%m-%d %H:%M:%S} "
        f"http:\\/\\/127.0.0.1:8081\\/x http%3A%2F%2F127.0.0.1%3A8081%2F 127.0.0.1:80812"
    )
    told = guise.tell(text)
    assert guise.untell(told) == text
    assert (told == text) is False
    moved = datetime.fromisoformat(told[:19]) - moment.replace(microsecond=0)
    assert moved == timedelta(hours=hours)
    assert told.endswith(
        "http:\\/\\/127.0.0.1:40123\\/x http%3A%2F%2F127.0.0.1%3A40123%2F 127.0.0.1:80812"
    )


def test_a_folder_without_a_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(MonitorError, match=str(tmp_path)):
        Recording(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(MonitorError, match=str(tmp_path)):
        Recording(tmp_path)


def test_the_recordings_are_whole_and_small() -> None:
    total = 0
    for manifest in sorted(DEMO.glob("*/*/manifest.json")):
        entries = json.loads(manifest.read_text("utf8"))
        for entry in entries:
            body = (manifest.parent / entry["file"]).read_bytes()
            assert len(body) == entry["bytes"]
            assert hashlib.sha256(body).hexdigest() == entry["sha256"]
            assert entry["method"] == "GET"
            assert datetime.fromisoformat(entry["recorded"]).tzinfo is not None
        held = {one.name for one in manifest.parent.iterdir()}
        assert held == {"manifest.json", *(entry["file"] for entry in entries)}
        total += sum(one.stat().st_size for one in manifest.parent.iterdir())
    assert 0 < total < 1_500_000


def test_what_the_proxy_writes_down_can_be_played_back(
    client: httpx.Client, tmp_path: Path
) -> None:
    servers = {name: one for name, one in stand_ins().items() if name in ("isso", "site")}
    with serving(*servers.values()):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        named = [f"{name}={one.url}" for name, one in servers.items()]
        process = subprocess.Popen(
            [sys.executable, str(RECORDED / "record.py"), str(tmp_path), str(port), *named[:1]],
            stderr=subprocess.PIPE,
        )
        try:
            assert process.stderr is not None
            assert process.stderr.readline()
            through = client.get(f"http://127.0.0.1:{port}{ISSO_FEED}")
            missing = client.get(f"http://127.0.0.1:{port}/nothing")
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            process.stderr.close()
        direct = client.get(servers["isso"].url + ISSO_FEED)
    assert (through.status_code, missing.status_code) == (200, 404)
    assert through.content == direct.content
    again = StandIn([Recording(tmp_path / "isso")])
    with serving(again):
        played = client.get(again.url + ISSO_FEED)
        assert client.get(again.url + "/nothing").status_code == 404
    assert played.content == direct.content
    assert played.headers["etag"] == direct.headers["etag"]
    assert again.unanswered == []


def get_posts(uris: list[str]) -> str:
    asked = "&".join(f"uris={quote(uri, safe='')}" for uri in uris)
    return f"http://127.0.0.1:2584/xrpc/app.bsky.feed.getPosts?{asked}"


def test_bluesky_serves_posts_by_name_whether_or_not_they_were_asked_together() -> None:
    truth = json.loads((DEMO / "truth.json").read_text("utf8"))["bluesky"]
    for phase, gone in (("1", truth["added"]), ("2", truth["deleted"])):
        recording = BlueskyRecording(DEMO / phase / "bluesky")
        served = []
        for uri in truth["stored"]:
            answer = recording.find(get_posts([uri, "at://did:plc:nobody/app.bsky.feed.post/1"]))
            assert answer is not None
            served += [post["uri"] for post in json.loads(answer.body)["posts"]]
        assert served == [uri for uri in truth["stored"] if uri not in gone]


def test_bluesky_renders_a_post_as_it_did_when_asked_by_name() -> None:
    recording = BlueskyRecording(DEMO / "2" / "bluesky")
    manifest = json.loads((DEMO / "2" / "bluesky" / "manifest.json").read_text("utf8"))
    asked = [entry for entry in manifest if "getPosts?" in entry["url"]]
    assert asked
    for entry in asked:
        uris = [v for _, v in parse_qsl(urlsplit(entry["url"]).query)]
        recorded = recording.find(entry["url"])
        assert recorded is not None
        assert recorded.body == (DEMO / "2" / "bluesky" / entry["file"]).read_bytes()
        made = recording.find(get_posts([*uris, "at://did:plc:nobody/app.bsky.feed.post/1"]))
        assert made is not None
        by_uri = [
            sorted(json.loads(one.body)["posts"], key=lambda p: p["uri"])
            for one in (recorded, made)
        ]
        assert by_uri[0] == by_uri[1]


def test_bluesky_is_not_made_to_answer_what_it_would_refuse() -> None:
    recording = BlueskyRecording(DEMO / "2" / "bluesky")
    assert recording.find(get_posts([f"at://did:plc:x/a/{n}" for n in range(26)])) is None
    assert recording.find("http://127.0.0.1:2584/xrpc/app.bsky.feed.getPosts") is None
    assert recording.find("http://127.0.0.1:2584/xrpc/app.bsky.feed.getLikes?uris=x") is None


def test_turning_waits_for_a_quiet_moment_but_not_for_ever(client: httpx.Client) -> None:
    servers = stand_ins()
    with serving(*servers.values()):
        client.get(servers["isso"].url + ISSO_FEED)
        servers["isso"].turn(1, quiet=1e9, wait=0.1)
        assert client.get(servers["isso"].url + ISSO_FEED).text.count("<entry>") == 17
