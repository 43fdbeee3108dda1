"""`quorate export`: bytes as they come, in which format, and into which file."""

import io
import json
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.unit.cli_runs import run


def exported(request: httpx.Request) -> httpx.Response:
    assert request.url.params["format"] == "csv"
    return httpx.Response(200, content=b"image,label\r\n\xff,\n")


def test_export_writes_bytes_as_they_come(tmp_path: Path):
    result = run(exported, "export", "t1", "--format", "csv")
    assert result.stdout_bytes == b"image,label\r\n\xff,\n"
    target = tmp_path / "out.csv"
    result = run(exported, "--json", "export", "t1", "--format", "csv", "-o", str(target))
    assert json.loads(result.stdout) == {"path": str(target), "format": "csv", "bytes": 16}
    assert target.read_bytes() == b"image,label\r\n\xff,\n"


def test_the_format_is_that_of_the_extension(tmp_path: Path):
    formats = []

    def handler(request: httpx.Request) -> httpx.Response:
        formats.append(request.url.params["format"])
        return httpx.Response(200, content=b"image\ndog\n")

    for args in (["-o", "a.CSV"], ["-o", "a.jsonl"], ["-o", "a"], ["-o", "a.csv", "--format", "jsonl"], []):
        assert (
            run(handler, "export", "t1", *[str(tmp_path / arg) if arg[0] == "a" else arg for arg in args]).exit_code
            == 0
        )
    assert formats == ["csv", "jsonl", "jsonl", "jsonl", "jsonl"]


@pytest.mark.parametrize("where", ["file", "stdout"])
def test_csv_begins_with_a_mark_where_that_is_asked_for(tmp_path: Path, where):
    target = tmp_path / "out.csv"
    args = ["--format", "csv"] if where == "stdout" else ["-o", str(target)]
    result = run(exported, "export", "t1", "--bom", *args)
    written = target.read_bytes() if where == "file" else result.stdout_bytes
    assert written == b"\xef\xbb\xbfimage,label\r\n\xff,\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(410, json={"title": "Gone", "detail": "the task was erased"}), "410 Gone: the task was erased"),
        (httpx.Response(200, content=b"image,label\r\n"), "there is nothing to export"),
    ],
)
def test_a_good_file_stays_where_there_is_nothing_to_export(tmp_path: Path, answer, message):
    target = tmp_path / "out.csv"
    target.write_text("good")
    result = run(lambda _: answer, "export", "t1", "-o", str(target))
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert target.read_text() == "good"
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_chosen_is_asked_for(tmp_path: Path):
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, content=archive({"votes.jsonl": b"{}\n"}))

    target = tmp_path / "out.zip"
    options = ["--format", "yolo", "--images", "--split", "0.8", "--state", "completed"]
    assert run(handler, "export", "t1", *options, "-o", str(target)).exit_code == 0
    assert asked == [{"format": "yolo", "images": "true", "split": "0.8", "state": "completed"}]
    run(handler, "export", "t1", "-o", str(tmp_path / "out.parquet"))
    assert asked[-1] == {"format": "parquet"}


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("yolo", {"data.yaml": b"nc: 1\n", "votes.jsonl": b""}),
        ("coco", b'{"info":{},"categories":[],"images":[\n],"annotations":[\n]}\n'),
        ("labelstudio", b"[\n]\n"),
    ],
)
def test_a_good_file_stays_where_an_export_has_no_image(tmp_path: Path, form, content):
    target = tmp_path / "out"
    target.write_text("good")
    sent = archive(content) if isinstance(content, dict) else content
    result = run(lambda _: httpx.Response(200, content=sent), "export", "t1", "--format", form, "-o", str(target))
    assert (result.exit_code, target.read_text()) == (1, "good")
    assert "there is nothing to export" in result.stderr


def archive(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        for name, data in files.items():
            written.writestr(name, data)
    return out.getvalue()
