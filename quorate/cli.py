"""The command line. Commands are imported as they are called, so that `quorate serve` starts at once."""

import errno
from difflib import get_close_matches
from importlib import import_module
from typing import cast

import click

from quorate.errors import ApiError, QuorateError, UnreachableError
from quorate.exits import HELP, Exit
from quorate.options import TEXT, Connect, Options
from quorate.terminal import say, write_out_what_is_lacking

UNAUTHENTICATED = 401
COMMANDS = {
    "serve": "quorate.serve:serve",
    "label": "quorate.commands.label:label",
    "status": "quorate.commands.tasks:status",
    "upload": "quorate.commands.upload:upload",
    "import": "quorate.commands.imports:import_",
    "imports": "quorate.commands.imports:imports",
    "results": "quorate.commands.tasks:results",
    "export": "quorate.commands.tasks:export",
    "import-labels": "quorate.commands.label_imports:import_labels",
    "edit": "quorate.commands.lifecycle:edit",
    "reopen": "quorate.commands.lifecycle:reopen",
    "operators": "quorate.commands.operators:operators",
    "finish": "quorate.commands.lifecycle:finish",
    "remove-image": "quorate.commands.lifecycle:remove_image",
    "consensus": "quorate.commands.consensus:consensus",
    "cancel": "quorate.commands.tasks:cancel",
    "detect": "quorate.commands.detect:detect",
    "recognise": "quorate.commands.recognise:recognise",
    "models": "quorate.commands.models:models",
    "migrate": "quorate.commands.migrate:migrate",
    "republish": "quorate.commands.republish:republish",
    "disputes": "quorate.commands.disputes:disputes",
    "adjudicate": "quorate.commands.disputes:adjudicate",
    "simulate-operators": "quorate.commands.simulate_operators:simulate_operators",
    "dead": "quorate.commands.dead:dead",
    "login": "quorate.commands.login:login",
    "logout": "quorate.commands.login:logout",
    "keys": "quorate.commands.keys:keys",
    "people": "quorate.commands.people:people",
    "invite": "quorate.commands.people:invite",
    "teams": "quorate.commands.teams:teams",
    "audit": "quorate.commands.audit:audit",
    "backup": "quorate.commands.keeping:backup",
    "restore": "quorate.commands.keeping:restore",
    "check": "quorate.commands.keeping:check",
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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            close = " or ".join(repr(command) for command in get_close_matches(name, COMMANDS))
            ctx.fail(f"No such command {name!r}." + (f" Did you mean {close}?" if close else ""))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if any(error.option_name in param.opts for param in self.params):
                raise click.UsageError(f"{error.option_name} is to be given before the command.", ctx) from error
            raise
        except UnreachableError as error:
            say(f"quorate: {ctx.params['url']}: {error}")
            raise SystemExit(Exit.UNREACHABLE) from error
        except QuorateError as error:
            say(f"quorate: {error}")
            if isinstance(error, ApiError) and error.status == UNAUTHENTICATED:
                say(f"quorate: `quorate --url {ctx.params['url']} login` gets a key; else give one by --key")
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
@click.option(
    "--url",
    type=TEXT,
    envvar="QUORATE_URL",
    default="http://127.0.0.1:8080",
    show_default=True,
    help="The platform's address.",
)
@click.option("--user", type=TEXT, envvar="QUORATE_USER", help="Who calls, where authentication is off.")
@click.option("--key", type=TEXT, envvar="QUORATE_KEY", help="A key of yours (qk_...), where authentication is on.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout, and nothing else there.")
@click.version_option(package_name="quorate")
@click.pass_context
def main(context: click.Context, url: str, user: str | None, key: str | None, *, as_json: bool) -> None:
    """Image labels you can trust: people and a detector vote on every image until a quorum settles it."""
    write_out_what_is_lacking()
    connect = cast("Connect | None", context.obj)
    context.obj = Options(url=url, user=user or None, key=key or None, as_json=as_json, connect=connect)
