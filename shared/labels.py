"""Names that people see: which of them look alike, and what in them cannot be seen."""

import re
import unicodedata

MAX_LABELS = 1_000
"""Of a task."""
BLANK = r"\s\u2800"
"""White space, and the braille cell without a dot."""
IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's default-ignorable code points, and the marks of interlinear notes: nothing is drawn for them."""
FLAG = r"\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"
"""A black flag with the letters of a region, which cannot be seen and make it another flag."""
_DRAWN_OR_NOT = re.compile(f"({FLAG})|[{IGNORABLE}]+")
_BLANKS = re.compile(f"[{BLANK}]+")


def folded(name: str) -> str:
    """The same text for names that look alike: apart from case, form, kinds of blanks, and what is not drawn."""
    drawn = _DRAWN_OR_NOT.sub(lambda found: found[1] or "", name)
    spaced = _BLANKS.sub(" ", drawn).strip()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", spaced).casefold())
