"""Commands on moods: label, rescore, models."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.options import Output, command, note, opened, output
from monitor.errors import UsageError
from monitor.report.text import visible

if TYPE_CHECKING:
    from monitor.api import Monitor

__all__ = ["label_", "models_", "rescore_"]

_KEYS = {"+": "positive", "0": "neutral", "-": "negative"}
_ASKED = "+ positive   0 neutral   - negative   x not about us   s skip   q stop  "


@command("rescore")
@click.option(
    "--model", metavar="NAME",
    help="As [enrich] sentiment names it; else the configured one.",
)  # fmt: skip
@click.pass_context
def rescore_(ctx: click.Context, model: str | None) -> None:
    """Score the mood of all posts with another model as well.

    A daemon goes on polling meanwhile. What is stopped (Ctrl-C, a kill) goes on where it was when
    it is called again. Scores of other models stay beside the new ones; a series shows the model
    that scored most of its posts, of equals the latest.

    \b
    Example: monitor rescore --model lexicon
    """
    tty = sys.stderr.isatty()

    def progress(left: int) -> None:
        if tty:
            click.echo(f"\r{left:>9} posts left ", nl=False, err=True)

    name = opened(ctx).rescore(model, progress=progress)
    if tty:
        click.echo("\r" + " " * 24 + "\r", nl=False, err=True)
    note(f"all posts are scored by {name}")


@command("models")
@output
@click.pass_context
def models_(ctx: click.Context, out: Output) -> None:
    """List models of mood.

    One row a model: how many posts it scored here, and when last; its macro-F1 and calibration
    error on texts that it had not seen, where that was measured.

    \b
    Example: monitor models
    """
    out.write(opened(ctx).models())


@command("label")
@click.argument("event")
@click.option(
    "-n",
    "n",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="The size of the sample.",
)
@click.option("--by", metavar="NAME", help="Who labels; else your name on this machine.")
@click.option(
    "--export",
    "to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the sample as CSV, to be filled in.",
)
@click.option(
    "--import",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read labels from CSV: post_id, label, relevant (yes or no).",
)
@click.option("--agreement", is_flag=True, help="Show how far those who labelled agree.")
@output
@click.pass_context
def label_(
    ctx: click.Context,
    /,
    *,
    event: str,
    n: int,
    by: str | None,
    to: Path | None,
    file: Path | None,
    agreement: bool,
    out: Output,
) -> None:
    """Label a random sample of an event's reactions by hand.

    Shows them one by one; a key says the mood, or that a post is not about the event. The sample
    is the same for everybody, so that two people can be compared. From the labels come the
    precision of the stream and, from 50 on, the corrected mood (`monitor summary`).

    \b
    Example: monitor label anthropic-series-g
    Example: monitor label anthropic-series-g -n 100 --export sample.csv
    Example: monitor label anthropic-series-g --import sample.csv --by ann
    """
    if sum((to is not None, file is not None, agreement)) > 1:
        raise click.UsageError("--export, --import and --agreement exclude each other")
    m, name = opened(ctx), by or _me()
    if agreement:
        out.write(m.agreement(event))
    elif to is not None:
        from monitor.files import replacing
        from monitor.report.csv import write_csv

        sample = m.audit_sample(event, n, by=name)
        with replacing(to) as target:
            write_csv(sample, target, excel=True)
        note(f"{to}: {sample.height} posts; fill in label and relevant, then --import it")
    elif file is not None:
        note(f"{event}: {m.label_file(event, file, by=name)} new labels by {name}")
    else:
        _ask(m, event, n, name)


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise click.UsageError("nobody knows your name here; say --by NAME") from None


def _ask(m: Monitor, event: str, n: int, name: str) -> None:
    """One post after the other; each label is stored at once."""
    from monitor.store.labels import Label

    if not sys.stdin.isatty():
        raise UsageError("label asks in a terminal; elsewhere use --export FILE and --import FILE")
    sample = m.audit_sample(event, n, by=name)
    left = [row for row in sample.to_dicts() if (row["label"], row["relevant"]) == (None, None)]
    done = 0
    for place, row in enumerate(left, 1):
        _show(row, f"{place} of {len(left)}")
        key = _key()
        if key == "q":
            break
        if key != "s":
            mood = _KEYS.get(key)
            m.label(event, [Label(row["post_id"], name, mood, mood is not None)])
            done += 1
    note(f"{event}: {done} posts labelled by {name}; {sample.height - len(left) + done} in all")


def _show(row: dict[str, Any], place: str) -> None:
    facts = (place, row["relation"], row["language"], row["author_handle"], row["url"])
    click.echo("\n" + visible("  ".join(str(fact) for fact in facts if fact)), err=True)
    for line in (row["text"] or "").splitlines():
        click.echo("    " + visible(line), err=True)


def _key() -> str:
    while True:
        click.echo(_ASKED, nl=False, err=True)
        key = click.getchar()
        click.echo(visible(key), err=True)
        if key in {*_KEYS, "x", "s", "q"}:
            return key
