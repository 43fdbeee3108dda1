"""The rules of tasks and of their images."""

import secrets
from dataclasses import replace
from typing import Any

from services.task_manager import domain as task_domain
from services.task_manager import handlers as task_handlers
from services.task_manager.domain import Image
from services.task_manager.store.sqlite import SqliteTaskStore
from shared.decision import Decision
from tests.chaos.defects.planting import defect


@defect("I6", "I7")
def older_revision_wins() -> None:
    """A result that comes again replaces a newer one."""

    def record_result(image: Image, _now: float, **fields: Any) -> Decision[Image, None]:
        return Decision(state=replace(image, **fields), answer=None)

    task_domain.record_result = record_result


@defect("I13")
def counts_drift() -> None:
    """A result that comes twice counts twice."""
    real_update = SqliteTaskStore.update_image

    async def update_image(self: Any, task_id: str, image_id: str, decide: Any) -> bool:
        is_again = False

        def noted(image: Image, now: float) -> Decision[Image, None]:
            nonlocal is_again
            decision = decide(image, now)
            is_again = decision.state is image
            return decision

        finished = await real_update(self, task_id, image_id, noted)
        if is_again:
            count = "UPDATE tasks SET completed = completed + 1 WHERE id = ?"
            await self._database.write(lambda db: db.execute(count, (task_id,)).rowcount)
        return finished

    SqliteTaskStore.update_image = update_image


@defect("I10")
def forgotten_idempotency() -> None:
    """A key makes no difference: every request makes a task."""
    task_handlers.domain.task_id_of = lambda team, owner, key: secrets.token_hex(16)


@defect("I10")
def changed_body_accepted() -> None:
    """A key used again with another body is answered as if it were the same."""
    task_domain.repeat_create = lambda existing, wanted: existing


@defect("I12", "I10")
def keys_shared_between_owners() -> None:
    """Two owners who use the same key get the same task."""
    real = task_domain.task_id_of
    task_domain.task_id_of = lambda team, owner, key: real(team, "anybody", key)


@defect("I1")
def random_image_ids() -> None:
    """The same bytes again are another image."""
    task_domain.image_id_of = lambda task_id, sha256: secrets.token_hex(16)
