"""Files of labels that are not taken, and tasks that take none."""

import tempfile
from pathlib import Path

import pytest

from tests.service.label_files import SUGGEST, sent, zipped
from tests.service.running import Api, assert_problem


async def refused(api: Api, task_id: str, form: str, content: bytes | str, status: int) -> str:
    answer = await sent(api, task_id, form, content)
    assert_problem(answer, status)
    return answer.json()["detail"]


OTHER_FORMATS = [
    ("csv", "", 422),
    ("csv", "a,b\n1,2\n", 422),
    ("csv", b"\xff\xfef\x00i\x00", 422),
    ("jsonl", "[1]", 422),
    ("coco", "[]", 422),
    ("coco", '{"images": {}}', 422),
    ("coco", '{"images": [1]}', 422),
    ("coco", '{"images": [{"id": 1}, {"id": 1}]}', 422),
    ("coco", '{"images": [{"id": 1}]', 422),
    ("coco", '{"images": [{"id": 1}]}x', 422),
    ("coco", '{"images": ["', 422),
    ("coco", '{"images": [], "annotations": []}', 422),
    ("coco", "[" * 100_000, 422),
    ("coco", '{"a":' + "[" * 100_000, 422),
    ("yolo", "PK no", 415),
    ("yolo", zipped({"a.txt": "0 0 0 0 0"}), 422),
    ("yolo", zipped({"data.yaml": "names: {a: b}", "a.txt": "0 0 0 0 0"}), 422),
    ("yolo", zipped({"data.yaml": "names: " + "[" * 5_000, "a.txt": "0 0 0 0 0"}), 422),
    ("imagefolder", zipped({"a.txt": "0 0 0 0 0"}), 422),
    ("imagefolder", b"\x1f\x8b", 415),
]


async def test_a_file_of_another_format_is_refused_and_nothing_is_left(api: Api):
    task_id = await api.task(detector=SUGGEST)
    for form, content, status in OTHER_FORMATS:
        await refused(api, task_id, form, content, status)
    assert not list(api.platform.tasks.spool.glob("*"))


async def test_who_may_and_which_task(api: Api):
    off = await api.task()
    answer = await sent(api, off, "csv", "filename,label\na,cat\n")
    assert_problem(answer, 409)
    assert answer.json()["code"] == "no-suggestions"
    task_id = await api.task(detector=SUGGEST)
    assert_problem(await sent(api, task_id, "csv", "filename,label\na,cat\n", "text/html"), 415)
    assert_problem(await sent(api, task_id, "voc", "x"), 422)
    assert_problem(await sent(api, "0" * 32, "csv", "filename,label\na,cat\n"), 404)
    await api.http.delete(f"/api/tasks/{task_id}")
    assert_problem(await sent(api, task_id, "csv", "filename,label\na,cat\n"), 410)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no disk that is always full")
@pytest.mark.parametrize("size", [20, 3_000_000])
async def test_where_the_disk_is_full_the_file_is_refused(api: Api, monkeypatch, size: int):
    task_id = await api.task(detector=SUGGEST)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("w+b"))  # noqa: SIM115 - closed by the import
    await refused(api, task_id, "csv", b"filename,label\n" + b"x" * size, 507)
