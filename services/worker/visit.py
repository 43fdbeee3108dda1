"""A visit: one picture read, its operations done, and what comes out written down, portion by portion."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.worker.chain import Derived, derived
from shared.event_data import StepOpened, StepOutput
from shared.pictures import DecodingBudget, PictureLimits
from shared.pipelines import outputs
from shared.pipelines.pictures import read

PORTION_BYTES = 16_000_000
PORTION_OBJECTS = 64


@dataclass(slots=True, kw_only=True)
class Portion:
    """Pictures that came out: their bytes by key, and what is told of them."""

    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])
    outputs: list[StepOutput] = field(default_factory=list[StepOutput])

    @property
    def is_full(self) -> bool:
        return len(self.objects) >= PORTION_OBJECTS or sum(map(len, self.objects.values())) >= PORTION_BYTES


def portions(
    data: bytes, opened: StepOpened, limits: PictureLimits, budget: DecodingBudget | None, *, nonce: str
) -> Iterator[Portion]:
    """What comes out of the picture in `data`, as it comes: memory holds a portion of it. nonce: as `outputs.output`
    takes it.

    Raises PictureRejected and its kin for what is no picture within the limits, Invalid for what cannot be done, and
    MemoryError.
    """
    pixels = read(opened.object_key, data, limits, budget)
    del data
    start = Derived(pixels=pixels, origin=opened.origin)
    came = derived(start, opened.operations, step=opened.step)
    del pixels, start
    portion = Portion()
    for one in came:
        told, stored = outputs.output(opened, one.pixels, one.origin, nonce=nonce)
        portion.objects[told.object_key] = stored
        portion.outputs.append(told)
        del one, stored  # not held while the next is made
        if portion.is_full:
            yield portion
            portion = Portion()
    if portion.objects:
        yield portion
