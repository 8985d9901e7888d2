"""The door as collectors use it: answers, errors, conditional requests, redirects."""

from __future__ import annotations

import base64
import logging

import pytest

from monitor.collect.http.address import CheckedBackend
from monitor.collect.http.door import Door, Limits, Retries
from monitor.collect.protocol import Http
from monitor.errors import (
    AccessDenied,
    BadAnswer,
    ForbiddenAddress,
    Gone,
    HttpError,
    TooLarge,
    Unreachable,
)
from tests.collect.server import Asked, Reply, always, names, serve

AT_ONCE = Retries(wait_initial=0, wait_max=0, wait_jitter=0)


def open_door(**more) -> Door:
    settings = {"allow_private_addresses": True, "retries": AT_ONCE} | more
    return Door("mailto:ops@example.org", **settings)


async def test_an_answer_is_read_and_its_cost_counted():
    async with (
        serve(always(Reply(body=b'{"a": 1}', headers={"X-Two": "1"}))) as server,
        open_door() as door,
    ):
        poll: Http = door.open("feed")
        answer = await poll.get(f"{server.url}/a", params={"x": ["1", "2"], "y": 3})
    assert answer.json() == {"a": 1}
    assert answer.headers["x-two"] == "1"
    assert answer.url == f"{server.url}/a?x=1&x=2&y=3"
    assert server.paths == ["/a?x=1&x=2&y=3"]
    assert (poll.requests, poll.bytes, poll.status) == (1, 8, 200)
    assert not answer.unchanged
    assert answer.moved_to is None


async def test_hosts_learn_who_asks_and_whom_to_write_to():
    async with serve(always(Reply())) as server, open_door() as door:
        await door.open("feed").get(server.url, headers={"Accept": "application/json"})
    headers = server.asked[0].headers
    assert headers["user-agent"].startswith("monitor/")
    assert headers["user-agent"].endswith(" (+mailto:ops@example.org)")
    assert headers["accept-encoding"] == "gzip, deflate, br"
    assert headers["accept"] == "application/json"


async def test_a_contact_cannot_add_headers():
    async with (
        serve(always(Reply())) as server,
        Door("me\r\nX-Evil: 1", allow_private_addresses=True) as door,
    ):
        await door.open("feed").get(server.url)
    assert "x-evil" not in server.asked[0].headers


async def test_no_cookies_are_kept():
    async with (
        serve(always(Reply(headers={"Set-Cookie": "id=1; Path=/"}))) as server,
        open_door() as door,
    ):
        poll = door.open("feed")
        await poll.get(server.url)
        await poll.get(server.url)
    assert all("cookie" not in asked.headers for asked in server.asked)


async def test_html_for_json_is_a_bad_answer_with_its_payload():
    page = Reply(body=b"<html>busy</html>", headers={"Content-Type": "text/html"})
    async with serve(always(page)) as server, open_door() as door:
        answer = await door.open("x").get(server.url)
        with pytest.raises(BadAnswer, match="expected JSON, got text/html") as caught:
            answer.json()
    assert caught.value.payload == b"<html>busy</html>"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, HttpError),
        (401, AccessDenied),
        (403, AccessDenied),
        (404, Gone),
        (410, Gone),
        (418, HttpError),
        (451, AccessDenied),
        (500, HttpError),
        (300, HttpError),
        (304, HttpError),
        (302, HttpError),  # without a Location
        (599, HttpError),
    ],
)
async def test_a_status_without_success_is_an_error_with_its_body(status, kind):
    body = b"" if status == 304 else b'{"error":"NotFound"}'
    async with serve(always(Reply(status, body))) as server, open_door() as door:
        poll = door.open("bluesky")
        with pytest.raises(HttpError) as caught:
            await poll.get(f"{server.url}/a")
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.body) == (status, body)
    assert poll.status == status
    assert str(caught.value).startswith(f"{server.url}/a: HTTP {status}")
    assert "\n" not in str(caught.value)


