"""The rules by which a client brings work to an end, and changes what was fixed."""

from functools import partial

import pytest

from services.subtask_manager import domain
from services.subtask_manager.refusals import NotOpen
from services.subtask_manager.subtask import Brief, Finish
from services.task_manager import domain as task_domain
from services.task_manager import refusals as task_refusals
from services.task_manager.domain import Change
from shared.errors import Invalid
from shared.terms import Terms
from tests.unit.subtask_builders import T0, awaiting, brief, cast, leased, opened, voted, with_votes
from tests.unit.task_builders import image, result, task

ORDER = Finish(by="client", reason="too few people")
BY = {"by": "client", "reason": "too few people"}


# A subtask


@pytest.mark.parametrize(
    ("votes", "state", "label", "decided_by"),
    [
        pytest.param(("cat",), "completed", "cat", "client", id="one vote is a leader"),
        pytest.param(("cat", "dog", "cat"), "completed", "cat", "client", id="the leader wins"),
        pytest.param(("cat", "dog"), "disputed", None, None, id="a tie is never settled silently"),
        pytest.param((), "disputed", None, None, id="nobody has voted"),
        pytest.param((None,), "disputed", None, None, id="nobody was sure"),
    ],
)
def test_a_client_ends_a_subtask_with_the_votes_there_are(votes, state, label, decided_by):
    of = brief(votes_required=5, allow_unsure=True)
    subtask = leased(with_votes(opened(of), *votes), of, "late")
    ended = domain.finish(subtask, of, T0 + 9, order=ORDER)
    now = ended.state
    assert (now.state, now.result.label, now.result.decided_by) == (state, label, decided_by)
    assert (now.result.by, now.result.reason, now.result.completed_at) == ("client", "too few people", T0 + 9)
    assert (now.leases, now.available_at, now.votes) == ((), None, subtask.votes)
    assert ended.facts == ("completed" if label else "disputed",)
    again = domain.finish(now, of, T0 + 10, order=ORDER)
    assert (again.state, again.facts) == (now, ())
    with pytest.raises(NotOpen):
        domain.finish(now, of, T0 + 10, order=Finish(by="client", reason="another reason"))


def test_who_decided_what_before_stays():
    of = brief(votes_required=2, max_votes=2)
    first = domain.finish(voted(opened(of), of, "cat"), of, T0, order=ORDER).state
    judged = domain.adjudicate(first, of, T0 + 1, by="eve", label="dog", reason="look").state
    again = domain.adjudicate(judged, of, T0 + 2, by="eve", label="fox", reason="look again").state
    assert [one.label for one in again.earlier] == ["cat", "dog"]
    assert [one.revision for one in (*again.earlier, again.result)] == [1, 2, 3]


def test_fewer_votes_that_are_asked_for_settle_what_they_can():
    before, after = brief(votes_required=5, stop="exact"), brief(votes_required=2, stop="exact")
    agreed = domain.reconsider(voted(opened(before), before, "cat", "cat"), after, T0)
    assert (agreed.state.state, agreed.state.result.decided_by, agreed.facts) == ("completed", "quorum", ("completed",))
    tied = domain.reconsider(voted(opened(before), before, "cat", "dog"), after, T0)
    assert (tied.state.state, tied.facts) == ("open", ()), "the extension may still settle it"
    untouched = opened(before)
    assert domain.reconsider(untouched, after, T0).state is untouched


def test_more_votes_that_are_asked_for_open_places_and_leave_what_has_ended():
    before, after = brief(votes_required=1), brief(votes_required=3, stop="exact")
    full = leased(opened(before), before, "ann")
    assert full.available_at > T0, "the place is taken until the lease expires"
    wider = domain.reconsider(full, after, T0).state
    assert wider.available_at == T0
    assert wider.leases == full.leases
    ended = voted(opened(before), before, "cat")
    assert domain.reconsider(ended, after, T0).state is ended


def test_a_lease_that_was_granted_still_counts_when_fewer_votes_are_asked_for():
    before, after = brief(votes_required=5, stop="exact"), brief(votes_required=1)
    held = domain.reconsider(leased(opened(before), before, "ann", "bob"), after, T0).state
    assert cast(held, after, "bob", "cat").state.state == "completed"


def test_an_order_to_finish_ends_what_opens_later_too():
    of = brief()
    of = Brief(task_id=of.task_id, owner=of.owner, terms=of.terms, created_at=of.created_at, finish=ORDER)
    opening = domain.open_subtask(of, T0, image=awaiting("5b" * 16, of))
    assert (opening.state.state, opening.state.result.reason) == ("disputed", "too few people")
    assert opening.facts == ("disputed",)


# A task


