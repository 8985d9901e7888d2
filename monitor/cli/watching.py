"""Commands that begin with an address: watch, add."""

from __future__ import annotations

import sys
from typing import Any

import click

from monitor.cli.options import Output, command, note, opened, output
from monitor.cli.stdout import say
from monitor.config import EventKind
from monitor.types import Relation

__all__ = ["add_", "watch_"]

_COUNTERS = ("likes", "reposts", "replies", "quotes", "views")


@command("watch")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--company", metavar="ID", help="Whose announcement it is; a new NAME is a new one.")
@click.option(
    "--alias", "aliases", multiple=True, metavar="NAME",
    help="One more name under which posts speak of the company; may be repeated.",
)  # fmt: skip
@click.option("--event", metavar="ID", help="The event to join, or the id of the new one.")
@click.option(
    "--kind", type=click.Choice([str(kind) for kind in EventKind]),
    help="Of a new event; else by the words of the announcement.",
)  # fmt: skip
@click.option("--title", metavar="TEXT", help="Of a new event; else that of the announcement.")
@click.option("--at", metavar="TIME", help="When it was announced; else when it was posted.")
@output
@click.pass_context
def watch_(ctx: click.Context, /, urls: tuple[str, ...], out: Output, **wanted: Any) -> None:
    """Follow an announcement from its address.

    The announcement is asked for once: its time, title and author, and sums that it states, make
    an event, or add to one that is there. Its replies, the company's accounts and what else names
    the company are fetched as far back as the networks allow, and followed from now on: a running
    daemon begins at once.

    One row for each thing that is followed, that could not be asked, or that can't be known yet.

    \b
    Example: monitor watch https://bsky.app/profile/northwind.example/post/3kabc
    Example: monitor watch https://x.com/northwind/status/1890000000000000000 --company northwind
    """
    m = opened(ctx)
    told = m.watch(urls, progress=note if sys.stderr.isatty() else _quiet, **wanted)
    out.write(told)
    event = told["what"][0]
    then = "" if m.session.live else "monitor run; then "
    note(f"Next: {then}monitor series {event}; monitor gaps {event}")


def _quiet(_line: str) -> None:
    pass


def _counters(function: Any) -> Any:
    for name in reversed(_COUNTERS):
        function = click.option(
            f"--{name}", type=click.IntRange(0, 2**63 - 1), help=f"How many {name} it shows."
        )(function)
    return function


@command("add")
@click.argument("url")
@click.option("--event", metavar="ID", help="Which event it belongs to; needed if there are more.")
@click.option(
    "--relation", type=click.Choice([str(relation) for relation in Relation]),
    help="How; else by what it answers, quotes and links to.",
)  # fmt: skip
@click.option("--text", metavar="TEXT", help="What it says.")
@click.option("--title", metavar="TEXT", help="The title of an article.")
@click.option("--author", metavar="NAME", help="The author's handle.")
@click.option("--author-name", metavar="NAME", help="The name that the author shows.")
@click.option(
    "--created-at", metavar="TIME", help="When it was posted; posts of X tell by their id."
)
@click.option("--reply-to", metavar="POST", help="The post that it answers: address or id.")
@click.option("--quoted", metavar="POST", help="The post that it quotes: address or id.")
@_counters
@click.option("--observed-at", metavar="TIME", help="When the counters were read; else now.")
@click.pass_context
def add_(
    ctx: click.Context, /, url: str, event: str | None, relation: str | None, **by_hand: Any
) -> None:
    """Store one post by its address.

    A network that can be asked is asked. Where none can (X without a token), tell what the post
    says by hand. Of a post that is stored, counters alone may be added, as often as you read them.
    The id of the post is printed.

    \b
    Example: monitor add https://x.com/rival/status/1890000000000000001 --text "Fix it" --views 1000
    Example: monitor add https://x.com/rival/status/1890000000000000001 --views 250000
    """
    say(opened(ctx).add(url, event=event, relation=relation, **by_hand))
