"""Commands on moods: rescore, models."""

from __future__ import annotations

import sys

import click

from monitor.cli.options import Output, command, note, opened, output

__all__ = ["models_", "rescore_"]


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
