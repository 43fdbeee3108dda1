"""The rules of who may label a task: every operator of its team, or those alone who were invited to it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.task_manager.domain import Fact, Task, refuse_alone, refuse_cancelled, told
from services.task_manager.refusals import OpenToAll
from shared.decision import Decision
from shared.errors import Invalid

MAX_OPERATORS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """What is to be changed of who may label a task.

    only: whether only those who were invited may; None leaves it as it is. True begins with nobody, False forgets who
    was invited. invite, uninvite: operators by their ids.
    """

    only: bool | None = None
    invite: tuple[str, ...] = ()
    uninvite: tuple[str, ...] = ()


def check_operators(operators: Sequence[str] | None) -> tuple[str, ...] | None:
    """Those invited to a new task, each once. Raises Invalid where they are too many."""
    if operators is None:
        return None
    found = tuple(dict.fromkeys(operators))
    if len(found) > MAX_OPERATORS:
        raise Invalid(f"at most {MAX_OPERATORS} operators can be invited to a task", pointer="/operators")
    return found


def change_operators(task: Task, _now: float, *, invited: Invited) -> Decision[Task, None]:
    """Invite operators to a task, or no longer; what they voted stays. Raises Invalid, Cancelled, OpenToAll."""
    refuse_cancelled(task)
    refuse_alone(task)
    operators = _after(task.terms.operators, invited)
    if operators == task.terms.operators:
        return Decision(state=task, answer=None)
    changed = replace(task, terms=replace(task.terms, operators=operators))
    return Decision(state=told(changed), answer=None, facts=(Fact.CHANGED,))


def _after(before: tuple[str, ...] | None, invited: Invited) -> tuple[str, ...] | None:
    if invited.only is False:
        if invited.invite:
            raise Invalid("nobody is invited to a task that all operators of its team may label", pointer="/invite")
        return None
    if before is None and not invited.only:
        if invited.invite or invited.uninvite:
            raise OpenToAll("all operators of its team may label the task: set `only_invited` first")
        return None
    kept = [one for one in before or () if one not in invited.uninvite]
    return check_operators((*kept, *invited.invite))
