"""Label sets: what may be a label, and that any label gets through every door unharmed."""

import csv
import io
import json

import pytest

from tests.service.running import Api, assert_problem

NFD, NFC = "e\u0301", "\u00e9"
REFUSED = {
    "none": ([], "/labels"),
    "too many": ([f"l{n}" for n in range(1_001)], "/labels"),
    "too many bytes": ([f"{n:03}" + "\N{CAT FACE}" * 190 for n in range(100)], "/labels"),
    "an empty one": (["cat", ""], "/labels/1"),
    "one too long": (["cat", "l" * 201], "/labels/1"),
    "twice": (["cat", "dog", "cat"], "/labels/2"),
    "twice apart from case": (["Cat", "cAT"], "/labels/1"),
    "twice apart from form": ([NFC, NFD], "/labels/1"),
    "twice apart from both": ([NFC.upper(), NFD], "/labels/1"),
    "twice by folding": (["straße", "STRASSE"], "/labels/1"),
    "blank": ([" "], "/labels/0"),
    "no-break space": (["\u00a0"], "/labels/0"),
    "zero width": (["\u200b\u200d"], "/labels/0"),
    "byte order mark": (["\ufeff"], "/labels/0"),
    "direction mark": (["\u202e"], "/labels/0"),
    "NUL": (["\0"], "/labels/0"),
    "lone combining mark": (["\u0301"], "/labels/0"),
    "line break": (["\n\t"], "/labels/0"),
    "a blank at its end": (["cat", "dog "], "/labels/1"),
    "a blank at its beginning": (["cat", "\u00a0dog"], "/labels/1"),
    "a byte order mark before it": (["\ufeffcat"], "/labels/0"),
    "zero width after it": (["cat\u200b"], "/labels/0"),
    "a line break after it": (["cat\r"], "/labels/0"),
    "a line break in it": (["a\nb"], "/labels/0"),
    "NUL in it": (["a\0b"], "/labels/0"),
    "an escape sequence": (["\x1b[31mred"], "/labels/0"),
    "a turn of direction in it": (["a\u202eb"], "/labels/0"),
    "twice apart from kinds of blanks": (["red cat", "red\u00a0cat"], "/labels/1"),
    "twice apart from how many blanks": (["red cat", "red  cat"], "/labels/1"),
    "twice apart from what is invisible": (["redcat", "red\u2060cat"], "/labels/1"),
}


