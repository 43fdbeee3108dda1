"""What was found, as a few lines for a person and as JSON for a program."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from services.consensus.domain.agreement import Agreement
from services.consensus.domain.book import Counted
from services.consensus.domain.gold import Accuracy
from services.consensus.domain.others import Confusion, Pair
from services.consensus.domain.votes import NO_LABEL
from services.consensus.finding import ByMethod, Detector, Gold, Voters
from shared.labels import folded


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    counted: Counted
    gold: Gold | None
    methods: Sequence[ByMethod]
    agreement: Agreement
    voters: Voters


def lines(report: Report) -> Iterator[str]:
    """The report in short."""
    votes = report.counted.votes
    yield f"{votes.count} votes of {votes.voters} workers on {votes.images} tasks, {votes.labels} labels"
    yield from _left_out(report)
    yield from _looking_alike(report.counted.labels)
    yield _agreement(report.agreement)
    yield from _table(report)
    if report.gold is not None and report.gold.elsewhere:
        yield f"{report.gold.elsewhere} true labels are of tasks without a vote and count nowhere"


def _left_out(report: Report) -> Iterator[str]:
    votes = report.counted.votes
    if votes.unsure:
        yield f"{votes.unsure} votes name no label and say nothing"
    if votes.repeated:
        yield f"{votes.repeated} votes are there more than once and count once"
    if votes.contradicting:
        yield f"{votes.contradicting} votes count nowhere: their worker names several labels of one task"


def _looking_alike(labels: Sequence[str]) -> Iterator[str]:
    alike: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        alike[folded(label)].append(label)
    for names in alike.values():
        if len(names) > 1:
            yield f"labels that look alike are taken as different ones: {', '.join(map(json.dumps, names))}"


def _agreement(agreement: Agreement) -> str:
    sizes = [size for size in agreement.votes_per_image if size]
    per_task = f"{min(sizes)} to {max(sizes)}" if len(sizes) > 1 else f"{sizes[0] if sizes else 0}"
    alpha = "undefined" if agreement.alpha is None else f"{agreement.alpha:.3f}"
    kappa = "" if agreement.kappa is None else f", Fleiss' kappa {agreement.kappa:.3f}"
    return f"agreement: Krippendorff's alpha {alpha}{kappa}; votes on a task: {per_task}"


def _table(report: Report) -> Iterator[str]:
    head = ["method", "labels", "ties", "off majority", "rounds"]
    rows = [head + (["right on gold", "95 %", "beside majority"] if report.gold else [])]
    rows += [_row(found) for found in report.methods]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(found: ByMethod) -> list[str]:
    labeled = int(np.count_nonzero(found.label != NO_LABEL))
    rounds = f"{found.rounds}{'' if found.has_settled else ', not settled'}"
    row = [found.method, str(labeled), str(len(found.label) - labeled), str(found.off_majority), rounds]
    if found.accuracy is not None:
        share, interval = _shown(found.accuracy)
        row += [share, interval, found.beside_majority or ""]
    return row


def _shown(accuracy: Accuracy) -> tuple[str, str]:
    return f"{accuracy.right / accuracy.seen:.4f} of {accuracy.seen}", f"{accuracy.low:.3f} to {accuracy.high:.3f}"


def as_json(report: Report) -> dict[str, Any]:
    """All of the report."""
    votes = report.counted.votes
    return {
        "votes": votes.count,
        "voters": votes.voters,
        "tasks": votes.images,
        "labels": list(report.counted.labels),
        "left_out": {"unsure": votes.unsure, "repeated": votes.repeated, "contradicting": votes.contradicting},
        "agreement": {
            "alpha": report.agreement.alpha,
            "kappa": report.agreement.kappa,
            "why_no_kappa": report.agreement.why_no_kappa,
            "votes_per_task": {str(size): tasks for size, tasks in report.agreement.votes_per_image.items()},
        },
        "methods": [_method(found) for found in report.methods],
        "by_voter": _by_voter(report),
        "pairs": [_pair(pair, report.counted) for pair in report.voters.pairs],
        "detectors": {name: _detector(found, report.counted.labels) for name, found in report.voters.detectors.items()},
    }


def _method(found: ByMethod) -> dict[str, Any]:
    labeled = int(np.count_nonzero(found.label != NO_LABEL))
    return {
        "method": found.method,
        "labels": labeled,
        "ties": len(found.label) - labeled,
        "off_majority": found.off_majority,
        "rounds": found.rounds,
        "has_settled": found.has_settled,
        "on_gold": found.accuracy and asdict(found.accuracy),
        "beside_majority": found.beside_majority,
    }


def _by_voter(report: Report) -> list[dict[str, Any]]:
    voters = report.voters
    return [
        {
            "voter": name,
            "votes": int(voters.votes[voter]),
            "alike": int(voters.alike[voter]),
            "compared": int(voters.compared[voter]),
            "skill": {found.method: float(found.skill[voter]) for found in report.methods},
        }
        for voter, name in enumerate(report.counted.voters)
    ]


def _pair(pair: Pair, counted: Counted) -> dict[str, Any]:
    return {
        "voters": [counted.voters[pair.first], counted.voters[pair.second]],
        "common": pair.common,
        "alike": pair.alike,
        "confusion": _confusion(pair.confusion, counted.labels),
    }


def _detector(found: Detector, labels: Sequence[str]) -> dict[str, Any]:
    return {
        "overall": asdict(found.reliability.overall),
        "by_label": {labels[label]: asdict(share) for label, share in found.reliability.by_label.items()},
        "confusion": _confusion(found.confusion, labels),
    }


def _confusion(confusion: Confusion, labels: Sequence[str]) -> dict[str, dict[str, int]]:
    shown: dict[str, dict[str, int]] = {}
    for (first, second), times in confusion.items():
        shown.setdefault(labels[first], {})[labels[second]] = times
    return shown
