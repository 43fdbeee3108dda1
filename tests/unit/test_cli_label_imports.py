"""`quorate import-labels`: what is sent, what is shown of the report, and with which code it ends."""

import json
from pathlib import Path

import httpx
import pytest

from quorate.commands.label_imports import SHOWN
from tests.unit.cli_runs import refused, run, unreachable


def row(number: int, status: str = "applied", **fields) -> dict:
    known = {"row": number, "name": f"{number}\x1b.png", "status": status, "image_id": None, "label": None}
    return known | {"reason": None if status == "applied" else "because", "notes": []} | fields


def summed(rows: list[dict]) -> dict:
    statuses = [one["status"] for one in rows]
    summary = {"rows": len(rows)} | {status: statuses.count(status) for status in [*dict.fromkeys(statuses), "ended"]}
    return {"summary": summary, "format": "csv", "model": "import:1"}


def answering(rows: list[dict], *last: dict, sent: list[httpx.Request] | None = None):
    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        if sent is not None:
            sent.append(request)
        return httpx.Response(200, text="".join(json.dumps(line) + "\n" for line in (*rows, *last)))

    return answer


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text("filename,label\na.png,cat\n")
    return path


def test_the_file_is_sent_as_it_is_and_its_rows_are_counted(table):
    sent: list[httpx.Request] = []
    rows = [row(2), row(3, notes=["1 object left out"]), row(4, "ended")]
    result = run(answering(rows, summed(rows), sent=sent), "import-labels", "t1", str(table))
    assert (result.exit_code, result.stdout) == (0, f"{table}: 3 rows, 2 applied, 1 ended\n")
    assert result.stderr == "row 3 (3\\x1b.png): 1 object left out\nrow 4 (4\\x1b.png): because\n"
    (request,) = sent
    assert (request.method, request.url.path, dict(request.url.params)) == (
        "POST",
        "/api/tasks/t1/labels",
        {"format": "csv"},
    )
    assert request.content == table.read_bytes()
    assert request.headers["content-type"] == "application/octet-stream"
    assert request.headers["content-length"] == str(table.stat().st_size)


def test_refused_rows_end_with_code_3_and_all_of_them_are_in_the_report(table, tmp_path):
    rows = [row(number, "unknown_image") for number in range(SHOWN + 5)]
    report = tmp_path / "report.jsonl"
    result = run(answering(rows, summed(rows)), "import-labels", "t1", str(table), "--report", str(report))
    assert (result.exit_code, result.stderr.count("because")) == (3, SHOWN)
    assert f"and 5 more: see {report}" in result.stderr
    assert [json.loads(line) for line in report.read_text().splitlines()] == rows


def test_json_is_a_line_for_each_row_and_a_last_one(table):
    rows = [row(2), row(3, "malformed")]
    result = run(answering(rows, summed(rows)), "--json", "import-labels", "t1", str(table))
    assert (result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]) == (3, [*rows, summed(rows)])


@pytest.mark.parametrize("name", ["labels.json", "labels.zip", "labels"])
def test_a_format_is_guessed_where_there_is_one_only(table, name):
    sent: list[httpx.Request] = []
    other = table.rename(table.with_name(name))
    result = run(answering([], summed([]), sent=sent), "import-labels", "t1", str(other))
    if name == "labels.json":
        assert (result.exit_code, sent[0].url.params["format"]) == (0, "coco")
    else:
        assert (result.exit_code, "--format" in result.stderr, sent) == (2, True, [])


def test_a_report_without_its_end_is_an_error_that_says_what_to_do(table):
    result = run(answering([row(2)]), "import-labels", "t1", str(table))
    assert result.exit_code == 4
    assert "send the file again" in result.stderr


def test_a_row_whose_name_has_line_separators_of_unicode_is_one_row(table, tmp_path):
    rows = [row(2, name="a\u2028\u0085b\x0c.png"), row(3)]
    report = tmp_path / "report.jsonl"

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        return httpx.Response(
            200, text="".join(json.dumps(one, ensure_ascii=False) + "\n" for one in (*rows, summed(rows)))
        )

    result = run(answer, "import-labels", "t1", str(table), "--report", str(report))
    assert (result.exit_code, [json.loads(line) for line in report.read_text().split("\n")[:-1]]) == (0, rows)


def test_a_report_that_is_cut_off_in_a_line_or_is_none_is_an_error(table):
    for text in (json.dumps(row(2)) + '\n{"row": 3', "<html>\n"):
        result = run(lambda _, text=text: httpx.Response(200, text=text), "import-labels", "t1", str(table))
        assert (result.exit_code, "send the file again" in result.stderr) == (4, True)


@pytest.mark.parametrize(("handler", "code"), [(refused, 1), (unreachable, 4)])
def test_refusals_and_silence_have_their_codes(table, handler, code):
    assert run(handler, "import-labels", "t1", str(table)).exit_code == code
