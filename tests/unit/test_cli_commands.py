"""The commands: what they print where, and with which code they end."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
import pytest

from quorate.cli import COMMANDS, main
from tests.unit.cli_runs import (
    LETTER,
    OBJECT,
    OPEN_RESULT,
    RESULT,
    SUBTASK,
    TASK,
    always,
    interrupted,
    paged,
    refused,
    run,
    unreachable,
)

JSON_DOCUMENTS = [
    (["status", "t1"], always(TASK), TASK),
    (["status"], paged(TASK), {"items": [TASK]}),
    (["cancel", "t1", "--yes"], lambda _: httpx.Response(204), {"id": "t1", "state": "cancelled"}),
    (["adjudicate", "s1", "crow", "--reason", "seen"], always(SUBTASK), SUBTASK),
    (["edit", "t1", "--votes", "2"], always(TASK), TASK),
    (["reopen", "t1"], always(TASK), TASK),
    (["finish", "t1", "--reason", "late"], always(TASK), TASK),
    (["finish", "t1", "--image", "s1", "--reason", "late"], always(SUBTASK), SUBTASK),
    (["remove-image", "t1", "i1"], lambda _: httpx.Response(204), {"image_id": "i1", "state": "removed"}),
    (["dead", "list"], always({"items": [LETTER]}), {"items": [LETTER]}),
    (["dead", "replay"], always({"replayed": 4}), {"replayed": 4}),
]
JSON_LINES = [
    (["results", "t1"], paged(RESULT, OPEN_RESULT), [RESULT, OPEN_RESULT]),
    (["results", "t1", "--limit", "1"], paged(RESULT, OPEN_RESULT), [RESULT]),
    (["disputes", "--task", "t1"], paged(SUBTASK), [SUBTASK]),
]


@pytest.mark.parametrize(("args", "handler", "document"), JSON_DOCUMENTS)
@pytest.mark.parametrize("is_first", [True, False])
def test_json_is_one_document(args, handler, document, is_first):
    result = run(handler, *(["--json", *args] if is_first else [*args, "--json"]))
    assert (result.exit_code, json.loads(result.stdout)) == (0, document)
    assert result.stdout.count("\n") == 1


@pytest.mark.parametrize(("args", "handler", "documents"), JSON_LINES)
def test_json_is_a_line_for_each(args, handler, documents):
    result = run(handler, *args, "--json")
    assert result.exit_code == 0
    assert [json.loads(line) for line in result.stdout.splitlines()] == documents


@pytest.mark.parametrize(
    ("args", "handler", "words"),
    [
        (["status", "t1"], always(TASK), ["t1", "[red]birds\\x1b[2J", "crow, \\u202ejay", "votes_required 3"]),
        (["status"], paged(TASK), ["t1", "[red]birds", "sealed"]),
        (["results", "t1"], paged(RESULT, OPEN_RESULT), ["a\\x1b.jpg", "67%", "crow 2, jay 1", "quorum", "open"]),
        (["cancel", "t1", "--yes"], lambda _: httpx.Response(204), ["t1"]),
        (["disputes"], paged(SUBTASK), ["s1", "ada: crow, bob: unsure"]),
        (["adjudicate", "s1", "crow", "--reason", "seen"], always(SUBTASK), ["s1", "crow"]),
        (["edit", "t1", "--name", "birds"], always(TASK), ["t1", "crow"]),
        (["reopen", "t1"], always(TASK), ["t1 is open again"]),
        (["finish", "t1", "--reason", "late"], always(TASK), ["t1 is finished"]),
        (["finish", "t1", "--image", "s1", "--reason", "late"], always(SUBTASK), ["s1 is finished"]),
        (["remove-image", "t1", "i1"], lambda _: httpx.Response(204), ["i1 is removed"]),
        (["dead", "list"], always({"items": [LETTER]}), ["d1", "x.v1", "bad"]),
        (["dead", "replay", "d1"], always({"replayed": 1}), ["1 replayed"]),
    ],
)
def test_people_get_words(args, handler, words):
    result = run(handler, *args)
    assert result.exit_code == 0
    assert [word for word in words if word not in result.stdout] == []
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    ("args", "handler", "code", "message"),
    [
        (["status", "t"], refused, 1, "404 Not Found: no \\x1b such task (request r-9)"),
        (["status", "t"], lambda _: httpx.Response(200, text="<html>"), 1, "is it a Quorate server"),
        (["status", "t"], unreachable, 4, "http://127.0.0.1:8080: no answer after 5 tries: connection refused"),
        (["status", "t"], interrupted, 130, "interrupted"),
        (["export", "t", "-o", "/nowhere/at/all/x"], always({}), 1, "/nowhere/at/all: there is no such folder"),
        (["export", "t", "-o", "/proc/x"], always({}), 1, "/proc/x: "),
        (["export", "t", "--bom"], always({}), 2, "--bom is for CSV"),
        (["--url", "localhost", "status"], refused, 2, "not an http or https URL"),
        (["--user", "a\nb", "status"], refused, 2, "ASCII"),
        (["fly"], refused, 2, "No such command 'fly'.\n"),
        (["statsu"], refused, 2, "Did you mean 'status'?"),
        (["simulate-operator", "t"], refused, 2, "Did you mean 'simulate-operators'"),
        (["status", "--limt", "5"], refused, 2, "Did you mean '--limit'?"),
        (["status", "--url", "http://x"], refused, 2, "--url is to be given before the command"),
        (["--user", "caf\udce9", "status"], refused, 2, "'caf\\udce9' is not text in UTF-8"),
        (["status", "\udce9"], refused, 2, "not text in UTF-8"),
        (["adjudicate", "s", "caf\udce9", "--reason", "x"], refused, 2, "not text in UTF-8"),
        (["results"], refused, 2, "Missing argument"),
        (["edit", "t"], refused, 2, "say what to change"),
        (["edit", "t", "--show-as", "cat"], refused, 2, "'cat' is not LABEL=NAME"),
        (["finish", "t"], refused, 2, "Missing option '--reason'"),
        (["results", "t", "--state", "x"], refused, 2, "Invalid value"),
        (["adjudicate", "s", "l"], refused, 2, "--reason"),
        (["simulate-operators", "t", "--skills", "1.5"], refused, 2, "0 to 1"),
        (["simulate-operators", "t", "--skills", "nan"], refused, 2, "0 to 1"),
    ],
)
def test_failures_have_their_codes(args, handler, code, message):
    result = run(handler, *args)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""


def test_the_caller_is_named():
    def handler(request: httpx.Request) -> httpx.Response:
        assert str(request.url).startswith("http://there:1/")
        return httpx.Response(200, json=TASK | {"name": request.headers.get("X-Quorate-User", "nobody")})

    there = {"QUORATE_URL": "http://there:1"}
    assert "nobody" in run(handler, "status", "t1", env=there).stdout
    assert "eve" in run(handler, "status", "t1", env=there | {"QUORATE_USER": "eve"}).stdout
    assert "ada" in run(handler, "--user", "ada", "status", "t1", env=there | {"QUORATE_USER": "eve"}).stdout


def test_as_many_dead_letters_as_were_asked_for_may_not_be_all():
    letters = always({"items": [LETTER] * 2})
    assert "there may be more" in run(letters, "dead", "list", "--limit", "2").stderr
    assert run(letters, "dead", "list").stderr == ""


@pytest.mark.parametrize("args", [["status"], ["status", "--json"], ["disputes", "--limit", "50"]])
def test_more_than_are_shown_are_said_to_be_there(args):
    items = [SUBTASK | TASK] * 51
    cut = run(paged(*items), *args)
    assert "only the first 50" in cut.stderr
    assert cut.stdout.count("t1") in {50, 100}
    assert run(paged(*items[1:]), *args).stderr == ""


def test_a_long_table_says_that_it_was_cut():
    result = run(paged(*[RESULT] * 1001), "results", "t1")
    assert result.stdout.count("crow 2") == 1000
    assert "only the first 1000" in result.stderr


def detecting(request: httpx.Request) -> httpx.Response:
    if json.loads(request.content)["image"] == "YmFk":
        return httpx.Response(422, json={"title": "Unprocessable", "detail": "not a picture"})
    return httpx.Response(200, json={"id": "image", "objects": [OBJECT]})


@pytest.mark.parametrize(("names", "code"), [(["good"], 0), (["good", "bad"], 3), (["bad"], 1)])
def test_detect_goes_on_after_a_bad_file(tmp_path: Path, names, code):
    for name in names:
        (tmp_path / name).write_text(name)
    files = [str(tmp_path / name) for name in names]
    people = run(detecting, "detect", *files)
    assert people.exit_code == code
    assert ("87%" in people.stdout) == ("good" in names)
    assert ("not a picture" in people.stderr) == ("bad" in names)
    machine = run(detecting, "--json", "detect", *files)
    assert machine.exit_code == code
    lines = [json.loads(line) for line in machine.stdout.splitlines()]
    assert [line["file"] for line in lines] == files
    assert ["objects" in line for line in lines] == [name == "good" for name in names]


def test_help_tells_the_exit_codes_and_every_command():
    result = run(refused, "--help")
    assert result.exit_code == 0
    assert [word for word in (*COMMANDS, "130", "partial") if word not in result.stdout] == []
    assert "..." not in result.stdout.partition("Commands:")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    result = run(refused, command, "--help")
    assert result.exit_code == 0
    assert result.stdout.isascii()


def parameters(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    context = click.Context(command)
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        if sub := command.get_command(context, name):
            yield from parameters(sub)


def test_no_text_is_taken_unseen():
    """Every text that an argument or an option takes is checked to be UTF-8."""
    assert [param.name for param in parameters(main) if type(param.type) is click.types.StringParamType] == []


@pytest.mark.parametrize("charset", ["cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize("args", [["status"], ["status", "t1"], ["results", "t1"], ["cancel", "t1", "--yes"]])
def test_an_output_that_lacks_characters_gets_them_written_out(charset, args):
    items = [TASK | RESULT | {"name": "Zoë 猫", "filename": "猫.png", "id": "t猫"}]

    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=items[0] | {"items": items, "next_cursor": None})

    result = run(handler, *[arg.replace("t1", "t猫") for arg in args], charset=charset)
    assert (result.exit_code, result.exception) == (0, None)
    assert ("猫" if charset == "utf-8" else "\\u732b") in result.stdout_bytes.decode(charset)


# Cancel


class Erasing:
    """A task, until it is deleted."""

    is_erased = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            self.is_erased = True
            return httpx.Response(204)
        return httpx.Response(200, json=TASK)


def test_cancel_without_a_terminal_needs_to_be_told():
    platform = Erasing()
    result = run(platform, "cancel", "t1", answer="y\n")
    assert (result.exit_code, result.stdout, platform.is_erased) == (2, "", False)
    assert "birds\\x1b[2J (sealed): 2 images, 1 open, 1 completed, 0 disputed" in result.stderr
    assert "--yes" in result.stderr


@pytest.mark.parametrize(("answer", "is_erased"), [("y\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_cancel_asks_at_a_terminal(monkeypatch, answer, is_erased):
    monkeypatch.setattr("quorate.commands.tasks.is_asked", lambda: True)
    platform = Erasing()
    result = run(platform, "cancel", "t1", "--json", answer=answer)
    assert (result.exit_code == 0, platform.is_erased) == (is_erased, is_erased)
    assert "2 images" in result.stderr
    assert result.stdout == ('{"id": "t1", "state": "cancelled"}\n' if is_erased else "")


def test_a_change_names_only_what_changes():
    sent = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append((request.method, request.url.path, json.loads(request.content)))
        return httpx.Response(200, json=TASK)

    args = ["edit", "t1", "--votes", "2", "--add-labels", "fox, owl", "--show-as", "crow=Crow=1", "--instructions", ""]
    assert run(handler, *args).exit_code == 0
    change = {
        "votes_required": 2,
        "add_labels": ["fox", "owl"],
        "label_names": {"crow": "Crow=1"},
        "instructions": "",
    }
    assert sent == [("PATCH", "/api/tasks/t1", change)]
