"""`python -P -m probes.plain_uploads`: the embedded platform without renditions, to compare uploads with."""

import sys

from embedded.__main__ import main
from shared import renditions
from shared.renditions import Rendition


def _none(_width: int, _height: int) -> tuple[Rendition, ...]:
    return ()


if __name__ == "__main__":
    renditions.of = _none
    sys.exit(main())