async def test_only_the_beginning_of_an_error_page_is_read():
    page = Reply(500, body=[b"x" * 65536] * 400, chunked=True)
    async with serve(always(page)) as server, open_door(retries=Retries(attempts=1)) as door:
        poll = door.open("feed")
        with pytest.raises(HttpError) as caught:
            await poll.get(server.url)
    assert len(caught.value.body) == 65536
    assert poll.bytes < 1_000_000


@pytest.mark.parametrize(
    "url",
    [
        *("", "nonsense", "ftp://example.org/", "file:///etc/passwd", "http://", "http://a b/"),
        *("http://example.org:99999/", "http://[::1/", "http://a\\@b/", "http://\x00/"),
        *("http://" + "a" * 9000, "http://xn--" + "é" * 300 + "/", "https://u:p/w@host/"),
        *("http://..../", "http://-/", "http://example.org:0/", "http://%zz/"),
    ],
)
async def test_what_is_no_address_is_an_error_on_one_line(url):
    async with open_door(backend=CheckedBackend(resolve=names({}))) as door:
        poll = door.open("feed")
        with pytest.raises(Unreachable) as caught:
            await poll.get(url)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 800
    assert "p/w" not in str(caught.value)


async def test_a_refused_connection_is_unreachable():
    async with serve(always(Reply())) as server:
        url = server.url
    async with open_door() as door:
        poll = door.open("feed")
        with pytest.raises(Unreachable, match="no connection"):
            await poll.get(url)
    assert poll.requests == 3
    assert poll.status is None


async def test_what_is_no_http_is_unreachable():
    async with (
        serve(always(Reply(headers={"Bad Header\x01": "x"}))) as server,
        open_door() as door,
    ):
        with pytest.raises(Unreachable, match="no valid HTTP"):
            await door.open("feed").get(server.url)


async def test_a_header_that_cannot_be_sent_is_not_repeated_in_the_message():
    async with serve(always(Reply())) as server, open_door() as door:
        for secret in ("geheim\r\nX: y", "geheimé"):
            with pytest.raises(Unreachable) as caught:
                await door.open("x").get(server.url, headers={"Authorization": secret})
            assert "geheim" not in str(caught.value)
    assert server.asked == []


# Conditional requests


def versioned(asked: Asked) -> Reply:
    if asked.headers.get("if-none-match") == '"v1"':
        return Reply(304, headers={"ETag": '"v1"'})
    stamp = "Mon, 01 Jan 2024 00:00:00 GMT"
    return Reply(body=b"one", headers={"ETag": '"v1"', "Last-Modified": stamp})


async def test_an_unchanged_document_is_not_sent_again():
    async with serve(versioned) as server, open_door() as door:
        first = door.open("feed")
        answer = await first.get(f"{server.url}/f?a=1", conditional=True)
        second = door.open("feed", first.validators)
        again = await second.get(f"{server.url}/f", params={"a": 1}, conditional=True)
    assert (answer.unchanged, answer.body) == (False, b"one")
    assert (again.unchanged, again.body, again.status) == (True, b"", 304)
    assert server.asked[1].headers["if-modified-since"] == "Mon, 01 Jan 2024 00:00:00 GMT"
    assert second.validators == first.validators


async def test_validators_are_for_one_address_and_for_those_who_want_them():
    async with serve(versioned) as server, open_door() as door:
        first = door.open("feed")
        await first.get(f"{server.url}/f?a=1", conditional=True)
        poll = door.open("feed", first.validators)
        assert (await poll.get(f"{server.url}/f?a=2", conditional=True)).status == 200
        assert (await poll.get(f"{server.url}/f?a=1")).status == 200


async def test_the_same_bytes_are_unchanged_also_without_validators():
    bodies = iter([b"one", b"one", b"two"])
    async with serve(lambda _: Reply(body=next(bodies))) as server, open_door() as door:
        poll = door.open("feed")
        answers = []
        for _ in range(3):
            answers.append(await poll.get(server.url, conditional=True))
            poll = door.open("feed", poll.validators)
    assert [(a.unchanged, a.body) for a in answers] == [
        (False, b"one"),
        (True, b"one"),
        (False, b"two"),
    ]


