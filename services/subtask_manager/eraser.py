"""How a person is erased from all subtasks, step by step."""

import contextlib
from functools import partial

from services.subtask_manager import erasing
from services.subtask_manager.preferences import PreferencesStore
from services.subtask_manager.store import SubtaskStore
from shared.erasures import Erasure
from shared.errors import NotFound

BATCH = 500


async def step(store: SubtaskStore, preferences: PreferencesStore, erasure: Erasure) -> str | None:
    """Erase a person from the next subtasks; with the last ones goes what they set for themselves."""
    ids = await store.ids(after=erasure.place, limit=BATCH)
    rule = partial(erasing.erase, person=erasure.person, pseudonym=erasure.pseudonym)
    for subtask, _ in await store.find_each(ids):
        if erasing.erase(subtask, person=erasure.person, pseudonym=erasure.pseudonym).state is not subtask:
            with contextlib.suppress(NotFound):  # removed meanwhile, or its task cancelled: then all of it goes
                await store.update(subtask.id, lambda one, _brief, _now: rule(one))
    if len(ids) == BATCH:
        return ids[-1]
    await preferences.forget(erasure.person)
    await store.forget_operator(erasure.person)
    return None
