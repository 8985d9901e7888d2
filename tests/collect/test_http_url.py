"""Addresses as text: what may be asked, what may be shown."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.collect.http import url as http_url
from monitor.collect.http.url import authority, checked, is_loopback, redact, shown


def test_the_examples_hold():
    assert doctest.testmod(http_url).failed == 0


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://me:pw@example.org/a", "https://example.org/a"),
        ("https://me:p@w@example.org/a", "https://example.org/a"),
        ("https://example.org/@name/1?max_id=2", "https://example.org/@name/1?max_id=2"),
        ("https://example.org/?key=a&b=1", "https://example.org/?key=REDACTED&b=1"),
        ("https://example.org/?api%5Fkey=a", "https://example.org/?api%5Fkey=REDACTED"),
        ("https://example.org/?accessToken=a", "https://example.org/?accessToken=REDACTED"),
        ("https://example.org/?a=1;secret=b", "https://example.org/?a=1;secret=REDACTED"),
        ("https://example.org/?auth=a&sig=b", "https://example.org/?auth=REDACTED&sig=REDACTED"),
        ("https://example.org/?author=5&next_token=b", None),
        ("https://example.org/?pageToken=CAUQ&signal=1", None),
        ("https://example.org/a#access_token=x", "https://example.org/a"),
    ],
)
def test_secrets_are_not_shown_and_the_rest_is(url, seen):
    assert redact(url) == (seen or url)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://Example.org:80/a", "example.org"),
        ("https://me:pw@example.org:8443/", "example.org:8443"),
        ("http://[::1]:80/", "[::1]"),
    ],
)
def test_a_host_is_known_by_name_and_port(url, name):
    assert authority(url) == name


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_loopback_is_known_by_name_and_number(host):
    assert is_loopback(f"http://{host}:80/")


@pytest.mark.parametrize("host", ["127.example.org", "localhost.example.org", "10.0.0.1"])
def test_other_hosts_are_not_loopback(host):
    assert not is_loopback(f"http://{host}/")


def test_odd_characters_after_the_host_are_escaped():
    assert checked(" https://example.org/a b\u200b?c=\\ #d") == (
        "https://example.org/a%20b%E2%80%8B?c=%5C%20"
    )


@given(st.text(max_size=60) | st.text(max_size=40).map(lambda rest: f"http://{rest}"))
@example("http://[::1")
@example("http://a\tb/")
def test_every_text_is_a_checked_address_or_a_value_error(text):
    assert shown(text).isprintable()
    try:
        url = checked(text)
    except ValueError as error:
        assert text not in str(error) or len(text) < 3  # noqa: PT017  # both ends are right
    else:
        assert checked(url) == url
        assert url.isprintable()


@given(st.from_regex(r"[A-Za-z0-9._~!$&'()*+,;=:@-]{6,20}", fullmatch=True))
def test_a_password_is_never_shown(password):
    secret = f"<{password}>"
    assert secret not in shown(f"https://me:{secret}@example.org/a")
    assert secret not in shown(f"https://example.org/a?token={secret.replace('&', '')}")
