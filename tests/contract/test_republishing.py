"""What is told anew where the broker was lost: with the ids that it was told with."""

from dataclasses import replace
from functools import partial

from services.subtask_manager import domain as rules
from services.subtask_manager import republishing as subtasks_anew
from services.task_manager import domain
from services.task_manager import republishing as tasks_anew
from services.task_manager.domain import Change
from shared.events import parse
from tests.contract.operators import dispute, granting, open_all, subtask_ids, vote
from tests.contract.subtask_scenes import ONE_VOTE, SUGGESTING, TOLD
from tests.contract.task_scenes import record
from tests.unit.step_builders import piped, uploaded
from tests.unit.subtask_builders import brief, prelabel
from tests.unit.task_builders import T0, TASK_ID, image, task

OTHER = "11" * 16
NOW = T0 + 1_000


async def told(pages) -> list:
    return [parse(message.body) async for messages in pages for message in messages]


async def told_of_tasks(at) -> list:
    return await told(tasks_anew.told_anew(at.store, lambda: NOW))


async def kept(at, **fields) -> None:
    """A task that others were told of, and whose events were published."""
    await at.store.create(task(is_announced=True, **fields))


async def test_a_task_and_its_open_images_are_told_anew(tasks):
    await kept(tasks)
    await tasks.store.add_images(task(), [image(name) for name in "ab"])
    await record(tasks, image("b"))
    assert [(one.type, one.id) for one in await told_of_tasks(tasks)] == [
        ("task.opened.v1", f"{TASK_ID}/opened"),
        ("image.ready.v2", f"{image('a').id}/ready"),
    ]


async def test_all_that_was_published_of_what_is_open_is_told_with_the_same_words(tasks):
    await kept(tasks)
    await tasks.store.add_images(task(), [image(name) for name in "ab"])
    published = {message.id: message.body for message in await tasks.store.pending(9)}
    again = {one.id: one for one in await told_of_tasks(tasks)}
    assert published.keys() <= again.keys()
    assert [again[event_id].data for event_id in published] == [parse(body).data for body in published.values()]


async def test_terms_that_changed_are_told_as_they_are_and_a_task_that_nobody_heard_of_is_not(tasks):
    await kept(tasks)
    await tasks.store.update(TASK_ID, partial(domain.edit, change=Change(add_labels=("fox",))))
    await tasks.store.create(task(task_id=OTHER))
    [changed] = await told_of_tasks(tasks)
    assert (changed.type, changed.data.revision, changed.data.labels) == ("task.changed.v1", 2, ("cat", "dog", "fox"))


async def test_the_end_of_a_task_is_told_as_of_when_it_was(tasks):
    await kept(tasks, state="completed", sealed_at=T0, completed_at=T0 + 5, completions=2)
    await kept(tasks, task_id=OTHER, state="cancelled", cancelled_at=T0 + 7, is_erased=True)
    ends = [(one.id, one.data.at) for one in await told_of_tasks(tasks) if one.type != "task.opened.v1"]
    assert sorted(ends) == sorted(
        [(f"{TASK_ID}/completed/2", T0 + 5), (f"{OTHER}/cancelled", T0 + 7), (f"{OTHER}/erased", T0 + 7)]
    )


async def test_of_a_purged_task_only_that_is_told(tasks):
    """Heard after it, that the task was cancelled would be kept for ever."""
    await kept(tasks, state="cancelled", cancelled_at=T0, is_erased=True, is_purged=True)
    assert [one.id for one in await told_of_tasks(tasks)] == [f"{TASK_ID}/purged"]


async def test_what_was_removed_is_told_before_what_came_again(tasks):
    await kept(tasks)
    await tasks.store.add_images(task(), [image(name) for name in "abc"])
    for name in "ab":
        await tasks.store.remove_image(TASK_ID, image(name).id)
    again = replace(image("b"), object_key=image("b").object_key.replace("-0000", "-1111"))
    await tasks.store.add_images(task(), [again])
    found = [(one.type.split(".")[1], one.subject, one.data.object_key) for one in (await told_of_tasks(tasks))[1:]]
    gone, before = image("a").object_key, image("b").object_key
    assert ("removed", image("a").id, gone) in found
    assert found.index(("removed", again.id, before)) < found.index(("ready", again.id, again.object_key))
    assert {one.data.at for one in await told_of_tasks(tasks) if one.type == "image.removed.v1"} == {NOW, T0}


async def test_a_step_that_an_image_waits_for_is_told_anew(tasks):
    of = piped(("rotate", 90), is_announced=True)
    await tasks.store.create(of)
    await tasks.store.add_images(of, [uploaded("dog", of)])
    [published] = [parse(message.body) for message in await tasks.store.pending(9)]
    assert [one for one in await told_of_tasks(tasks) if one.type == "step.opened.rotate.v1"] == [published]


async def told_of_subtasks(at) -> list[tuple[str, str]]:
    return [(one.type, one.subject) for one in await told(subtasks_anew.told_anew(at.store, lambda: NOW))]


async def test_subtasks_that_wait_for_a_detector_are_told_anew_and_how_others_ended(subtasks):
    waiting, settled, disputed, decided, seen = ids = subtask_ids(5)
    await open_all(subtasks.store, TOLD, ids)
    await subtasks.store.update(settled, granting("ann", "token"))
    await vote(subtasks.store, "ann", settled, "cat", "token")
    for subtask_id in (disputed, decided):
        await dispute(subtasks.store, subtask_id)
    decide = partial(rules.adjudicate, by="eve", label="cat", reason="it is one")
    await subtasks.store.update(decided, decide)
    await subtasks.store.update(seen, partial(rules.apply_prelabel, prelabel=prelabel()))
    found = await told_of_subtasks(subtasks)
    assert sorted(found) == sorted(
        [
            ("subtask.opened.v2", waiting),
            ("subtask.completed.v1", settled),
            ("subtask.disputed.v1", disputed),
            ("subtask.adjudicated.v1", decided),
        ]
    )


async def test_nothing_is_told_of_a_cancelled_task_and_nothing_of_open_subtasks_without_a_detector(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(2))
    assert await told_of_subtasks(subtasks) == []
    await open_all(subtasks.store, brief(task_id=OTHER, votes_required=1, detector=SUGGESTING), ["22" * 16])
    await subtasks.store.cancel(OTHER)
    assert await told_of_subtasks(subtasks) == []
