"""What the environment says in place of the file's `[monitor]` table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.config_file.findings import Findings
from monitor.config_file.tables import SETTINGS
from monitor.config_file.values import Place, Wrong, boolean, did_you_mean, shown

__all__ = ["overrides"]

_PREFIX = "MONITOR_"
_OURS = {_PREFIX + key.upper(): key for key in SETTINGS}
_KNOWN = {*_OURS, "MONITOR_CONFIG", "MONITOR_DEBUG", "MONITOR_RECORDINGS"}
_SWITCH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
# Near enough to one of ours to be a slip; other programs have variables of this beginning too.
_NEAR = 0.75


def overrides(env: Mapping[str, str], findings: Findings) -> dict[str, Any]:
    """The settings that the environment holds; an empty variable counts as none."""
    found = {}
    for name, value in sorted(env.items()):
        if name in _OURS and value:
            meant = _read(name, value, findings)
            if meant is not None:
                found[_OURS[name]] = meant
        elif name.upper().startswith(_PREFIX) and name not in _KNOWN:
            _report_slip(name, findings)
    return found


def _read(name: str, value: str, findings: Findings) -> Any:
    field = SETTINGS[_OURS[name]]
    place = Place((), lambda _, message: findings.report_variable(name, message))
    return place.read(_switch, value) if field.read is boolean else field.at(place, value)


def _switch(value: str) -> bool:
    switch = _SWITCH.get(value.strip().lower())
    if switch is None:
        raise Wrong(f"{shown(value)} is neither true nor false")
    return switch


def _report_slip(name: str, findings: Findings) -> None:
    given = _plain(name)
    for known in sorted(_KNOWN):
        if did_you_mean(given, [_plain(known)], cutoff=_NEAR):
            findings.report_variable(name, f'unknown variable; did you mean "{known}"?')
            return


def _plain(name: str) -> str:
    return name.upper().removeprefix(_PREFIX).replace("_", "")
