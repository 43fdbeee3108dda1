"""The rules of leases, votes and results."""

from dataclasses import replace
from typing import Any

from services.subtask_manager import domain, handlers, quorum
from services.subtask_manager.store.sqlite import SqliteSubtaskStore
from services.subtask_manager.subtask import Brief, Manner, Subtask, Vote
from shared.decision import Decision
from shared.identity import Caller
from tests.chaos.defects.planting import defect


@defect("I4", "I3", "I5")
def no_voter_guard() -> None:
    """Who has voted may vote again."""

    def cast_vote(
        subtask: Subtask, brief: Brief, now: float, *, voter: str, label: str, token: str, manner: Manner
    ) -> Decision[Subtask, Vote]:
        domain._refuse_unless_open(subtask)
        return domain._counted(
            subtask, brief, voter=voter, label=domain.parse_label(brief, label), now=now, manner=manner
        )

    domain.cast_vote = cast_vote


@defect("I8")
def no_fence() -> None:
    """Any token is as good as the lease's own."""
    real_cast = domain.cast_vote

    def cast_vote(
        subtask: Subtask, brief: Brief, now: float, *, voter: str, label: str, token: str, manner: Manner
    ) -> Decision[Subtask, Vote]:
        held = [lease.token for lease in subtask.leases if lease.operator == voter]
        fenced = held[0] if held else token
        return real_cast(subtask, brief, now, voter=voter, label=label, token=fenced, manner=manner)

    domain.cast_vote = cast_vote


@defect("I5")
def over_quota() -> None:
    """A subtask that has ended takes votes from those who look at it still."""
    real_settles = quorum.settles

    def settles(policy: Any, now: quorum.Standing) -> Any:
        return None if now.collected < policy.votes_required else real_settles(policy, now)

    def is_disputed(policy: Any, now: quorum.Standing) -> bool:
        return now.collected > policy.max_votes and real_settles(policy, now) is None

    quorum.settles, quorum.is_disputed = settles, is_disputed


@defect("I8")
def leases_over_places() -> None:
    """More people are asked than votes are needed."""
    domain._places = lambda subtask, brief: 5


@defect("I5", "I6")
def tie_by_order() -> None:
    """A tie goes to the label that comes first."""
    real_settles = quorum.settles

    def settles(policy: Any, now: quorum.Standing) -> Any:
        is_tied = now.collected >= policy.votes_required and now.top == now.second
        return "quorum" if is_tied else real_settles(policy, now)

    quorum.settles = settles


@defect("I7", "I6")
def completion_changes() -> None:
    """A result changes after it was told once."""
    real_find = SqliteSubtaskStore.find
    seen: set[str] = set()

    async def find(self: Any, subtask_id: str):
        subtask, brief = await real_find(self, subtask_id)
        if subtask.result is None or subtask_id not in seen:
            seen.add(subtask_id)
            return subtask, brief
        other = next(label for label in brief.terms.labels if label != subtask.result.label)
        return replace(subtask, result=replace(subtask.result, label=other)), brief

    SqliteSubtaskStore.find = find


@defect("I3")
def votes_made_up() -> None:
    """A vote for which nobody was asked counts."""
    real_vote = handlers.vote

    async def vote(at: Any, who: Caller, *, subtask_id: str, label: str, token: str, manner: Manner) -> Vote:
        cast = await real_vote(at, who, subtask_id=subtask_id, label=label, token=token, manner=manner)
        if cast.state == "open" and cast.total == 1:
            named = label
            await at.store.update(
                subtask_id, lambda s, b, now: domain._counted(s, b, voter="nobody", label=named, now=now)
            )
        return cast

    handlers.vote = vote
