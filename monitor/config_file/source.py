"""Which file is the configuration, and what it says as plain TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monitor.config_file.lines import Path as KeyPath
from monitor.config_file.lines import key_lines
from monitor.errors import ConfigError

__all__ = ["find", "parsed"]

MAX_BYTES = 10_000_000
_WHERE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def find(given: Path | None, env: Mapping[str, str]) -> Path | None:
    """The configuration file: `given`, else the first that there is; None if there is none.

    One that was named is returned whether or not it exists.
    """
    if given is not None:
        return given
    if env.get("MONITOR_CONFIG"):
        return Path(env["MONITOR_CONFIG"])
    usual = [Path("config/monitor.toml"), *_in_home(env)]
    return next((path for path in usual if _exists(path)), None)


def _in_home(env: Mapping[str, str]) -> list[Path]:
    home, folder = env.get("HOME"), Path(env.get("XDG_CONFIG_HOME", ""))
    if folder.is_absolute():  # the specification says to ignore others
        return [folder / "monitor" / "monitor.toml"]
    return [Path(home) / ".config" / "monitor" / "monitor.toml"] if home else []


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # it may be there: reading it says why we can't


def parsed(file: Path) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """What `file` says, and on which line each key stands.

    Raises:
        ConfigError: it can't be read or is no TOML; the line is named.
    """
    text = _text(file)
    try:
        return tomllib.loads(text), key_lines(text)
    except RecursionError:
        raise ConfigError([f"{file}: lists or tables are nested too deeply"]) from None
    except ValueError as error:
        raise ConfigError([_no_toml(file, text, str(error))]) from None


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        remedy = 'write one with "monitor init", or name another with --config'
        raise ConfigError([f"{file}: no such file; {remedy}"]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(
            [f"{file}: can't be read: {reason}; name another with --config"]
        ) from None
    if len(content) > MAX_BYTES:
        raise ConfigError([f"{file}: larger than {MAX_BYTES} bytes; is it the right file?"])
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{file}:{line}: not in UTF-8; save it as UTF-8"]) from None


def _no_toml(file: Path, text: str, message: str) -> str:
    match = _WHERE.fullmatch(message)
    if match is None:  # a number beyond what Python reads
        return f"{file}: no TOML: {' '.join(message.split())}"
    why, line, column = match.groups()
    if line is None:
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    return f"{file}:{line}:{column}: no TOML: {' '.join(why.split())}"
