"""The recorded announcement, and the means to poll it: what the Bluesky tests share."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.collect.bluesky.collector import Bluesky
from monitor.types import Harvest, Source, SourceKind
from tests.collect.plain import plain
from tests.collect.replay import MemoryOf, ReplayHttp, ask_for

HERE = Path(__file__).parent
FOLDER = HERE.parent / "recordings" / "bluesky"
NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)


def recorded(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


TRUTH = recorded("truth")
POSTS = TRUTH["posts"]
ROOT = TRUTH["root"]["uri"]
DID = {name: account["did"] for name, account in TRUTH["accounts"].items()}
URI = {post["text"]: post["uri"] for post in POSTS}
REPLIES = [post for post in POSTS if (post.get("root") or {}).get("uri") == ROOT]
BY_TROLL = URI["you are all scammers"]  # the company blocks its author
BY_FAN = URI["Newsletter lesen hilft."]  # its author and its parent's block each other
ABOVE_FAN = next(post["parent"] for post in POSTS if post["uri"] == BY_FAN)
UNDER_FAN = URI["Ich habe keinen Newsletter bekommen."]  # innocent, and hidden by that block
BY_QUIET = URI["I only post for logged-in people."]
MIDDLE = URI["to be deleted with a child"]
ORPHAN = URI["child of a deleted post"]
LEAF = URI["leaf that will be deleted"]


def pid(uri: str) -> str:
    return f"bluesky:{uri}"


def nodes(thread: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every node of an answer by its uri; changing one changes the answer."""
    found, stack = {}, [thread]
    while stack:
        node = stack.pop()
        if "post" in node:
            found[node["post"]["uri"]] = node
            stack += node.get("replies") or []
    return found


def tree() -> dict[str, Any]:
    return copy.deepcopy(recorded("getPostThread_depth1000"))


def without(answer: dict[str, Any], *uris: str) -> dict[str, Any]:
    """The answer as it would be if these branches were not served (built)."""
    for node in nodes(answer["thread"]).values():
        kept = [one for one in node["replies"] if one.get("post", {}).get("uri") not in uris]
        node["replies"] = kept
    return answer


def views() -> dict[str, dict[str, Any]]:
    """Recorded views of posts, also of those that the tree hides."""
    shown = {uri: node["post"] for uri, node in nodes(tree()["thread"]).items()}
    return shown | {view["uri"]: view for view in recorded("getPosts")["posts"]}


def built(view: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A view made from a recorded one."""
    return copy.deepcopy(view) | changes


def everything() -> dict[str, dict[str, Any]]:
    """The views of all posts that a first poll stores."""
    quotes = {view["uri"]: view for view in recorded("getQuotes")["posts"]}
    return views() | quotes | {UNDER_FAN: under_fan()}


def under_fan() -> dict[str, Any]:
    """Built: no recorded answer shows this post; its words and ids are the truth's."""
    truth = next(post for post in POSTS if post["uri"] == UNDER_FAN)
    view = built(views()[URI["Und jetzt?"]], uri=UNDER_FAN, cid=truth["cid"])
    ref = {"uri": BY_FAN, "cid": "-"}
    view["record"] |= {"text": truth["text"], "createdAt": truth["createdAt"]}
    view["record"]["reply"] = {"root": view["record"]["reply"]["root"], "parent": ref}
    return view


def replay(*, feeds: bool = True) -> ReplayHttp:
    """The recordings; what was not recorded of them is built from recorded views.

    With `feeds`, those of the troll and the fan show what blocks hide; all others are empty.
    """
    http = ReplayHttp(FOLDER, ignore=("limit", "filter", "sort"))
    http.add("app.bsky.actor.getProfile", recorded("getProfile"))
    http.add("app.bsky.feed.getAuthorFeed", {"feed": []})
    http.add("app.bsky.feed.getPosts", {"posts": []})
    if feeds:
        for name, uri in (("troll", BY_TROLL), ("fan", BY_FAN)):
            feed(http, name, [views()[uri]])
        child = {"post": under_fan(), "replies": []}
        thread(http, BY_FAN, {"thread": {"post": views()[BY_FAN], "replies": [child]}})
    return http


def feed(http: ReplayHttp, name: str, posts: list[dict[str, Any]]) -> None:
    params = {"actor": DID[name]}
    exact = params | {"limit": 100, "filter": "posts_with_replies"}
    http.add(
        "app.bsky.feed.getAuthorFeed", {"feed": [{"post": one} for one in posts]}, params=exact
    )


def thread(http: ReplayHttp, uri: str, body: Any, *, depth: int = 1000, status: int = 200) -> None:
    params = {"uri": uri, "depth": depth, "parentHeight": 0}
    http.add("app.bsky.feed.getPostThread", body, params=params, status=status)


def source(kind: SourceKind, target: str, **more: Any) -> Source:
    return Source(
        source_id=f"bluesky:{kind}:{target}",
        network="bluesky",
        kind=kind,
        target=target,
        origin="event",
        interval=timedelta(minutes=5),
        **more,
    )


async def poll(
    http: ReplayHttp,
    of: Source | None = None,
    *,
    memory: MemoryOf | None = None,
    state: dict[str, Any] | None = None,
    now: datetime = NOW,
    harvest: Harvest | None = None,
    base_url: str | None = None,
) -> Harvest:
    """One poll of the recorded thread, or of another source; the state survives as JSON does."""
    harvest = harvest or Harvest()
    given = json.loads(json.dumps(state or {}))
    of = of or source(SourceKind.THREAD, ROOT)
    order = ask_for(of, http, memory=memory, state=given, now=now, base_url=base_url)
    await Bluesky().poll(order, harvest)
    return harvest


def rows(harvest: Harvest) -> dict[str, Any]:
    """What a harvest holds, as the JSON of the expected files."""
    data = {
        "posts": sorted(harvest.posts, key=lambda post: post.post_id),
        "engagement": sorted(harvest.engagement, key=lambda one: one.post_id),
        "claims": sorted(harvest.claims, key=lambda one: one.post_id),
        "gaps": harvest.gaps,
        "removed": harvest.removed,
        "found": [[one.kind, one.target, one.root_id] for one in harvest.found],
        "complete": harvest.complete,
        "ordered": harvest.ordered,
        "resolved": harvest.resolved,
    }
    return plain(data)


def expected(name: str) -> Any:
    return json.loads((HERE / "expected" / f"bluesky_{name}.json").read_text())
