"""The reference pages say what the code says: docs/api.md, docs/cli.md and docs/limits.md."""

import ast
import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import click
import pytest

from embedded.settings import Settings
from quorate.cli import main
from services.task_manager.settings import TaskManagerSettings
from tests.unit import house

UNITS = {"kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "megapixels": 1_000_000, "minutes": 60, "hours": 3_600}
STORAGE = {"GET /objects/{task_id}/{name}", "POST /objects/staging/{task_id}/{name}"}
"""What the S3 server serves, or the embedded platform outside of its API."""


def page(name: str) -> str:
    return (house.ROOT / "docs" / name).read_text(encoding="utf-8")


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every row of every table."""
    for line in text.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads(page("api/openapi.json"))


def test_the_page_has_every_route_and_no_other(document: dict[str, Any]):
    served = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    named = {route for cells in rows(page("api.md")) for route in re.findall(r"`([A-Z]+ /[^`?]*)`", cells[0])}
    assert named == served | STORAGE


@pytest.mark.parametrize("schema", ["QuorumRequest", "DetectorRequest"])
def test_the_page_has_every_field_of_the_policies_with_its_default(document: dict[str, Any], schema: str):
    fields = document["components"]["schemas"][schema]["properties"]
    named = {cells[0].strip("`"): cells[1] for cells in rows(page("api.md"))}
    assert fields.keys() <= named.keys()
    defaults = {name: f"`{field['default']}`" for name, field in fields.items() if "default" in field}
    assert {name: named[name] for name in defaults} == defaults


def commands(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Every command that does something, with the names that lead to it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, parent=context, info_name=name)
        if isinstance(command, click.Group):
            yield from commands(command, inner)
        else:
            yield command, inner


def options_of(command: click.Command) -> str:
    """The table of a command's options, but `--json`, which all have."""
    table = ["| option | |", "| --- | --- |"]
    for option in command.params:
        if isinstance(option, click.Option) and "--json" not in option.opts:
            choices = f"`{'`, `'.join(option.type.choices)}`. " if isinstance(option.type, click.Choice) else ""
            default = f" Default: `{option.default}`." if option.show_default else ""
            variable = f" Or `{option.envvar}`." if option.envvar else ""
            names = ", ".join(f"`{name}`" for name in option.opts)
            table.append(f"| {names} | {choices}{option.help}{default}{variable} |")
    return "\n".join(table) + "\n" if len(table) > 2 else ""


def section_of(command: click.Command, context: click.Context) -> str:
    """What the page has to say of a command, beside whatever else it says."""
    usage = [word for word in command.collect_usage_pieces(context) if word != "[OPTIONS]"]
    return f"## {context.command_path}\n\n`{' '.join([context.command_path, *usage])}`\n"


ROOT = click.Context(main, info_name="quorate")
COMMANDS = {context.command_path: (command, context) for command, context in commands(main, ROOT)}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_has_every_command_with_its_options(name: str):
    command, context = COMMANDS[name]
    wanted = section_of(command, context)
    assert wanted in page("cli.md")
    section = page("cli.md").partition(wanted)[2].partition("\n## ")[0]
    assert section.strip().startswith((command.help or "").partition("\n")[0].strip())
    assert "".join(re.findall(r"^\|.*\n", section, re.MULTILINE)) == options_of(command), options_of(command)


def test_the_page_has_no_other_command():
    assert re.findall(r"^## (quorate .*)", page("cli.md"), re.MULTILINE) == list(COMMANDS)


def test_the_page_has_the_options_of_all_commands():
    assert options_of(main) in page("cli.md"), options_of(main)


def limit_of(source: str, document: dict[str, Any]) -> float:
    """The number that a setting has by default, a constant holds, or a field of a request allows."""
    if source.startswith("QUORATE_"):
        name = source.removeprefix("QUORATE_").lower()
        return (Settings.model_fields | TaskManagerSettings.model_fields)[name].default
    owner, _, name = source.rpartition(".")
    if owner not in document["components"]["schemas"]:
        return getattr(import_module(owner), name)
    field = document["components"]["schemas"][owner]["properties"][name]
    [limit] = {shape[key] for shape in [field, *field.get("anyOf", [])] for key in shape if key in LIMITS}
    return limit


LIMITS = {"maxItems", "maxLength", "maximum"}
SOURCES = [(cells[1], cells[2].strip("`")) for cells in rows(page("limits.md")) if len(cells) == 3 and "`" in cells[2]]


@pytest.mark.parametrize(("limit", "source"), SOURCES, ids=[source for _, source in SOURCES])
def test_a_limit_is_that_of_the_code(document: dict[str, Any], limit: str, source: str):
    found = re.fullmatch(r"([\d,]+)(?: (\w+))?", limit)
    assert found, f"`{limit}` is not one number with one unit"
    assert int(found[1].replace(",", "")) * UNITS.get(found[2], 1) == limit_of(source, document)


def test_every_setting_of_a_size_has_a_limit_on_the_page():
    settings = {f"QUORATE_{name.upper()}" for name in Settings.model_fields if name.startswith("max_")}
    assert settings <= {source for _, source in SOURCES}


def test_contributing_has_a_line_for_each_room_of_what_is_shared():
    text = (house.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("| in `shared/` |")[2]
    named = [cells[0].strip("`") for cells in rows(text.partition("\n\n")[0])][1:]
    rooms = {name.split(".")[1] for name in house.modules() if name.startswith("shared.")}
    assert sorted(named) == sorted(rooms)


def test_every_room_says_what_it_is():
    silent = [
        name for name, module in house.modules().items() if name.startswith("shared.") and not ast.get_docstring(module)
    ]
    assert silent == []
