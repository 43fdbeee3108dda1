"""`python -P -m services.consensus`: what it reads, writes and tells, and what it says of files that are no votes."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.consensus import command, rows
from services.consensus.domain import book, limits
from services.consensus.rows import for_each_row
from shared.errors import Invalid
from tests.unit.consensus_votes import needs_public_votes, public_rows

VOTES = """task,worker,label
b,ann,cat
b,bob,cat
b,cyd,dog
a,ann,dog
a,bob,cat
"""
GOLD = "task,label\nb,cat\na,dog\nz,cat\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = command.main(arguments)
    out, told = capfd.readouterr()
    return status, out, told


def test_labels_by_task_in_order(folder: Path, capfd):
    (folder / "votes.csv").write_text(VOTES)
    status, out, told = run(capfd, "--methods=majority,ds", "votes.csv")
    assert (status, out.splitlines()[0]) == (0, "task,majority,ds")
    assert out.splitlines()[1].startswith("a,,")  # a tie has no label
    assert out.splitlines()[2:] == ["b,cat,cat"]
    assert told.startswith("5 votes of 3 workers on 2 tasks, 2 labels\nagreement: Krippendorff's alpha ")


def test_a_file_is_written_whole_with_all_methods(folder: Path, capfd):
    (folder / "votes.csv").write_text(VOTES)
    (folder / "labels.csv").write_text("before")
    status, out, _ = run(capfd, "--output=labels.csv", "votes.csv")
    assert (status, out) == (0, "")
    assert (folder / "labels.csv").read_text().splitlines()[0] == "task,majority,ds,one-coin,mace,glad"
    assert {path.name for path in folder.iterdir()} == {"votes.csv", "labels.csv"}


def test_gold_measures_and_is_not_seen(folder: Path, capfd):
    (folder / "votes.csv").write_text(VOTES)
    (folder / "gold.csv").write_text(GOLD)
    _, without, _ = run(capfd, "votes.csv")
    status, out, told = run(capfd, "--gold=gold.csv", "votes.csv")
    assert (status, out) == (0, without)
    [line] = [line for line in told.splitlines() if line.startswith("majority")]
    assert line.split() == ["majority", "1", "1", "0", "0", "0.7500", "of", "2", "0.013", "to", "1.000"]
    assert "1 true labels are of tasks without a vote" in told


def test_json(folder: Path, capfd):
    rows_ = VOTES + "b,ann,cat\nb,eve,\na,eve,Cat\na,dan,cat\na,dan,dog\nb,detector:m,cat\n"
    (folder / "votes.csv").write_text(rows_)
    (folder / "gold.csv").write_text(GOLD)
    status, out, told = run(capfd, "--json", "--output=labels.csv", "--gold=gold.csv", "votes.csv")
    report = json.loads(out)
    assert (status, report["votes"], report["tasks"]) == (0, 7, 2)
    assert report["left_out"] == {"unsure": 1, "repeated": 1, "contradicting": 2}
    assert [found["method"] for found in report["methods"]] == ["majority", "ds", "one-coin", "mace", "glad"]
    assert report["methods"][0]["on_gold"]["seen"] == 2
    [ann] = [voter for voter in report["by_voter"] if voter["voter"] == "ann"]
    assert (ann["votes"], set(ann["skill"])) == (2, {"majority", "ds", "one-coin", "mace", "glad"})
    assert report["detectors"]["detector:m"]["overall"]["right"] == 1
    assert report["detectors"]["detector:m"]["by_label"].keys() == {"cat"}
    assert report["detectors"]["detector:m"]["confusion"] == {"cat": {"cat": 1}}
    confusion = {"cat": {"cat": 1}, "dog": {"cat": 1}}
    assert report["pairs"][0] == {"voters": ["ann", "bob"], "common": 2, "alike": 1, "confusion": confusion}
    assert 'labels that look alike are taken as different ones: "Cat", "cat"' in told


def test_names_come_back_as_they_were_but_for_formulas(folder: Path, capfd):
    names = ["a,b", 'a"b', " a ", "\N{GRINNING FACE}", "=cmd()", "-1", "-x", "$inc", "__proto__", "<script>"]
    lines = ['"' + name.replace('"', '""') + '",ann,-1' for name in names]
    (folder / "votes.csv").write_text("task,worker,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    status, _, _ = run(capfd, "--methods=majority", "--output=labels.csv", "votes.csv")
    told: dict[str, str] = {}
    for_each_row(folder / "labels.csv", ("task", "majority"), told.__setitem__, reading=lambda _: None)
    shown = {"=cmd()": "'=cmd()", "-x": "'-x"}
    assert (status, told) == (0, {shown.get(name, name): "-1" for name in names})


def test_columns_in_any_order_and_others_passed_over(folder: Path, capfd):
    (folder / "votes.csv").write_bytes(b"\xef\xbb\xbfworker, label,at,task\r\nann,cat,now,a\r\n\r\n")
    assert run(capfd, "--methods=ds", "votes.csv")[:2] == (0, "task,ds\na,cat\n")


def test_no_votes_at_all(folder: Path, capfd):
    (folder / "votes.csv").write_text("task,worker,label\n")
    status, out, told = run(capfd, "votes.csv")
    assert (status, out) == (0, "task,majority,ds,one-coin,mace,glad\n")
    assert "alpha undefined; votes on a task: 0" in told


@needs_public_votes
def test_any_order_of_lines_is_the_same_file(folder: Path, capfd):
    lines = [",".join(row.values()) + "\n" for row in public_rows("cf_amt", "votes.csv")]
    (folder / "one.csv").write_text("task,worker,label\n" + "".join(lines))
    (folder / "two.csv").write_text("task,worker,label\n" + "".join(reversed(lines)))
    assert run(capfd, "one.csv")[:2] == run(capfd, "two.csv")[:2]


ROWS = "task,worker,label\n"
LONG = "x" * 1_001
HOSTILE = {
    "empty": (b"", "line 1: the column task is missing"),
    "another header": (b"image,who,label\n", "line 1: the column task is missing; a header names the columns task,"),
    "semicolons": (b"task;worker;label\n", "line 1: the column task is missing"),
    "a column twice": (b"task,worker,label,task\n", "line 1: the column task is there more than once"),
    "too many columns": (b"task,worker,label" + b",x" * 98 + b"\n", "line 1: there are 101 columns; 100 are allowed"),
    "a cell too few": (f"{ROWS}a,b,c\na,b\n".encode(), "line 3: there are 2 cells, and 3 in the header"),
    "a cell too many": (f"{ROWS}a,b,c,d\n".encode(), "line 2: there are 4 cells, and 3 in the header"),
    "no task": (f"{ROWS}a,b,c\n,b,c\n".encode(), "line 3: there is no task"),
    "no worker": (f"{ROWS}a, ,c\n".encode(), "line 2: there is no worker"),
    "a NUL": (f"{ROWS}a\0,b,c\n".encode(), "line 2: the task holds a control character or a line end (U+0000)"),
    "an escape": (
        f"{ROWS}a,b,\x1b[2J\n".encode(),
        "line 2: the label holds a control character or a line end (U+001B)",
    ),
    "a line end in a name": (
        f'{ROWS}"a\nb",b,c\n'.encode(),
        "line 3: the task holds a control character or a line end",
    ),
    "a long name": (f"{ROWS}a,{LONG},c\n".encode(), "line 2: a cell has more than 1000 characters"),
    "an endless cell": (f'{ROWS}"'.encode() + b"x\n" * 9_000, "a cell has more than 1000 characters"),
    "an endless line": (ROWS.encode() + b"x" * 200_000, "line 2: the line is longer than 100000 bytes"),
    "a quote not closed": (f'{ROWS}a,b,"c'.encode(), "a quoted cell is not closed"),
    "text behind a quote": (f'{ROWS}a,b,"c"d\n'.encode(), "line 2: text stands behind the closing quote"),
    "a lone carriage return": (f"{ROWS}a,b,c\rd,e,f\n".encode(), "line 2: a carriage return stands within the line"),
    "Latin-1": (f"{ROWS}a,b,c\na,é,c\n".encode("latin-1"), "line 3: this is not text in UTF-8"),
    "UTF-16": (ROWS.encode("utf-16"), "line 1: this is not text in UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0", "line 1: this is not text in UTF-8"),
}


@pytest.mark.parametrize(("content", "told"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_file_of_votes_is_refused_with_its_line(folder: Path, capfd, content: bytes, told: str):
    (folder / "votes.csv").write_bytes(content)
    (folder / "labels.csv").write_text("kept")
    status, out, said = run(capfd, "--output=labels.csv", "votes.csv")
    assert (status, out) == (1, "")
    assert said.startswith("quorate: votes.csv, line ")
    assert told in said
    assert len(said.splitlines()) == 1
    assert (folder / "labels.csv").read_text() == "kept"


HOSTILE_GOLD = {
    "two truths": ("task,label\nb,cat\nb,dog\n", 'line 3: the task has another label further up: "cat"'),
    "no label": ("task,label\nb,\n", "line 2: there is no label"),
    "of other tasks": ("task,label\nz,cat\n", "the file of true labels names no task that has a vote"),
}


@pytest.mark.parametrize(("content", "told"), HOSTILE_GOLD.values(), ids=HOSTILE_GOLD)
def test_what_is_no_file_of_true_labels_is_refused(folder: Path, capfd, content: str, told: str):
    (folder / "votes.csv").write_text(VOTES)
    (folder / "gold.csv").write_text(content)
    status, out, said = run(capfd, "--gold=gold.csv", "votes.csv")
    assert (status, out) == (1, "")
    assert told in said


BOUNDS = {
    "MAX_VOTES": (book, 4, "line 6: there are more than 4 votes"),
    "MAX_TASKS": (book, 1, "line 5: there are more than 1 tasks"),
    "MAX_VOTERS": (book, 2, "line 4: there are more than 2 workers"),
    "MAX_LABELS": (book, 1, "line 4: there are more than 1 labels"),
    "MAX_NAMES_LENGTH": (book, 8, "line 3: the names have more than 8 characters together"),
    "MAX_LINES": (rows, 3, "line 4: there are more than 3 lines"),
    "MAX_POSTERIOR_CELLS": (limits, 3, "2 images with 2 labels are too many: their product may be 3 at most"),
    "MAX_CONFUSION_CELLS": (limits, 11, "ds: not for so many labels: 3 voters with 2 labels; leave it out"),
    "MAX_HABIT_CELLS": (limits, 5, "mace: not for so many voters: 3 with 2 labels; leave it out"),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds(folder: Path, capfd, monkeypatch: pytest.MonkeyPatch, name: str):
    module, value, told = BOUNDS[name]
    monkeypatch.setattr(module, name, value)
    (folder / "votes.csv").write_text(VOTES)
    status, out, said = run(capfd, "votes.csv")
    assert (status, out) == (1, "")
    assert told in said


def test_what_takes_too_long_ends(folder: Path, capfd, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command, "TIME_LIMIT_S", -1)
    (folder / "votes.csv").write_text(VOTES)
    status, out, said = run(capfd, "votes.csv")
    assert (status, out) == (1, "")
    assert "ds was not done after -1 s; leave it out, or some of the votes" in said


def test_too_little_memory_is_said(folder: Path, capfd, monkeypatch: pytest.MonkeyPatch):
    def lacking(*_: object, **__: object):
        raise MemoryError

    monkeypatch.setattr(command, "read_votes", lacking)
    (folder / "votes.csv").write_text(VOTES)
    status, _, said = run(capfd, "votes.csv")
    assert (status, said.startswith("quorate: these votes take more memory than there is")) == (1, True)


def test_unknown_methods_and_missing_files(folder: Path, capfd):
    with pytest.raises(SystemExit, match="2"):
        command.main(["--methods=ds,best", "votes.csv"])
    assert "there is no method 'best'; there are majority, ds, one-coin, mace, glad" in capfd.readouterr().err
    assert run(capfd, "votes.csv") == (1, "", "quorate: votes.csv: No such file or directory\n")
    (folder / "votes.csv").write_text(VOTES)
    assert run(capfd, "--output=no/labels.csv", "votes.csv") == (
        1,
        "",
        "quorate: no/labels.csv: No such file or directory\n",
    )


def test_a_refusal_of_what_uses_the_rows_names_the_line(folder: Path):
    (folder / "one.csv").write_text("x\n1\n2\n")

    def use(cell: str) -> None:
        if cell == "2":
            raise Invalid("not two")

    with pytest.raises(Invalid, match=r"one\.csv, line 3: not two"):
        for_each_row(Path("one.csv"), ("x",), use, reading=lambda _: None)


def test_as_a_process_within_its_memory(folder: Path):
    (folder / "votes.csv").write_text(VOTES)
    code = (
        "import resource, sys; sys.argv[1:] = ['--methods=ds', 'votes.csv'];"
        "from services.consensus.__main__ import main; status = main(sys.argv[1:]);"
        "print(resource.getrlimit(resource.RLIMIT_AS)[0]); sys.exit(status)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines()[0] == "task,ds"
    assert int(done.stdout.splitlines()[-1]) <= 2 * 1024**3


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("fails", [False, True])
def test_progress_in_one_line_of_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool):
    (folder / "votes.csv").write_text(VOTES)
    (folder / "gold.csv").write_text("task,label\nz,cat\n" if fails else GOLD)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert command.main(["--output=labels.csv", "--gold=gold.csv", "votes.csv"]) == int(fails)
    shown = terminal.getvalue().split("\r")[-1].splitlines()
    assert shown[0].startswith("quorate: the file of true labels" if fails else "5 votes of 3 workers")
    assert fails or "\rds: round 1" in terminal.getvalue()


def test_many_voters_and_labels_stay_within_memory(folder: Path):
    """As many workers and labels as are taken: what a method believes of each may not be more than the process has."""
    lines = [f"t{number % 20_000},w{number % 200_000},l{number % 1_000}\n" for number in range(200_000)]
    (folder / "votes.csv").write_text("task,worker,label\n" + "".join(lines))
    wanted = [sys.executable, "-P", "-m", "services.consensus", "--methods=majority,one-coin", "--output=labels.csv"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([*wanted, "votes.csv"], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr[:42]) == (0, "200000 votes of 200000 workers on 20000 ta")
