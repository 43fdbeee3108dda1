"""`python -P -m embedded.keeping`: back a data folder up, restore it, check it. `quorate backup` and others call it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded.backup import Taken, back_up, restore
from embedded.check import check, mend
from shared.errors import QuorateError

FOUND, REFUSED = 1, 2


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; returns the exit status: 1 where a check finds something, 2 for what is refused."""
    wanted = _parser().parse_args(arguments)
    try:
        if wanted.what == "check":
            return _checked(wanted.folder, reads_objects=wanted.contents, mends=wanted.mend)
        copy = back_up if wanted.what == "backup" else restore
        print(_told(wanted.what, copy(wanted.source, wanted.target), wanted.target))  # noqa: T201
    except (QuorateError, OSError) as error:
        print(f"quorate: {error}", file=sys.stderr)  # noqa: T201
        return REFUSED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="quorate")
    commands = parser.add_subparsers(dest="what", required=True)
    for name in ("backup", "restore"):
        copying = commands.add_parser(name)
        copying.add_argument("source", type=Path)
        copying.add_argument("target", type=Path)
    checking = commands.add_parser("check")
    checking.add_argument("folder", type=Path)
    checking.add_argument("--contents", action="store_true")
    checking.add_argument("--mend", action="store_true")
    return parser


def _told(what: str, taken: Taken, target: Path) -> str:
    held = f"; writers waited for {1000 * taken.held_s:.0f} ms" if what == "backup" else ""
    done = "Backed up" if what == "backup" else "Restored"
    return f"{done} {taken.databases} databases and {taken.objects} objects to {target}{held}"


def _checked(folder: Path, *, reads_objects: bool, mends: bool) -> int:
    found = check(folder, reads_objects=reads_objects)
    for one in found:
        mending = "" if one.mending is None else " (mended)" if mends else " (--mend puts it right)"
        print(f"{one.text}{mending}")  # noqa: T201
    left = len(found) - (mend(folder, found) if mends else 0)
    print(f"{folder}: {left or 'nothing'} to mend" if found else f"{folder} agrees with itself")  # noqa: T201
    return FOUND if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
