"""What a client may name: labels, a model's classes, a task. Pure.

Every name has its limits here. What cannot be seen or told apart is refused where it stands; all else is taken as is.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from heapq import nlargest

from shared.errors import Invalid
from shared.labels import BLANK, FLAG, IGNORABLE, MAX_LABELS, folded
from shared.terms import UNSURE

MAX_NAME_LENGTH = 200
"""Of a label, a class, or a task; in characters."""
MAX_BYTES = 32_768
"""Of all labels together, and of all that maps classes to them."""
MAX_INSTRUCTIONS_LENGTH = 10_000
COMPARED = 20
"""Classes that are compared letter by letter with a name that none has: it takes its time."""
LABEL_MAP = "/detector/label_map"

_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"}
"""Categories of characters that cannot be seen on their own."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, line breaks, and what turns the direction of the text around it."""
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NOT_DRAWN = re.compile(f"[{BLANK}{IGNORABLE}]")
_DRAWN_TO_ITS_END = re.compile(
    rf"(?:[^\x00-\x7f{BLANK}{IGNORABLE}][\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]|{FLAG})\Z"
)
"""What is not drawn by itself, but chooses how the character before it is: most emoji end so."""


def check_labels(labels: Sequence[str], *, allow_unsure: bool) -> tuple[str, ...]:
    """A label set in hotkey order. Raises Invalid, pointing at the label, for what cannot be told apart or seen."""
    if not 1 <= len(labels) <= MAX_LABELS:
        raise Invalid(f"a task has 1 to {MAX_LABELS:,} labels", pointer="/labels")
    if _bytes(labels) > MAX_BYTES:
        raise Invalid(f"the labels together are over {MAX_BYTES:,} bytes", pointer="/labels")
    seen = {UNSURE} if allow_unsure else set[str]()
    for position, label in enumerate(labels):
        pointer = f"/labels/{position}"
        _check_name(label, "a label", pointer)
        _check_is_drawn(label, pointer)
        if (look := folded(label)) in seen:
            raise Invalid("the label is there twice: they look alike", pointer=pointer)
        seen.add(look)
    return tuple(labels)


def check_label_names(names: Mapping[str, str], labels: Sequence[str], *, allow_unsure: bool) -> None:
    """Raises Invalid where labels are to be shown by what could not be labels, or could not be told apart."""
    for label in names:
        if label not in labels:
            raise Invalid(f"{label!r} is no label of the task", pointer="/label_names")
    try:
        check_labels([names.get(label, label) for label in labels], allow_unsure=allow_unsure)
    except Invalid as error:
        raise Invalid(f"as labels are to be shown: {error.detail}", pointer="/label_names") from error


def check_label_map(label_map: Mapping[str, str], labels: Sequence[str]) -> None:
    """Raises Invalid for what a map from a model's classes to a task's labels cannot be."""
    if len(label_map) > MAX_LABELS or _bytes(label_map) + _bytes(label_map.values()) > MAX_BYTES:
        raise Invalid(f"label_map has up to {MAX_LABELS:,} classes and {MAX_BYTES:,} bytes", pointer=LABEL_MAP)
    known, seen = set(labels), set[str]()
    for name, label in label_map.items():
        _check_name(name, "a class", LABEL_MAP)
        if (look := folded(name)) in seen:
            raise Invalid(f"{name!r} is mapped twice: the names look alike", pointer=_at(name))
        if label not in known:
            raise Invalid(f"{name!r} is mapped to a label that the task has not", pointer=_at(name))
        seen.add(look)


def check_classes(label_map: Mapping[str, str], classes: Sequence[str]) -> None:
    """Raises Invalid where a class is mapped that the model has not, apart from case; it names the nearest one."""
    known = {folded(name) for name in classes}
    for name in label_map:
        if folded(name) not in known:
            nearest = _nearest(name, classes)
            raise Invalid(f"the model has no class {name!r}; the nearest is {nearest!r}", pointer=_at(name))


def check_task_name(name: str) -> None:
    """Raises Invalid."""
    _check_name(name, "a name", "/name")


def _check_name(name: str, what: str, pointer: str) -> None:
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise Invalid(f"{what} has 1 to {MAX_NAME_LENGTH} characters", pointer=pointer)
    if _SURROGATE.search(name):
        raise Invalid(f"{what} must be valid Unicode", pointer=pointer)
    if found := _CONTROL.search(name):
        raise Invalid(f"{what} may not hold the control character U+{ord(found[0]):04X}", pointer=pointer)


def _check_is_drawn(label: str, pointer: str) -> None:
    if all(unicodedata.category(one) in _UNSEEN or _NOT_DRAWN.match(one) for one in label):
        raise Invalid("a label needs a character that can be seen", pointer=pointer)
    is_drawn_to_its_end = not _NOT_DRAWN.match(label[-1]) or _DRAWN_TO_ITS_END.search(label)
    if _NOT_DRAWN.match(label[0]) or not is_drawn_to_its_end:
        raise Invalid("a label may not begin or end with a blank or with what cannot be seen", pointer=pointer)


def _nearest(name: str, classes: Sequence[str]) -> str:
    """The class most like it: of those that share the most letters, the one with the most in the same order."""
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(folded(name))

    def letters(one: str) -> float:
        matcher.set_seq1(folded(one))
        return matcher.quick_ratio()

    def likeness(one: str) -> float:
        matcher.set_seq1(folded(one))
        return matcher.ratio()

    return max(nlargest(COMPARED, classes, key=letters), key=likeness)


def _bytes(names: Iterable[str]) -> int:
    return sum(len(name.encode("utf-8", "surrogatepass")) for name in names)


def _at(name: str) -> str:
    return f"{LABEL_MAP}/{name.replace('~', '~0').replace('/', '~1')}"
