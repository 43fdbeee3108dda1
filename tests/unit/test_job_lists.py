"""How much is read to list jobs."""

from dataclasses import replace
from types import SimpleNamespace

from services.task_manager.jobs import handlers
from services.task_manager.order import key_of
from tests.unit.task_builders import T0, image, result


class Images:
    """Images of one task, the newest first; notes how many are asked for at once."""

    def __init__(self, count: int) -> None:
        done = [replace(image(str(n)), created_at=T0 + n, state="completed", result=result()) for n in range(count)]
        self.all = done[::-1]
        self.limits: list[int] = []

    async def images(self, task_id, *, state, label, after, limit, by):
        self.limits.append(limit)
        return [one for one in self.all if not after or key_of(one, by) < after][:limit]


async def test_a_list_of_some_reads_at_once_hardly_more_than_it_shows():
    store = Images(400)
    jobs = SimpleNamespace(resources=SimpleNamespace(store=store, clock=lambda: T0))
    shown, after = [], ""
    while True:
        page, after = await handlers.newest(jobs, ["t"], handlers.is_finished, after=after, limit=150)
        shown += page
        if not after:
            break
    assert shown == store.all
    assert max(store.limits) == 151
