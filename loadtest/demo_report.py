"""What the demonstration shows at its end: the results as a table, and what they say in a few numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence

from quorate.shapes import Result, Task
from quorate.tables import share, show_fields, show_results

ROWS = 20


def show(task: Task, results: Sequence[Result], truth: Mapping[str, str]) -> None:
    """Print the table and the numbers. `truth` is from file name to label, as far as it is known."""
    by_name = sorted(results, key=lambda result: result["filename"])
    show_results(by_name[:ROWS])
    if len(results) > ROWS:
        print(f"... {len(results) - ROWS} more\n")
    fields = [
        ("images", _decided(results)),
        ("votes", _votes(results, task["quorum"].get("votes_required", 3))),
        ("accuracy", _accuracy(results, truth)),
        ("detector", _detector(results)),
        ("people", "" if truth else "simulated: without a truth they follow the pre-label, else a label drawn by hash"),
    ]
    show_fields((name, text) for name, text in fields if text)


def _decided(results: Sequence[Result]) -> str:
    """How many images were decided, and by what."""
    ways = Counter(result["decided_by"] or result["state"] for result in results)
    return f"{len(results)}: " + ", ".join(f"{count} {way}" for way, count in ways.most_common())


def _votes(results: Sequence[Result], required: int) -> str:
    """How many votes were taken, and the share that stopping early saved."""
    taken = [sum((result["votes"] or {}).values()) for result in results]
    asked = required * len(results)
    saved = sum(max(0, required - count) for count in taken)
    extra = sum(max(0, count - required) for count in taken)
    text = f"{sum(taken)} taken, {required} for each image would be {asked}: stopping early saved {saved / asked:.0%}"
    return text + (f", {extra} more were asked to break ties" if extra else "")


def _accuracy(results: Sequence[Result], truth: Mapping[str, str]) -> str:
    """How many labels are true; nothing where no truth is known."""
    known = [result for result in results if result["filename"] in truth and result["label"] is not None]
    right = sum(result["label"] == truth[result["filename"]] for result in known)
    return f"{share(right / len(known))}: {right} of {len(known)} labels are true" if known else ""


def _detector(results: Sequence[Result]) -> str:
    """How often the detector agreed with the people, on images that it did not decide itself."""
    by_people = [result for result in results if result["label"] is not None and result["decided_by"] != "detector"]
    proposed = [(one["label"], one["prelabel"]["label"]) for one in by_people if one["prelabel"]]
    named = [(label, proposal) for label, proposal in proposed if proposal is not None]
    if not named:
        return ""
    agreed = sum(label == proposal for label, proposal in named)
    return (
        f"proposed a label for {len(named)} of the {len(by_people)} images that people decided,"
        f" and they agreed on {agreed} ({share(agreed / len(named))})"
    )