async def test_validators_are_not_sent_to_another_address_than_gave_them():
    target = "/one"

    def handler(asked: Asked) -> Reply:
        if asked.path == "/":
            return Reply(302, headers={"Location": target})
        return versioned(asked)

    async with serve(handler) as server, open_door() as door:
        poll = door.open("feed")
        await poll.get(f"{server.url}/", conditional=True)
        assert (await poll.get(f"{server.url}/", conditional=True)).status == 304
        target = "/two"
        assert (await poll.get(f"{server.url}/", conditional=True)).status == 200


async def test_at_most_64_addresses_are_kept_the_latest_used_ones():
    async with serve(versioned) as server, open_door() as door:
        poll = door.open("feed")
        for n in range(64):
            await poll.get(f"{server.url}/{n}", conditional=True)
        poll = door.open("feed", poll.validators)
        await poll.get(f"{server.url}/0", conditional=True)
        await poll.get(f"{server.url}/new", conditional=True)
    kept = {url.rpartition("/")[2] for url in poll.validators}
    assert kept == {"0", "new", *(str(n) for n in range(2, 64))}


@pytest.mark.parametrize(
    "stored",
    [None, [], {"etag": 7}, {"sha256": None}, {"etag": "a\r\nX-Evil: 1"}, {"etag": "é" * 9}],
)
async def test_stored_validators_that_make_no_sense_are_ignored(stored):
    async with serve(versioned) as server, open_door() as door:
        entry = stored | {"url": server.url} if isinstance(stored, dict) else stored
        poll = door.open("feed", {server.url: entry})
        answer = await poll.get(server.url, conditional=True)
    assert answer.body == b"one"
    assert not {"if-none-match", "x-evil"} & set(server.asked[0].headers)


# Redirects


def moves(steps: dict[str, tuple[int, str]]):
    def handler(asked: Asked) -> Reply:
        if asked.path in steps:
            status, location = steps[asked.path]
            return Reply(status, headers={"Location": location})
        return Reply(body=b"here")

    return handler


@pytest.mark.parametrize(
    ("steps", "moved"),
    [
        ({"/a": (301, "/b")}, True),
        ({"/a": (308, "/c"), "/c": (301, "b")}, True),
        ({"/a": (301, "/c"), "/c": (302, "/b")}, False),
        ({"/a": (307, "/b")}, False),
        ({"/a": (303, "/b#part")}, False),
    ],
)
async def test_a_permanent_move_is_reported_a_temporary_one_is_not(steps, moved):
    async with serve(moves(steps)) as server, open_door() as door:
        poll = door.open("feed")
        answer = await poll.get(f"{server.url}/a")
    assert answer.body == b"here"
    assert answer.url == f"{server.url}/b"
    assert answer.moved_to == (answer.url if moved else None)
    assert poll.requests == len(steps) + 1


async def test_five_redirects_are_followed_and_not_a_sixth():
    steps = {f"/{n}": (302, f"/{n + 1}") for n in range(6)}
    async with serve(moves(steps)) as server, open_door() as door:
        poll = door.open("feed")
        assert (await poll.get(f"{server.url}/1")).body == b"here"
        with pytest.raises(TooLarge, match="more than 5 redirects"):
            await poll.get(f"{server.url}/0")