@pytest.mark.parametrize(("labels", "pointer"), REFUSED.values(), ids=REFUSED)
async def test_label_sets_that_are_refused(api: Api, labels, pointer):
    answer = await api.http.post("/api/tasks", json={"name": "n", "labels": labels})
    assert_problem(answer, 422, pointer=pointer)
    assert await api.tasks() == []


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\x1b[31mred", "a\u2028b"])
async def test_a_name_with_control_characters(api: Api, name):
    answer = await api.http.post("/api/tasks", json={"name": name, "labels": ["cat"]})
    assert_problem(answer, 422, pointer="/name")
    assert await api.tasks() == []


MAPS = {
    "a long key": ({"z" * 900: "cat"}, "/detector/label_map"),
    "an empty key": ({"": "cat"}, "/detector/label_map"),
    "too many": ({f"class {number}": "cat" for number in range(1_001)}, "/detector/label_map"),
    "too many bytes": ({f"{number:0>190}": "cat" for number in range(300)}, "/detector/label_map"),
    "a control character": ({"do\ng": "cat"}, "/detector/label_map"),
    "one class twice": ({"tiger": "cat", "Tiger": "cat"}, "/detector/label_map/Tiger"),
    "no label of the task": ({"a/b": "wolf"}, "/detector/label_map/a~1b"),
}


@pytest.mark.parametrize(("label_map", "pointer"), MAPS.values(), ids=MAPS)
async def test_label_maps_that_are_refused(api: Api, label_map, pointer):
    body = {"name": "n", "labels": ["cat"], "detector": {"label_map": label_map}}
    assert_problem(await api.http.post("/api/tasks", json=body), 422, pointer=pointer)
    assert await api.tasks() == []


async def test_unsure_is_no_label_where_it_is_an_answer(api: Api):
    body = {"name": "n", "labels": ["cat", "Unsure"]}
    assert_problem(await api.http.post("/api/tasks", json=body | {"allow_unsure": True}), 422, pointer="/labels/1")
    assert (await api.http.post("/api/tasks", json=body)).status_code == 201


ODD = [
    "a.b",
    "$inc",
    "__proto__",
    "constructor",
    "<script>alert(1)</script>",
    "=cmd()",
    "+1",
    "-1",
    "@SUM(A1)",
    "0",
    "null",
    'quo"te, and comma',
    "\N{CAT FACE}",
    "\u2764\ufe0f",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "' OR 1=1 --",
    "l" * 200,
    "two  blanks",
    NFC,
    "unsure",
]


async def test_any_character_is_a_label_like_any_other(api: Api):
    """Leased, voted, settled, counted, filtered and exported as itself."""
    task_id, _ = await api.task_with(len(ODD), labels=ODD, quorum={"votes_required": 1})
    leases = await api.lease("ada", len(ODD), task_id)
    assert all(lease["labels"] == ODD for lease in leases)
    votes = [
        {"subtask_id": lease["subtask_id"], "label": label, "token": lease["token"]}
        for lease, label in zip(leases, ODD, strict=True)
    ]
    answer = await api.http.post("/api/votes", json={"votes": votes}, headers={"X-Quorate-User": "ada"})
    assert {one["status"] for one in answer.json()["outcomes"]} == {200}
    await api.settled()
    results = {one["label"]: one for one in await api.results(task_id)}
    assert set(results) == set(ODD)
    for label, result in results.items():
        assert (result["votes"], result["agreement"]) == ({label: 1}, 1)
        assert await api.results(task_id, label=label) == [result]
    lines = (await api.http.get(f"/api/tasks/{task_id}/export")).text.split("\n")
    assert {json.loads(line)["label"] for line in lines if line} == set(ODD)
    exported = (await api.http.get(f"/api/tasks/{task_id}/export?format=csv")).content.decode()
    rows = list(csv.DictReader(io.StringIO(exported, newline="")))
    begins_a_formula = ("=", "+", "-", "@", "\t", "\r")
    is_run = {label for label in ODD if label.startswith(begins_a_formula)} - {"+1", "-1"}  # numbers are none
    neutral = {f"'{label}" if label in is_run else label for label in ODD}
    assert {row["label"] for row in rows} == neutral
    assert [json.loads(row["votes"]) for row in rows] == [results[_plain(row["label"])]["votes"] for row in rows]
    await api.unharmed()


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell != "' OR 1=1 --" else cell


async def test_names_of_files_and_voters_are_neutralised_too(api: Api):
    task_id = await api.task(quorum={"votes_required": 1})
    await api.upload(task_id, ("=HYPERLINK(1).png", api.picture()))
    await api.settled()
    await api.lease_and_vote("=evil()", task_id, "cat")
    await api.settled()
    exported = (await api.http.get(f"/api/tasks/{task_id}/export?format=csv")).text
    (row,) = csv.DictReader(io.StringIO(exported, newline=""))
    assert row["filename"] == "'=HYPERLINK(1).png"
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())


@pytest.mark.parametrize("label", ["zebra", "CAT", "cat ", "unsure", "c\u0430t", "$inc", "__proto__"])
async def test_a_vote_outside_the_labels(api: Api, label):
    task_id, (image_id,) = await api.task_with(1)
    (lease,) = await api.lease("ada", 1, task_id)
    assert_problem(await api.vote("ada", image_id, label, lease["token"]), 422, pointer="/label")
    old = {"userId": "ada", "assignedLabel": label}
    assert_problem(await api.http.patch(f"/api/subtasks/{image_id}", json=old), 422, pointer="/label")
    assert (await api.http.get(f"/api/subtasks/{image_id}")).json()["votes"] == []
    assert (await api.vote("ada", image_id, "cat", lease["token"])).status_code == 200
    await api.unharmed()
