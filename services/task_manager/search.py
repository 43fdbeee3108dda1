"""Which images of a task a reader wants to see, and the search for them in bounded steps."""

from dataclasses import dataclass, replace

from services.task_manager.domain import Image, agreement_of, is_against_detector
from services.task_manager.order import By, key_of
from services.task_manager.store import TaskStore

STEP = 500
LOOKED_THROUGH = 2_000
"""So many images one request looks through at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an image has to be like; None: it does not matter.

    decided_by: a `DecidedBy`. suggested: the label of its pre-label.
    against_detector: the label that people gave it is another than its pre-label's; False: the same.
    agreement_from, agreement_below: what its votes agree by, 0 to 1.
    filename: what its name begins with, whatever the case.
    has_parents: uploaded images, too, in whose place others stand.
    """

    state: str | None = None
    label: str | None = None
    decided_by: str | None = None
    suggested: str | None = None
    against_detector: bool | None = None
    agreement_from: float | None = None
    agreement_below: float | None = None
    filename: str | None = None
    has_parents: bool = False

    def has(self, image: Image) -> bool:
        """Whether an image is like that."""
        result, prelabel = image.result, image.prelabel
        agreement = agreement_of(image)
        return (
            (image.state != "derived" or (self.has_parents and image.origin is None))
            and (self.state is None or image.state == self.state)
            and (self.label is None or (result is not None and result.label == self.label))
            and (self.decided_by is None or (result is not None and result.decided_by == self.decided_by))
            and (self.suggested is None or (prelabel is not None and prelabel.label == self.suggested))
            and (self.against_detector is None or is_against_detector(image) is self.against_detector)
            and (self.agreement_from is None or (agreement is not None and agreement >= self.agreement_from))
            and (self.agreement_below is None or (agreement is not None and agreement < self.agreement_below))
            and (self.filename is None or image.filename.casefold().startswith(self.filename.casefold()))
        )


async def look_through(
    store: TaskStore, task_id: str, wanted: Wanted, *, by: By, after: str, limit: int
) -> tuple[list[Image], str]:
    """Images that are wanted, `limit` at the most, and the key after which to look on; empty where all were seen.

    The store narrows what has an index: state and label in the order of ids. For the rest, up to `LOOKED_THROUGH`
    images are looked through.
    """
    narrowed = (wanted.state, wanted.label) if by == "id" else (None, None)
    step = limit + 1 if replace(wanted, has_parents=False) == Wanted(state=narrowed[0], label=narrowed[1]) else STEP
    found: list[Image] = []
    for _ in range(0, LOOKED_THROUGH, step):
        images = await store.images(task_id, state=narrowed[0], label=narrowed[1], after=after, limit=step, by=by)
        for image in filter(wanted.has, images):
            if len(found) == limit:
                return found, key_of(found[-1], by)
            found.append(image)
        if len(images) < step:
            return found, ""
        after = key_of(images[-1], by)
    return found, after
