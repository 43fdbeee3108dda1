"""`quorate consensus`: the estimates on a file of votes."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from services.consensus.domain.methods import METHODS
from services.consensus.files import read_gold, read_votes, write_labels
from services.consensus.finding import Finder, agreement_found, gold_of, refuse_too_large
from services.consensus.report import Report, as_json, lines
from shared.errors import QuorateError, TooLarge

TIME_LIMIT_S = 600
REFUSED, INTERRUPTED = 1, 130
"""Exit codes, as the whole command line has them."""


def main(argv: Sequence[str]) -> int:
    """Estimate; returns the exit status. Labels go to a file or to stdout, the report to stderr."""
    options = _parser().parse_args(argv)
    try:
        _run(options)
    except BrokenPipeError:  # who reads the labels has seen enough
        return REFUSED
    except (QuorateError, OSError) as error:
        _say(f"quorate: {_reason(error)}")
        return REFUSED
    except MemoryError:
        _say("quorate: these votes take more memory than there is; estimate some of the tasks, or by fewer methods")
        return REFUSED
    except KeyboardInterrupt:
        _say("quorate: interrupted")
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="quorate consensus", allow_abbrev=False, add_help=False)
    parser.add_argument("votes", type=Path)
    parser.add_argument("--gold", type=Path)
    parser.add_argument("--methods", type=_methods, default=list(METHODS))
    parser.add_argument("--output", type=Path)
    parser.add_argument("--json", action="store_true")
    return parser


def _methods(text: str) -> list[str]:
    named = [name.strip() for name in text.split(",")]
    if unknown := [name for name in named if name not in METHODS]:
        raise argparse.ArgumentTypeError(f"there is no method {unknown[0]!a}; there are {', '.join(METHODS)}")
    return list(dict.fromkeys(named))


def _run(options: argparse.Namespace) -> None:
    progress = _Progress()
    try:
        report = _found(options, progress)
    finally:
        progress.end()
    _write(options.output, report)
    for line in lines(report):
        _say(line)
    if options.json:
        sys.stdout.write(json.dumps(as_json(report)).replace("\x7f", "\\u007f") + "\n")


def _found(options: argparse.Namespace, progress: "_Progress") -> Report:
    counted = read_votes(options.votes, reading=progress.reading(options.votes)).counted()
    refuse_too_large(options.methods, counted.votes)
    truths = None if options.gold is None else read_gold(options.gold, reading=progress.reading(options.gold))
    gold = None if truths is None else gold_of(truths, counted)
    finder = Finder(counted.votes, gold)
    found = [finder.find(method, progress.rounds(method)) for method in options.methods]
    progress.show("agreement")
    agreement, voters = agreement_found(counted)
    return Report(counted=counted, gold=gold, methods=found, agreement=agreement, voters=voters)


def _write(output: Path | None, report: Report) -> None:
    names = ["", *report.counted.labels]  # NO_LABEL is -1, so what has no label takes the first
    columns = [[names[label + 1] for label in found.label.tolist()] for found in report.methods]
    head = ["task", *(found.method for found in report.methods)]
    write_labels(output, head, zip(report.counted.images, *columns, strict=True))


class _Progress:
    """What is under way, in one line of a terminal; where nobody looks, nothing is shown. Ends what takes too long."""

    def __init__(self) -> None:
        self._began_at = time.monotonic()
        self._is_watched = sys.stderr.isatty()
        self._width = 0

    def reading(self, path: Path) -> Callable[[int], None]:
        size_bytes = path.stat().st_size
        return lambda read_bytes: self.show(f"{path.name}: {read_bytes / max(size_bytes, read_bytes):.0%}")

    def rounds(self, method: str) -> Callable[[int], None]:
        def each_round(done: int) -> None:
            if time.monotonic() - self._began_at > TIME_LIMIT_S:
                raise TooLarge(f"{method} was not done after {TIME_LIMIT_S} s; leave it out, or some of the votes")
            self.show(f"{method}: round {done}")

        return each_round

    def show(self, text: str) -> None:
        if self._is_watched:
            shown = ascii(text)[1:-1]
            sys.stderr.write(f"\r{shown.ljust(self._width)}")
            sys.stderr.flush()
            self._width = len(shown)

    def end(self) -> None:
        if self._is_watched:
            sys.stderr.write(f"\r{' ' * self._width}\r")


def _reason(error: QuorateError | OSError) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return error.detail


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