async def test_a_circle_of_redirects_ends():
    steps = {"/a": (302, "/b"), "/b": (302, "/a")}
    async with serve(moves(steps)) as server, open_door() as door:
        with pytest.raises(TooLarge, match="in a circle"):
            await door.open("feed").get(f"{server.url}/a")
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("file:///etc/passwd", ForbiddenAddress),
        ("gopher://example.org/", ForbiddenAddress),
        ("javascript:alert(1)", BadAnswer),
        ("data://text/html,x", ForbiddenAddress),
        ("http://user:secret@example.org/", ForbiddenAddress),
        ("//user:secret@example.org/", ForbiddenAddress),
        ("http://[bad/", BadAnswer),
        ("http://xn--é/", BadAnswer),
        ("http://example.org:99999/", BadAnswer),
        ("http://good.example\\@evil.example/", BadAnswer),
        ("/" + "a" * 9000, BadAnswer),
    ],
)
async def test_a_redirect_leads_to_plain_web_addresses_only(location, kind):
    async with serve(moves({"/a": (302, location)})) as server, open_door() as door:
        with pytest.raises(kind) as caught:
            await door.open("feed").get(f"{server.url}/a")
    assert "secret" not in str(caught.value)
    assert str(caught.value).isprintable()


async def test_credentials_stay_with_the_origin_they_were_meant_for():
    headers = {"Authorization": "Bearer secret", "X-Api-Key": "secret", "Accept": "text/html"}
    async with serve(always(Reply(body=b"there"))) as other:
        steps = {"/a": (302, "/b"), "/b": (302, f"{other.url}/c")}
        async with serve(moves(steps)) as server, open_door() as door:
            await door.open("x").get(f"{server.url}/a", headers=headers)
    assert [a.headers.get("authorization") for a in server.asked] == ["Bearer secret"] * 2
    assert not {"authorization", "x-api-key"} & set(other.asked[0].headers)
    assert other.asked[0].headers["accept"] == "text/html"


async def test_a_user_in_the_address_is_sent_and_never_shown():
    async with serve(moves({"/a": (301, "/b")})) as server, open_door() as door:
        poll = door.open("feed")
        url = server.url.replace("//", "//me:p%40ss@")
        answer = await poll.get(f"{url}/a", conditional=True)
    sent = "Basic " + base64.b64encode(b"me:p@ss").decode()
    assert [a.headers["authorization"] for a in server.asked] == [sent, sent]
    assert answer.url == answer.moved_to == f"{server.url}/b"
    assert "ss" not in str(poll.validators)


async def test_secrets_in_parameters_are_sent_but_neither_shown_nor_kept(caplog):
    caplog.set_level(logging.DEBUG)

    def handler(asked: Asked) -> Reply:
        return Reply(404 if "missing" in asked.path else 200, b"{")

    async with serve(handler) as server, open_door() as door:
        poll = door.open("youtube")
        answer = await poll.get(f"{server.url}/a?key=S3CRET&page=2", conditional=True)
        with pytest.raises(BadAnswer) as bad:
            answer.json()
        with pytest.raises(Gone) as gone:
            await poll.get(f"{server.url}/missing", params={"access_token": "S3CRET"})
    assert server.paths == ["/a?key=S3CRET&page=2", "/missing?access_token=S3CRET"]
    seen = [answer.url, poll.validators, bad.value, bad.value.url, gone.value, gone.value.url]
    assert "S3CRET" not in " ".join(map(str, [*seen, caplog.text]))


async def test_a_secret_address_that_moved_is_not_reported():
    steps = {"/a?token=S3": (301, "/b?token=S3")}
    async with serve(moves(steps)) as server, open_door() as door:
        answer = await door.open("feed").get(f"{server.url}/a?token=S3")
    assert answer.body == b"here"
    assert answer.moved_to is None


async def test_nothing_is_printed(capfd):
    logging.basicConfig(level=logging.INFO, force=True)
    replies = iter([Reply(500), Reply(body=b"ok")])
    async with serve(lambda _: next(replies)) as server, open_door() as door:
        await door.open("feed").get(server.url)
    assert capfd.readouterr() == ("", "")


async def test_limits_have_the_documented_defaults():
    limits = Limits()
    assert (limits.body_bytes, limits.decoded_bytes) == (20 * 2**20, 50 * 2**20)
    assert limits.redirects == 5
