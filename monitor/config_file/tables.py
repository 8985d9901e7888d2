"""The keys of every table of the configuration, and how each value is read."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from monitor.config import EventKind, Role
from monitor.config_file import places, values
from monitor.config_file.values import (
    Field,
    Fields,
    Nested,
    Place,
    Wrong,
    expected,
    shown,
    table,
    tables,
    text,
)
from monitor.enrich.sentiment import names

__all__ = ["ROOT", "SETTINGS"]

_texts = values.listed(text)
_accounts = values.listed(places.account)


def _currency(value: Any) -> str:
    name = text(value)
    if not re.fullmatch("[A-Z]{3}", name):
        raise Wrong(f'{shown(name)} is no currency; write three capitals such as "USD"')
    return name


def _roles(value: Any, place: Place) -> dict[str, Role]:
    if not isinstance(value, dict):
        raise expected('a table such as { company-id = "competitor" }', value)
    for key in value:
        place.under(key).read(values.identifier, key)
    read = values.choice(Role)
    roles = {key: place.under(key).read(read, role) for key, role in value.items()}
    return {key: Role(role) for key, role in roles.items() if role is not None}


def _folder(value: Any) -> Path:
    given = text(value)
    try:
        return Path(given).expanduser()
    except RuntimeError:
        message = f"{shown(given)}: there is no such home folder; write it in full"
        raise Wrong(message) from None


_NOTE: Fields = {"at": Field(values.moment, required=True), "text": Field(text, required=True)}
_notes = tables(_NOTE)

_at_least_a_day = Field(partial(values.duration, at_least=timedelta(days=1)))

SETTINGS: Fields = {
    "data_dir": Field(_folder),
    "contact": Field(places.contact),
    "timezone": Field(values.zone),
    "allow_private_addresses": Field(values.boolean),
    "serve_sql": Field(values.boolean),
    "metrics_port": Field(values.port),
    "memory_limit": Field(values.memory),
    "keep_answers": Field(values.duration),
    "keep_polls": _at_least_a_day,  # `status` counts them
    "keep_counters": _at_least_a_day,
}
COMPANY: Fields = {
    "id": Field(values.identifier, required=True),
    "name": Field(text, required=True),
    "aliases": _texts,
    "exclude": _texts,
    "feeds": values.listed(places.address),
    "accounts": _accounts,
}
ACTOR: Fields = {
    "id": Field(values.identifier, required=True),
    "name": Field(text, required=True),
    "accounts": _accounts,
    "roles": Nested(_roles),
}
EVENT: Fields = {
    "id": Field(values.identifier, required=True),
    "company": Field(text, required=True),
    "kind": Field(values.choice(EventKind)),
    "title": Field(text),
    "announced_at": Field(values.moment, required=True),
    "window_before": Field(values.duration),
    "window_after": Field(values.duration),
    "baseline_guard": Field(values.duration),
    "amount": Field(values.amount),
    "valuation": Field(values.amount),
    "currency": Field(_currency),
    "terms": values.listed(places.term),
    "languages": values.listed(values.language),
    "announcements": values.listed(places.announcement),
    "note": _notes,
}
SOURCE: Fields = {
    "id": Field(values.identifier),
    "network": Field(places.network, required=True),
    "target": Field(text, required=True),
    "interval": Field(partial(values.duration, at_least=timedelta(seconds=1))),
}
NETWORK: Fields = {
    "base_url": Field(places.base_url),
    "requests_per_minute": Field(partial(values.amount, positive=True)),
    "enabled": Field(values.boolean),
    "posts_per_day": Field(values.count),
    "money_per_day": Field(values.amount),
}


def _mood_model(value: Any) -> str:
    found: str = values.choice(names())(value)
    return found


ENRICH: Fields = {
    "language": Field(values.choice(("langdetect", "vote", "none"))),
    "sentiment": Field(_mood_model),
    "onnx_folder": Field(_folder),
}


def _table(fields: Fields) -> Nested:
    return Nested(partial(table, fields=fields))


def _networks(value: Any, place: Place) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        raise expected("tables such as [network.bluesky]", value)
    return {
        name: table(settings, place.under(name), NETWORK)
        for name, settings in value.items()
        if place.under(name).read(places.network, name)
    }


ROOT: Fields = {
    "monitor": _table(SETTINGS),
    "company": tables(COMPANY),
    "actor": tables(ACTOR),
    "event": tables(EVENT),
    "source": tables(SOURCE),
    "network": Nested(_networks),
    "enrich": _table(ENRICH),
}
