"""Options that several commands share, and how a frame leaves a command."""

from __future__ import annotations

import functools
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from monitor.cli.settings import Settings
from monitor.cli.stdout import standard_output
from monitor.report.text import visible

if TYPE_CHECKING:
    import polars as pl

    from monitor.api import Monitor

__all__ = ["Output", "as_of", "command", "note", "output", "several_events"]

FORMATS = ("table", "csv", "json", "jsonl", "parquet")
_BY_SUFFIX = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".parquet": "parquet"}
_PIPE_WIDTH = 120
_NAMED = 5  # columns that a remark names

Function = Callable[..., Any]


def command(name: str) -> Callable[[Function], click.Command]:
    """A command that also takes the options which may stand before it."""

    def decorate(function: Function) -> click.Command:
        made: click.Command = click.command(name)(function)
        for flag, kind in (("config", Path), ("data_dir", Path), ("wait", float)):
            option = click.Option(
                ["--" + flag.replace("_", "-")], type=kind, hidden=True, expose_value=False,
                callback=_remember,
            )  # fmt: skip
            made.params.append(option)
        return made

    return decorate


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    ctx.ensure_object(Settings).update(**{str(param.name): value})


@dataclass(frozen=True, slots=True)
class Output:
    """Where and how a command's rows go."""

    form: str | None
    path: Path | None
    excel: bool

    def write(self, data: pl.DataFrame, *, single: bool = False) -> None:
        """Write `data`; `single`: as one JSON object if it has one row."""
        from monitor.report import output as writers

        form = self._form()
        if form == "table":
            _explain(data)
        with self._target() as target:
            left_out = writers.write(
                data, form, target, excel=self.excel, single=single, width=_width()
            )
        if form == "table":
            _remark(data, left_out)

    def _form(self) -> str:
        suffix = self.path.suffix.lower() if self.path else ""
        terminal = self.path is None and sys.stdout.isatty()
        form = self.form or _BY_SUFFIX.get(suffix) or ("table" if terminal else "csv")
        if form == "parquet" and terminal:
            raise click.UsageError("parquet is not for terminals; add -o FILE")
        if self.excel and form != "csv":
            raise click.UsageError(f"--excel is about csv, not {form}; add --format csv")
        return form

    def _target(self) -> AbstractContextManager[IO[bytes]]:
        if self.path is None:
            return standard_output()
        from monitor.files import replacing

        return replacing(self.path)


def output(function: Function) -> Function:
    """Add --format, -o and --excel; the command gets them as `out`."""

    @click.option(
        "--format", "form", type=click.Choice(FORMATS),
        help="Default: by FILE's ending; else table on a terminal and csv elsewhere.",
    )  # fmt: skip
    @click.option(
        "-o", "--output", "path", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE",
        help="Write to FILE, whole or not at all; - is standard output.",
    )  # fmt: skip
    @click.option(
        "--excel", is_flag=True,
        help="CSV for spreadsheets: with a BOM, and text that they would run made harmless.",
    )  # fmt: skip
    @functools.wraps(function)
    def wrapped(*args: Any, form: str | None, path: Path | None, excel: bool, **more: Any) -> Any:
        place = None if path is None or str(path) == "-" else path
        return function(*args, out=Output(form, place, excel), **more)

    return wrapped


def as_of(function: Function) -> Function:
    """Add --as-of."""
    return click.option(
        "--as-of", metavar="TIME", help="What was known then, instead of what is known now."
    )(function)


def several_events(function: Function) -> Function:
    """Add EVENT… and --all; the command gets all of them as `events`."""

    @click.argument("events", nargs=-1, metavar="EVENT...")
    @click.option("--all", "everything", is_flag=True, help="Every event there is.")
    @functools.wraps(function)
    def wrapped(*args: Any, events: tuple[str, ...], everything: bool, **more: Any) -> Any:
        named = bool(events) + everything + (more.get("post") is not None)
        if named != 1:
            raise click.UsageError("name one event or more, or say --all")
        return function(*args, events=None if everything else events, **more)

    return wrapped


def note(message: str) -> None:
    """A remark for people: one line on standard error."""
    click.echo(visible(message), err=True)


def opened(ctx: click.Context) -> Monitor:
    """The facade, closed when the command ends."""
    return ctx.with_resource(ctx.ensure_object(Settings).monitor())


def _width() -> int:
    fallback = 80 if sys.stdout.isatty() else _PIPE_WIDTH
    return shutil.get_terminal_size((fallback, 24)).columns


def _explain(data: pl.DataFrame) -> None:
    """Above a table: what the flags say that stand in each of its rows."""
    from monitor.report.words import FLAGS

    for column in (name for name in data.columns if name.endswith("flag")):
        rows = [set((flag or "").split()) for flag in data[column]]
        for word in sorted(set.intersection(*rows)) if rows else ():
            if word in FLAGS:
                note(f"{word}: {FLAGS[word]}")


def _remark(data: pl.DataFrame, left_out: list[str]) -> None:
    if data.is_empty():
        note("(no rows)")
    elif left_out:
        names = ", ".join(left_out[:_NAMED]) + (", …" if len(left_out) > _NAMED else "")
        note(f"({len(left_out)} columns don't fit: {names}; --format csv has all)")
