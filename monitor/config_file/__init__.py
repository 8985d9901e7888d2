"""Finds and reads the configuration file, and reports everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from monitor.config import (
    Actor,
    Company,
    Config,
    Enrich,
    Event,
    EventKind,
    Network,
    Note,
    Settings,
    SourceConfig,
)
from monitor.config_file.checks import check
from monitor.config_file.environment import overrides
from monitor.config_file.findings import Findings
from monitor.config_file.source import find, parsed
from monitor.config_file.tables import ROOT
from monitor.config_file.values import Place, table

__all__ = ["read"]

_S = TypeVar("_S", bound=msgspec.Struct)


def read(path: Path | None, data_dir: Path | None, env: Mapping[str, str]) -> Config:
    """What `monitor.config.load` does.

    Raises:
        ConfigError: the file can't be read or is wrong; `problems` holds every finding.
    """
    file = find(path, env)
    raw, lines = parsed(file) if file else ({}, {})
    findings = Findings(str(file), lines)
    place = Place((), findings.report)
    found = table(raw, place, ROOT)
    check(found, place)
    settings = found.get("monitor", {}) | overrides(env, findings)
    if data_dir is not None:
        settings["data_dir"] = data_dir
    findings.raise_if_any()
    return _config(found, settings, file)


def _config(found: Mapping[str, Any], settings: dict[str, Any], path: Path | None) -> Config:
    return Config(
        monitor=Settings(**settings),
        company=_all(Company, found, "company"),
        actor=_all(Actor, found, "actor"),
        event=tuple(_event(event) for event in found.get("event", ())),
        source=_all(SourceConfig, found, "source"),
        network={name: Network(**keys) for name, keys in found.get("network", {}).items()},
        enrich=Enrich(**found.get("enrich", {})),
        path=path,
    )


def _all(kind: type[_S], found: Mapping[str, Any], key: str) -> tuple[_S, ...]:
    return tuple(kind(**values) for values in found.get(key, ()))


def _event(values: Mapping[str, Any]) -> Event:
    return Event(
        **{
            **values,
            "kind": EventKind(values.get("kind", EventKind.OTHER)),
            "note": tuple(Note(**note) for note in values.get("note", ())),
        }
    )
