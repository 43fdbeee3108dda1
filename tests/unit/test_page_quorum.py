"""The page computes what a policy will cost by quorum.py's rule: these cases hold its copy of the rule to this one.

`python -m tests.unit.test_page_quorum` writes them anew.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

from services.subtask_manager.quorum import Standing, is_disputed, settles
from shared.terms import QuorumPolicy

CASES = Path(__file__).parents[2] / "ui/src/tasks/quorum.cases.json"
POLICIES = (
    QuorumPolicy(),
    QuorumPolicy(stop="exact"),
    QuorumPolicy(stop="lead", lead=2),
    QuorumPolicy(votes_required=5, min_agreement=0.7, max_votes=7),
    QuorumPolicy(votes_required=1, max_votes=1),
    QuorumPolicy(votes_required=4, stop="lead", min_agreement=0.6, max_votes=9),
    QuorumPolicy(votes_required=2, stop="exact", min_agreement=1.0, max_votes=4),
)


def _standings(max_votes: int) -> Iterator[Standing]:
    """Every standing that votes can come to, with a second label or unsure votes for the rest, or some of both."""
    for collected in range(1, max_votes + 1):
        for top in range(collected + 1):
            for second in sorted({0, min(top, 1, collected - top), min(top, collected - top)}):
                yield Standing(top=top, second=second, collected=collected, is_contested=True, can_dissent=True)
        yield Standing(top=collected, second=0, collected=collected, is_contested=False, can_dissent=False)
        yield Standing(top=collected - 1, second=0, collected=collected, is_contested=False, can_dissent=True)


def cases() -> list[dict[str, Any]]:
    """By policy, what the rule says of each standing: by what it is settled, or else whether it is disputed."""
    written: list[dict[str, Any]] = []
    for policy in POLICIES:
        standings: list[dict[str, Any]] = []
        for now in _standings(policy.max_votes):
            settled = settles(policy, now)
            standings.append(
                asdict(now) | {"settles": settled, "is_disputed": not settled and is_disputed(policy, now)}
            )
        written.append({"policy": asdict(policy), "standings": standings})
    return written


def _written() -> list[dict[str, Any]]:
    return [case | {"standings": [list(standing.values()) for standing in case["standings"]]} for case in cases()]


def test_the_page_is_held_to_the_rule_as_it_is() -> None:
    assert json.loads(CASES.read_text()) == _written(), "python -m tests.unit.test_page_quorum, then npm run format"


def test_the_cases_meet_every_outcome() -> None:
    seen = {
        (case["policy"]["stop"], standing["settles"], standing["is_disputed"])
        for case, standing in ((case, standing) for case in cases() for standing in case["standings"])
    }
    assert seen >= set(product(("exact", "settled", "lead"), ("quorum",), (False,)))
    assert {("settled", "settled", False), ("lead", "lead", False)} <= seen
    assert {("exact", None, True), ("settled", None, True), ("lead", None, True), ("settled", None, False)} <= seen


if __name__ == "__main__":
    CASES.write_text(json.dumps(_written()))
