"""A subtask without a person who was erased: a pseudonym stands in their place, and every vote counts as before.
Pure."""

from dataclasses import replace

from services.subtask_manager.subtask import Subtask
from shared.decision import Decision
from shared.results import by_pseudonym


def pseudonymised(subtask: Subtask, *, person: str, pseudonym: str) -> Subtask:
    """The subtask with the pseudonym wherever the person was named; itself where they were not."""

    def name(one: str) -> str:
        return pseudonym if one == person else one

    after = replace(
        subtask,
        votes=tuple(replace(vote, voter=name(vote.voter)) for vote in subtask.votes),
        leases=tuple(replace(lease, operator=name(lease.operator)) for lease in subtask.leases),
        skipped_by=tuple(name(one) for one in subtask.skipped_by),
        result=subtask.result and by_pseudonym(subtask.result, person, pseudonym),
        doubt=subtask.doubt and replace(subtask.doubt, by=name(subtask.doubt.by)),
        earlier=tuple(by_pseudonym(one, person, pseudonym) for one in subtask.earlier),
    )
    return subtask if after == subtask else after


def erase(subtask: Subtask, *, person: str, pseudonym: str) -> Decision[Subtask, None]:
    """Nobody is told: the task manager was, of the person, and has their place in its own results."""
    return Decision(state=pseudonymised(subtask, person=person, pseudonym=pseudonym), answer=None)
