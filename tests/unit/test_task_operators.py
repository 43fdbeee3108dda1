"""Who may label a task: everybody of the team, or those who were invited."""

from dataclasses import replace

import pytest

from services.task_manager import erasing
from services.task_manager.domain import Fact
from services.task_manager.operators import MAX_OPERATORS, Invited, change_operators, check_operators
from services.task_manager.refusals import Cancelled, OpenToAll
from shared.errors import Invalid
from tests.unit.task_builders import T0, task


def of(*operators: str):
    made = task()
    return replace(made, terms=replace(made.terms, operators=operators))


@pytest.mark.parametrize(
    ("before", "invited", "after"),
    [
        (task(), Invited(only=True, invite=("a", "b", "a")), ("a", "b")),
        (task(), Invited(only=True), ()),
        (of("a", "b"), Invited(invite=("c",), uninvite=("a", "nobody")), ("b", "c")),
        (of("a"), Invited(invite=("a",), uninvite=("a",)), ("a",)),
        (of("a"), Invited(only=False, uninvite=("a",)), None),
    ],
)
def test_the_subtask_manager_is_told_who_may_label_from_now_on(before, invited, after):
    decision = change_operators(before, T0, invited=invited)
    if after != before.terms.operators:
        assert decision.facts == (Fact.CHANGED,)
        assert (decision.state.revision, decision.state.awaited) == (before.revision + 1, before.revision + 1)
    assert decision.state.terms.operators == after


@pytest.mark.parametrize(
    ("before", "invited"), [(of("a"), Invited(only=True)), (task(), Invited()), (task(), Invited(only=False))]
)
def test_what_is_so_already_tells_nobody(before, invited):
    decision = change_operators(before, T0, invited=invited)
    assert (decision.state, decision.facts) == (before, ())


@pytest.mark.parametrize("change", [{"invite": ("a",)}, {"uninvite": ("a",)}])
def test_nobody_is_invited_where_all_may_label(change):
    with pytest.raises(OpenToAll):
        change_operators(task(), T0, invited=Invited(**change))
    if "invite" in change:
        with pytest.raises(Invalid):
            change_operators(of("a"), T0, invited=Invited(only=False, **change))


def test_a_cancelled_task_takes_nobody():
    with pytest.raises(Cancelled):
        change_operators(replace(of("a"), state="cancelled"), T0, invited=Invited(invite=("b",)))


def test_the_list_has_an_end():
    everybody = tuple(f"p{number}" for number in range(MAX_OPERATORS))
    assert check_operators((*everybody, "p0")) == everybody
    with pytest.raises(Invalid):
        change_operators(of(*everybody), T0, invited=Invited(invite=("one more",)))


def test_somebody_who_was_erased_is_invited_no_more():
    decision = erasing.erase_from_task(of("a", "b"), T0, person="a", pseudonym="erased-00000001")
    assert (decision.state.terms.operators, decision.facts) == (("b",), (Fact.CHANGED,))
    assert erasing.erase_from_task(of("b"), T0, person="a", pseudonym="erased-00000001").facts == ()
