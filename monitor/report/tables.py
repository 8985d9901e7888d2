"""The public tables as an export writes them: order, and what Parquet is partitioned by."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TABLES", "Exported"]

_PREFIX = "split_part(post_id, ':', 1)"
_SOURCE = "(select any_value(s.network) from sources as s where s.source_id = t.source_id)"


@dataclass(frozen=True, slots=True)
class Exported:
    """One table; `time` and `network` are SQL over it as `t`, None where it is not partitioned."""

    name: str
    order: str
    time: str | None = None
    network: str | None = None


# What refers to posts comes first: a post that is stored meanwhile is missing nowhere.
TABLES = (
    Exported("companies", "company_id"),
    Exported("actors", "actor_id"),
    Exported("actor_roles", "actor_id, company_id, role"),
    Exported("events", "event_id"),
    Exported("estimates", "event_id, estimate, starts_at, ends_at"),
    Exported("event_notes", "event_id, noted_at, text"),
    Exported("announcements", "event_id, url"),
    Exported("sources", "source_id"),
    Exported("polls", "started_at, poll_id", "started_at", _SOURCE),
    Exported("company_mentions", "company_id, post_id"),
    Exported("reactions", "event_id, post_id"),
    Exported("engagement", "observed_at, post_id, source_id", "observed_at", _PREFIX),
    Exported("sentiment", "scored_at, post_id, model", "scored_at", _PREFIX),
    Exported("claims", "observed_at, post_id, source_id, scope", "observed_at", _PREFIX),
    Exported("gaps", "gap_id"),
    Exported("citations", "post_id, press_post_id"),
    Exported("responses", "event_id, to_post_id, actor_id, place"),
    Exported("labels", "event_id, post_id"),
    Exported("forgotten", "forgotten_at, kind, id"),
    Exported("sightings", "first_at, post_id, source_id", "first_at", _PREFIX),
    Exported("post_versions", "recorded_at, post_id, version", "recorded_at", _PREFIX),
    Exported("posts", "created_at, post_id", "created_at", "network"),
)
