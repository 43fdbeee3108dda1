"""Briefs that the suites of subtask stores share, and how they look at what is there."""

from shared.terms import DetectorPolicy
from tests.unit.subtask_builders import T0, brief

ONE_VOTE = brief(votes_required=1)
TASK = ONE_VOTE.task_id
OLDER = brief(task_id="11" * 16, created_at=T0 - 10, votes_required=1)
SUGGESTING = DetectorPolicy(mode="suggest", audit_share=0.0)
TOLD = brief(votes_required=1, detector=SUGGESTING)


async def find(at, subtask_id):
    return (await at.store.find(subtask_id))[0]
