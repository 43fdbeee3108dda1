"""What the suites of task stores do to them, and how they look at what is there."""

from functools import partial

from services.task_manager import domain
from tests.unit.task_builders import TASK_ID, VOTES, result, task

OTHER_ID = "11" * 16


async def create(at, **fields):
    wanted = task(**fields)
    return await at.store.create(wanted) or wanted


async def counts_of(at, task_id=TASK_ID) -> tuple[int, int, int, int]:
    counts = (await at.store.find(task_id))[1]
    return (counts.images, counts.open, counts.completed, counts.disputed)


async def all_images(at, task_id=TASK_ID, *, state=None, label=None, limit=7):
    images, after = [], ""
    while page := await at.store.images(task_id, state=state, label=label, after=after, limit=limit):
        assert len(page) <= limit
        images += page
        after = page[-1].id
    return images


async def record(at, one, *, state="completed", prelabel=None, votes=VOTES, **fields) -> None:
    await at.store.update_image(
        one.task_id,
        one.id,
        partial(domain.record_result, state=state, result=result(**fields), votes=votes, prelabel=prelabel),
    )


sealed, cancelled, completed = domain.seal, domain.cancel, domain.complete
