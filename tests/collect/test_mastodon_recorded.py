"""What a real Mastodon server answered, and the posts that it becomes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.collect.mastodon.api import _next_id
from monitor.collect.mastodon.parse import (
    Account,
    Context,
    Edit,
    Status,
    counters,
    fit,
    place,
    statuses,
    to_post,
)
from monitor.collect.protocol import Answer
from monitor.simulate.platforms.protocol import Asked
from monitor.types import Engagement
from tests.collect.mastodon_case import HOME, TOP, Fediverse, at

SERVER = "http://localhost:3000"


@pytest.fixture(scope="module")
def folder(foreign_recordings: Path) -> Path:
    return foreign_recordings / "mastodon"


def entries(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "manifest.json").read_text("utf8"))
    return found


def answer(folder: Path, entry: dict[str, Any]) -> Answer:
    return Answer(entry["url"], entry["status"], {}, (folder / entry["file"]).read_bytes())


def one(folder: Path, name: str) -> Answer:
    (entry,) = (e for e in entries(folder) if e["file"].endswith(f"{name}.json"))
    return answer(folder, entry)


def test_a_post(folder: Path) -> None:
    found = one(folder, "__test_status_1")
    status = fit(found.json(), Status, found)
    post = to_post(status)
    data = found.json()
    assert post.post_id == f"ap:{data['uri']}"
    assert post.url == data["url"]
    assert post.author_id == f"ap:{data['account']['uri']}"
    assert post.author_handle == f"{data['account']['username']}@localhost:3000"
    assert post.claimed_at == datetime.fromisoformat(data["created_at"])
    assert post.language_tag == data["language"]
    assert post.text
    assert "<" not in post.text
    assert counters(status) == Engagement(
        post_id=post.post_id, likes=0, reposts=0, replies=0, quotes=0
    )
    assert place(data["uri"]) == place(data["url"]) == (SERVER, data["id"])


def test_an_edited_post_and_its_history(folder: Path) -> None:
    found = one(folder, "__test_status_edit_3")
    post = to_post(fit(found.json(), Status, found))
    assert post.text == ("the best editor? why, of course it is the KDE Advanced Text Editor, Kate")
    assert post.edited_at == datetime(2026, 8, 1, 13, 54, 0, 695000, tzinfo=UTC)
    history = one(folder, "__test_status_edit_4")
    edits = [fit(entry, Edit, history) for entry in history.json()]
    assert [edit.created_at.isoformat(timespec="milliseconds") for edit in edits] == [
        "2026-08-01T13:54:00.505+00:00", "2026-08-01T13:54:00.695+00:00",
    ]  # fmt: skip


def test_links_of_a_post(folder: Path) -> None:
    found = one(folder, "__test_status_quote_approval_visibility_3")
    post = to_post(fit(found.json(), Status, found))
    assert post.links == ("https://www.youtube.com/watch?v=FAEKjYroiME",)


def test_accounts_and_an_empty_context(folder: Path) -> None:
    for name in ("__test_account_lookup_2", "__test_account_lookup_3"):
        found = one(folder, name)
        assert fit(found.json(), Account, found).handle == "mastodonpy_test@localhost:3000"
    found = one(folder, "__test_status_context_1")
    context = fit(found.json(), Context, found)
    assert (context.ancestors, context.descendants) == ([], [])


def test_every_recorded_list_and_post_fits(folder: Path) -> None:
    read = 0
    for entry in entries(folder):
        path = entry["url"].partition("?")[0]
        found = answer(folder, entry)
        if entry["status"] != 200:
            continue
        if "/timelines/" in path or path.endswith(("/statuses", "/quotes")):
            for status in statuses(found.json(), found):
                assert to_post(status).post_id.startswith(f"ap:{SERVER}/ap/users/")
                read += 1
        elif path.rpartition("/")[0].endswith("/api/v1/statuses"):
            assert fit(found.json(), Status, found).is_shown in (True, False)
            read += 1
    assert read > 50


def test_pages_are_linked(folder: Path) -> None:
    linked = [e for e in entries(folder) if "link" in e["response_headers"]]
    nexts = [_next_id(e["response_headers"]["link"][0]) for e in linked]
    assert "117020580489281910" in nexts
    assert None in nexts  # a last page leads back only


def shape(value: Any) -> Any:
    """Types by key; a list's first element stands for all, nothing known stands for anything."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def differences(ours: Any, theirs: Any, at: str = "$") -> list[str]:
    """What a stand-in shows that the real server does not, or otherwise."""
    if "NoneType" in (ours, theirs) or [] in (ours, theirs):
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        strange = [f"{at}.{key}" for key in ours.keys() - theirs.keys()]
        return strange + [
            found
            for key in sorted(ours.keys() & theirs.keys())
            for found in differences(ours[key], theirs[key], f"{at}.{key}")
        ]
    if isinstance(ours, list) and isinstance(theirs, list):
        return differences(ours[0], theirs[0], f"{at}[]")
    return [] if ours == theirs else [f"{at}: {ours}, not {theirs}"]


@pytest.mark.parametrize(
    ("path", "recorded"),
    [
        ("/api/v1/statuses/{n}", "__test_status_edit_3"),
        ("/api/v1/statuses/{n}/history", "__test_status_edit_4"),
        ("/api/v1/statuses/{n}/context", "__test_status_context_1"),
        ("/api/v1/accounts/lookup", "__test_account_lookup_2"),
        ("/api/v1/timelines/tag/hoot", "__test_hashtag_tl_2"),
    ],
)
def test_the_stand_in_answers_in_the_recorded_shape(folder: Path, path: str, recorded: str) -> None:
    verse = Fediverse()
    verse.post(text="A post #hoot")
    verse.edit(TOP, 1, "A better post #hoot")
    asked = Asked(HOME, path.format(n=TOP), (("acct", "person1"),), {})
    ours = json.loads(verse.servers()[HOME].answer(asked, at(60)).body)
    assert differences(shape(ours), shape(one(folder, recorded).json())) == []
