"""What an image counts for in its task. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.task_manager.domain import Counts, Image

STATES: tuple[str, ...] = ("completed", "disputed", "processing", "failed", "derived")
"""States that are counted by themselves; what is in none of them is open."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What images add to the counts of their task: `columns` by name, those without a change left out."""

    columns: Mapping[str, int]

    def since(self, before: "Weight") -> "Weight":
        """The difference."""
        names = self.columns.keys() | before.columns.keys()
        changes = {name: self.columns.get(name, 0) - before.columns.get(name, 0) for name in sorted(names)}
        return Weight({name: change for name, change in changes.items() if change})


def weight_of(images: Iterable[Image]) -> Weight:
    """How many images these are, by state too, and their bytes. One that is neither uploaded nor finished, and of which
    others were made, counts for nothing: it only marks that this was done."""
    columns = dict.fromkeys(("images", "bytes", *STATES), 0)
    for image in images:
        if is_mark(image):
            continue
        columns["images"] += 1
        columns["bytes"] += image.size_bytes
        if image.state != "open":
            columns[image.state] += 1
    return Weight({name: count for name, count in columns.items() if count})


def is_mark(image: Image) -> bool:
    """Whether an image was an intermediate one, and others were made of it."""
    return image.state == "derived" and image.origin is not None


def counts_in(images: int, by_state: Mapping[str, int]) -> Counts:
    """The counts of a task that has so many images, `derived` ones included."""
    shown = images - by_state["derived"]
    ended = {state: by_state[state] for state in STATES if state != "derived"}
    return Counts(images=shown, open=shown - sum(ended.values()), **ended)
