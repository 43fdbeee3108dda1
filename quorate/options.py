"""What every command knows: where the platform is, who calls, and how to print. Imports no HTTP client."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import click

if TYPE_CHECKING:
    from quorate.client import Client


class Connect(Protocol):
    """How a client is made; tests give their own."""

    def __call__(self, url: str, user: str | None, *, key: str | None) -> Client: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    url: str
    user: str | None
    key: str | None
    as_json: bool
    connect: Connect | None


def _switch_to_json(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value and isinstance(context.obj, Options):
        context.obj = replace(context.obj, as_json=True)


class Text(click.types.StringParamType):
    """Text that can be sent: an argument in another encoding than UTF-8 is refused, not altered."""

    name = "text"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = super().convert(value, param, ctx)
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            self.fail(f"{text!a} is not text in UTF-8", param, ctx)
        return text


TEXT = Text()
json_flag = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    callback=_switch_to_json,
    help="Print JSON on stdout, and nothing else there.",
)
pass_options = click.make_pass_decorator(Options)