def test_reopening_takes_images_again():
    sealed = task_domain.seal(task(), T0).state
    done = task_domain.complete(sealed, T0 + 1).state
    for given in (sealed, done):
        again = task_domain.reopen(given, T0 + 2)
        assert (again.state.state, again.state.sealed_at, again.state.completed_at) == ("open", None, None)
    assert task_domain.reopen(task(), T0).facts == ()
    second = task_domain.complete(task_domain.seal(task_domain.reopen(done, T0).state, T0).state, T0).state
    assert (done.completions, second.completions) == (1, 2), "each completion is told under an id of its own"


def test_finishing_seals_and_tells_once():
    decision = task_domain.finish(task(), T0, **BY)
    finished = decision.state
    assert (finished.state, finished.finish.reason, finished.revision) == ("sealed", "too few people", 2)
    assert decision.facts == ("changed",)
    assert task_domain.finish(finished, T0 + 1, **BY).state is finished
    uploading = task_domain.register_upload(task(), T0, upload_id="up").state
    with pytest.raises(task_refusals.StillUploading):
        task_domain.finish(uploading, T0, **BY)
    again = task_domain.reopen(finished, T0)
    assert (again.state.finish, again.state.revision, again.facts) == (None, 3, ("changed",))


@pytest.mark.parametrize("rule", [task_domain.reopen, partial(task_domain.edit, change=Change(name="a"))])
def test_a_cancelled_task_stays_as_it_is(rule):
    with pytest.raises(task_refusals.NotOpen):
        rule(task(state="cancelled"), T0)


def test_a_name_is_told_as_terms_are():
    """Operators choose their work by it."""
    renamed = task_domain.edit(task(), T0, change=Change(name="cats"))
    assert (renamed.state.name, renamed.state.revision, renamed.facts) == ("cats", 2, ("changed",))
    assert task_domain.edit(task(), T0, change=Change(name="pets")).state == task()


def test_terms_that_change_are_told_with_a_new_revision():
    change = Change(
        instructions="look", votes_required=1, add_labels=("fox", "cat"), label_names={"cat": "Kitty", "dog": ""}
    )
    decision = task_domain.edit(task(), T0, change=change)
    terms = decision.state.terms
    assert (terms.labels, terms.label_names) == (("cat", "dog", "fox"), {"cat": "Kitty"})
    assert (terms.quorum.votes_required, terms.quorum.max_votes) == (1, 3), "the extension is as long as it was"
    assert (terms.instructions, decision.state.revision, decision.facts) == ("look", 2, ("changed",))
    assert task_domain.edit(decision.state, T0, change=change).state is decision.state
    assert task_domain.edit(decision.state, T0, change=Change(instructions="")).state.terms.instructions is None


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (Change(add_labels=("CAT",)), "/labels/2"),
        (Change(label_names={"wolf": "Wolf"}), "/label_names"),
        (Change(label_names={"cat": "dog"}), "/label_names"),
        (Change(label_names={"cat": "Dog"}), "/label_names"),
    ],
)
def test_changes_that_cannot_be_are_refused(change, pointer):
    with pytest.raises(Invalid) as refusal:
        task_domain.edit(task(), T0, change=change)
    assert refusal.value.pointer == pointer


def test_new_terms_are_awaited_until_the_subtask_manager_goes_by_them():
    asked = task_domain.edit(task(), T0, change=Change(votes_required=1)).state
    again = task_domain.edit(asked, T0, change=Change(votes_required=2)).state
    assert (task().is_settling, asked.is_settling, again.is_settling) == (False, True, True)
    late = task_domain.note_applied(again, T0, revision=asked.revision).state
    assert late is again, "those before the last ones"
    applied = task_domain.note_applied(again, T0, revision=again.revision).state
    assert not applied.is_settling
    assert task_domain.note_applied(applied, T0, revision=again.revision).state is applied
    assert not task_domain.cancel(again, T0).state.is_settling


def test_a_task_that_was_ordered_to_finish_is_awaited_until_it_is_completed():
    ordered = task_domain.finish(task(), T0, by="client", reason="it will do").state
    applied = task_domain.note_applied(ordered, T0, revision=ordered.revision).state
    assert applied.is_settling
    assert not task_domain.complete(applied, T0).state.is_settling


def test_names_may_be_swapped_in_one_change():
    swapped = task_domain.edit(task(), T0, change=Change(label_names={"cat": "dog", "dog": "cat"})).state
    assert swapped.terms.label_names == {"cat": "dog", "dog": "cat"}


def test_a_stub_keeps_nothing_that_anybody_said():
    given = image("a", state="completed", result=result())
    stub = task_domain.stub_of(given)
    assert (stub.id, stub.object_key, stub.result, stub.votes, stub.filename) == (
        given.id,
        given.object_key,
        None,
        (),
        "",
    )


def test_older_terms_have_no_names():
    assert Terms(labels=("a",)).label_names == {}
