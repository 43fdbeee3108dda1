"""What the task manager keeps of imports, and of the files that they did not take in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.task_manager.imports.rules import Import, Importing

ChangeImport = Callable[[Import, float], Import]
"""A rule, called with the present state and the time (epoch seconds); it returns the new state, or raises a refusal. It
may be called more than once. If it raises, or returns the state that it was given, nothing is saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageKey:
    """Where a page of refusals stands: the import, the round of it, and the part, counted from 0."""

    import_id: str
    round: int
    part: int


class ImportStore(Protocol):
    """Every change is one atomic write by a rule."""

    async def add(self, new: Import) -> bool:
        """Save a new import. False, with nothing changed, where there is one with its id."""
        ...

    async def find(self, import_id: str) -> Import:
        """Raises NotFound."""
        ...

    async def change(self, import_id: str, change: ChangeImport) -> Import:
        """Returns the new state. Raises NotFound, and what the rule raises."""
        ...

    async def of_task(self, task_id: str, limit: int) -> list[Import]:
        """The imports of a task, those that were asked for last at the front."""
        ...

    async def is_under_way(self, task_id: str) -> bool:
        """Whether an import of a task is running: one indexed look-up."""
        ...

    async def due(self, *, now: float, limit: int) -> list[Import]:
        """Imports on which a process may work, those that have waited for longest at the front."""
        ...

    async def put_page(self, key: PageKey, task_id: str, body: bytes) -> None:
        """Save a page, in place of the one with its key. Raises NotFound where the import is gone: its pages went with
        it, and this one would stay."""
        ...

    async def pages(self, import_id: str, round_: int, *, first: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Pages of a round with their parts, in order, from a part on. Parts that refused nothing have none."""
        ...

    async def remove_pages(self, import_id: str, *, before_round: int) -> None:
        """Remove the pages of earlier rounds."""
        ...

    async def remove_of(self, task_id: str) -> None:
        """Remove all imports of a task, with their pages."""
        ...


async def refuse_importing(imports: ImportStore, task_id: str) -> None:
    """Raises Importing while an import into a task is running. One that is asked for in this moment finds the task
    sealed."""
    if await imports.is_under_way(task_id):
        raise Importing("an import into this task is under way: seal it when that has ended, or cancel the import")
