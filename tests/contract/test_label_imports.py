"""What a task store promises about changes of images that do not end them, and a subtask store about imports."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from services.subtask_manager import prelabels
from services.subtask_manager.row import Row as GridRow
from services.subtask_manager.row import grant_lease
from services.subtask_manager.subtask import Lease
from services.task_manager.label_imports.rows import Outcome, Row
from services.task_manager.label_imports.rules import taking
from shared.decision import Decision
from shared.errors import NotFound, Unavailable
from shared.events import parse
from shared.results import Imported, Prelabel
from shared.teams import FIRST_TEAM
from tests.contract.operators import open_all, subtask_ids
from tests.contract.task_scenes import all_images, cancelled, counts_of, create, record
from tests.unit.subtask_builders import LEASE_S, brief, detector
from tests.unit.task_builders import TASK_ID, image, task

LABELS = ("cat", "dog")


def importing(label: str, model: str = "import:1"):
    row = Row(number=1, name="a", label=label)
    return taking(row, terms=task().terms, model=model)


async def imports_told(at) -> list[Imported]:
    events = [parse(message.body) for message in await at.store.pending(100)]
    return [event.data.imported for event in events if event.type == "image.prelabeled.v1"]


async def test_an_import_is_saved_and_told_of_in_one_write_and_once(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [image("a")])
    for status in ("applied", "unchanged"):
        decision = await tasks.store.change_image(task(), image("a").id, importing("cat"))
        assert decision.answer.status == status
    imported = Imported(prelabel=Prelabel(model="import:1", label="cat", confidence=1.0), revision=1)
    assert await all_images(tasks) == [replace(image("a"), imported=imported)]
    assert await imports_told(tasks) == [imported]
    message = (await tasks.store.pending(10))[-1]
    assert (message.id, message.subject) == (f"{image('a').id}/prelabeled/1", image("a").id)


@pytest.mark.parametrize("failure", ["announce", "commit"])
async def test_an_import_that_could_not_be_saved_leaves_nothing(tasks, failure):
    await create(tasks)
    await tasks.store.add_images(task(), [image("a")])
    if failure == "announce":
        tasks.refuse_to_announce.append(ValueError("no event"))
        with pytest.raises(ValueError, match="no event"):
            await tasks.store.change_image(task(), image("a").id, importing("cat"))
        tasks.refuse_to_announce.clear()
    else:
        with tasks.failing_commits(), pytest.raises(Unavailable):
            await tasks.store.change_image(task(), image("a").id, importing("cat"))
    assert (await all_images(tasks), await imports_told(tasks)) == ([image("a")], [])
    assert (await tasks.store.change_image(task(), image("a").id, importing("cat"))).answer.status == "applied"


async def test_what_is_refused_or_not_there_changes_nothing(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [image("a")])
    await record(tasks, image("a"))
    before = await all_images(tasks)
    decision = await tasks.store.change_image(task(), image("a").id, importing("dog"))
    assert (decision.answer.status, await all_images(tasks)) == ("ended", before)
    for other, image_id in ((task(), image("b").id), (task(task_id="11" * 16), image("a").id)):
        with pytest.raises(NotFound):
            await tasks.store.change_image(other, image_id, importing("dog"))
    assert await imports_told(tasks) == []


async def test_imports_and_results_at_once_lose_nothing(tasks):
    await create(tasks)
    names = [f"{number:02}" for number in range(12)]
    await tasks.store.add_images(task(), [image(name) for name in names])

    async def apply(name: str, label: str) -> Decision[object, Outcome]:
        return await tasks.store.change_image(task(), image(name).id, importing(label))

    twice = [apply(name, label) for name in names for label in LABELS]
    *decisions, _ = await asyncio.gather(*twice, asyncio.gather(*(record(tasks, image(name)) for name in names)))
    assert await counts_of(tasks) == (12, 0, 12, 0)
    applied = sum(decision.answer.status == "applied" for decision in decisions)
    told = await imports_told(tasks)
    assert len(told) == applied
    assert sum(one.imported.revision for one in await all_images(tasks) if one.imported) == applied


async def test_what_was_imported_goes_with_its_task(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [image("a")])
    await tasks.store.change_image(task(), image("a").id, importing("cat"))
    await tasks.store.update(TASK_ID, cancelled)
    await tasks.store.remove_images(TASK_ID, 10)
    with pytest.raises(NotFound):
        await tasks.store.change_image(task(), image("a").id, importing("dog"))


async def test_what_was_imported_is_kept_and_comes_in_rows(subtasks):
    of, ids = brief(detector=detector("suggest")), subtask_ids(3)
    await open_all(subtasks.store, of, ids)
    for revision, label in ((1, "dog"), (2, "cat"), (1, "dog")):
        said = Imported(prelabel=Prelabel(model="import:1", label=label, confidence=0.5), revision=revision)
        for one in ids[:2]:
            rule = partial(prelabels.take_import, imported=said, object_key="key", told_at=1.0)
            await subtasks.store.update(one, lambda subtask, of, now, rule=rule: rule(subtask, of, now))
    subtask, _ = await subtasks.store.find(ids[0])
    assert (subtask.imported.revision, subtask.imported.prelabel.label) == (2, "cat")
    row = GridRow(label="cat")

    def grant(subtask, of, now):
        lease = Lease(operator="ann", token="t", expires_at=now + LEASE_S)
        return grant_lease(subtask, of, now, row=row, lease=lease)

    claimed = await subtasks.store.claim_row(FIRST_TEAM, "ann", task_id=of.task_id, row=row, count=5, grant=grant)
    assert sorted(held.id for held, _ in claimed.held) == ids[:2]
