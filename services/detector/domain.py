"""What the detector tells of what it saw."""

from collections.abc import Iterable

from shared.results import Detection

LONGEST_S = 60.0
"""An engine that looks at a picture for longer than this hangs, unless the settings say otherwise."""
MAX_SEEN = 300
"""How many objects of a picture are told at most."""


def worth_telling(detections: Iterable[Detection]) -> tuple[Detection, ...]:
    """The surest objects; the surest one of each class comes first, as nobody here knows which classes the task has."""
    surest_first = sorted(detections, key=lambda one: -one.confidence)
    first_of = {one.label: one for one in reversed(surest_first)}
    firsts = [one for one in surest_first if first_of[one.label] is one]
    others = [one for one in surest_first if first_of[one.label] is not one]
    return tuple((firsts + others)[:MAX_SEEN])
