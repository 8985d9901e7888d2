"""The root of the command line: its commands by name, and what stands before the command."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

import click

from monitor.cli.settings import Settings

__all__ = ["COMMANDS", "cli"]

COMMANDS = {
    "init": "setup",
    "check": "setup",
    "demo": "simulating",
    "simulate": "simulating",
    "simulate cadence": "simulating",
    "watch": "watching",
    "add": "watching",
    "run": "running",
    "status": "running",
    "healthcheck": "running",
    "events": "reading",
    "series": "reading",
    "summary": "reading",
    "estimates": "reading",
    "top": "reading",
    "actor": "reading",
    "gaps": "reading",
    "sql": "sql",
    "report": "keeping",
    "export": "keeping",
    "import": "keeping",
    "exclude": "keeping",
    "label": "scoring",
    "rescore": "scoring",
    "models": "scoring",
    "reparse": "copies",
    "backup": "copies",
    "restore": "copies",
}
"""The module of each command, in the order in which they are listed."""


class _Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, two = args[0], " ".join(args[:2])
        if two in COMMANDS and len(args) > 1:
            return two, self.get_command(ctx, two), args[2:]
        if name in COMMANDS or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        near = get_close_matches(name, COMMANDS, 1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise click.UsageError(f'no command "{name}"{hint}', ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        found: click.Command = getattr(
            import_module(f"monitor.cli.{module}"), f"{cmd_name.replace(' ', '_')}_"
        )
        return found


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        import monitor

        click.echo(f"monitor {monitor.__version__}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE",
    help="The configuration; else config/monitor.toml, else the one in your home.",
)  # fmt: skip
@click.option(
    "--data-dir", type=click.Path(path_type=Path), metavar="DIR",
    help="Where the database is, instead of the configuration's data_dir.",
)  # fmt: skip
@click.option(
    "--wait", type=click.FloatRange(min=0), metavar="SECONDS",
    help="How long to wait for data that another process holds (default 10).",
)  # fmt: skip
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
    help="Show the version and exit.",
)  # fmt: skip
@click.pass_context
def cli(ctx: click.Context, config: Path | None, data_dir: Path | None, wait: float | None) -> None:
    """An event study of reactions to company announcements, honest about what it did not see.

    Data goes to standard output, all else to standard error. Times are ISO 8601 (UTC where they
    name no zone) or durations before now, such as 6h or 2d.

    Exit codes: 0 done; 1 finished but something failed; 2 usage or configuration; 75 temporary,
    try again; 130 interrupted.
    """
    ctx.ensure_object(Settings).update(config=config, data_dir=data_dir, wait=wait)
