"""The command line. Commands are imported as they are called, so that `quorate serve` starts at once."""

import errno
from importlib import import_module
from typing import cast

import click

from quorate.errors import QuorateError, UnreachableError
from quorate.exits import HELP, Exit
from quorate.options import Connect, Options
from quorate.terminal import say

COMMANDS = {
    "serve": "quorate.serve:serve",
    "label": "quorate.commands.label:label",
    "status": "quorate.commands.tasks:status",
    "results": "quorate.commands.tasks:results",
    "export": "quorate.commands.tasks:export",
    "cancel": "quorate.commands.tasks:cancel",
    "detect": "quorate.commands.detect:detect",
    "models": "quorate.commands.models:models",
    "disputes": "quorate.commands.disputes:disputes",
    "adjudicate": "quorate.commands.disputes:adjudicate",
    "simulate-operators": "quorate.commands.simulate_operators:simulate_operators",
    "dead": "quorate.commands.dead:dead",
}


class Commands(click.Group):
    """The commands by name, in the order above; and one place where failures become exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        return cast("click.Command", getattr(import_module(module), name))

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except UnreachableError as error:
            say(f"quorate: {ctx.params['url']}: {error}")
            raise SystemExit(Exit.UNREACHABLE) from error
        except QuorateError as error:
            say(f"quorate: {error}")
            raise SystemExit(Exit.REFUSED) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            say(f"quorate: {error.filename}: {error.strerror}" if error.filename else f"quorate: {error}")
            raise SystemExit(Exit.REFUSED) from error
        except KeyboardInterrupt as error:
            say("quorate: interrupted")
            raise SystemExit(Exit.INTERRUPTED) from error


@click.group(cls=Commands, epilog=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", envvar="QUORATE_URL", default="http://127.0.0.1:8080", show_default=True, help="The platform.")
@click.option("--user", envvar="QUORATE_USER", help="Who calls, where authentication is off.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout, and nothing else there.")
@click.version_option(package_name="quorate")
@click.pass_context
def main(context: click.Context, url: str, user: str | None, *, as_json: bool) -> None:
    """Image labels you can trust: people and a detector vote on every image until a quorum settles it."""
    connect = cast("Connect | None", context.obj)
    context.obj = Options(url=url, user=user or None, as_json=as_json, connect=connect)
