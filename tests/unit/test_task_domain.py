from functools import partial
from itertools import permutations

import pytest

from services.task_manager import domain
from services.task_manager.domain import REGISTRATION_S, Fact
from services.task_manager.refusals import KeyReused, NotOpen, StillUploading
from shared.errors import Invalid
from shared.teams import FIRST_TEAM
from shared.terms import DetectorPolicy, QuorumPolicy, Terms
from tests.unit.task_builders import T0, VOTES, image, result, task

# Policies and keys


@pytest.mark.parametrize(
    ("quorum", "detector", "pointer"),
    [
        (QuorumPolicy(votes_required=3, max_votes=2), DetectorPolicy(), "/quorum/max_votes"),
        (QuorumPolicy(stop="lead", lead=6, max_votes=5), DetectorPolicy(), "/quorum/lead"),
        (QuorumPolicy(votes_required=3, max_votes=3), DetectorPolicy(), None),
        (QuorumPolicy(stop="settled", lead=6, max_votes=5), DetectorPolicy(), None),
        (QuorumPolicy(stop="lead", lead=5, max_votes=5), DetectorPolicy(), None),
    ],
)
def test_policies_that_ask_for_what_cannot_be_are_refused(quorum, detector, pointer):
    terms = Terms(labels=("cat", "dog"), quorum=quorum, detector=detector)
    if pointer is None:
        domain.check_policies(terms)
        return
    with pytest.raises(Invalid) as refusal:
        domain.check_policies(terms)
    assert refusal.value.pointer == pointer


def test_a_key_names_the_same_task_for_one_owner_only():
    assert domain.task_id_of(FIRST_TEAM, "ann", "key") == domain.task_id_of(FIRST_TEAM, "ann", "key")
    ids = {
        domain.task_id_of(team, owner, key)
        for team in (FIRST_TEAM, "t2")
        for owner in ("ann", "bob")
        for key in ("key", "other")
    }
    assert len(ids) == 8
    assert all(len(one) == 32 for one in ids)


def test_the_same_bytes_are_the_same_image_in_one_task_only():
    assert domain.image_id_of("t1", "ab") == domain.image_id_of("t1", "ab")
    assert len({domain.image_id_of(task_id, sha) for task_id in ("t1", "t2") for sha in ("ab", "cd")}) == 4


def test_a_key_used_with_another_body_is_refused():
    existing = task(body_sha256="a" * 64)
    assert domain.repeat_create(existing, task(body_sha256="a" * 64)) is existing
    with pytest.raises(KeyReused):
        domain.repeat_create(existing, task(body_sha256="b" * 64))


# Announcing


def test_a_task_is_announced_once():
    announced = domain.announce(task())
    assert (announced.state.is_announced, announced.facts) == (True, (Fact.OPENED,))
    again = domain.announce(announced.state)
    assert (again.state, again.facts) == (announced.state, ())


def test_a_task_of_an_earlier_version_is_announced_before_its_next_image():
    first = domain.register_upload(task(), upload_id="u1", now=T0)
    assert first.facts == (Fact.OPENED,)
    assert domain.register_upload(first.state, upload_id="u1", now=T0 + 1).facts == ()


# Uploads and sealing


def uploading(*, at=T0):
    return domain.register_upload(task(), upload_id="up", now=at).state


@pytest.mark.parametrize(
    ("later", "is_sealed"), [(REGISTRATION_S - 0.001, False), (REGISTRATION_S, True), (REGISTRATION_S + 1, True)]
)
def test_an_upload_holds_the_seal_until_its_registration_lapses(later, is_sealed):
    if not is_sealed:
        with pytest.raises(StillUploading):
            domain.seal(uploading(), now=T0 + later)
        return
    sealed = domain.seal(uploading(), now=T0 + later).state
    assert (sealed.state, sealed.sealed_at, sealed.uploads) == ("sealed", T0 + later, ())


def test_a_renewed_registration_lives_on_and_counts_once():
    renewed = domain.register_upload(uploading(), upload_id="up", now=T0 + 50).state
    assert [one.expires_at for one in renewed.uploads] == [T0 + 50 + REGISTRATION_S]


def test_lapsed_registrations_are_dropped_by_the_next():
    both = domain.register_upload(uploading(), upload_id="other", now=T0 + REGISTRATION_S).state
    assert [one.id for one in both.uploads] == ["other"]
    both = domain.register_upload(uploading(), upload_id="other", now=T0 + REGISTRATION_S - 1).state
    assert [one.id for one in both.uploads] == ["up", "other"]


def test_an_ended_upload_frees_the_seal_and_may_end_twice():
    ended = domain.end_upload(uploading(), T0, upload_id="up").state
    assert domain.end_upload(ended, T0, upload_id="up").state is ended
    assert domain.seal(ended, now=T0).state.state == "sealed"


def test_one_upload_of_two_still_holds_the_seal():
    both = domain.register_upload(uploading(), upload_id="other", now=T0).state
    with pytest.raises(StillUploading):
        domain.seal(domain.end_upload(both, T0, upload_id="up").state, now=T0)


@pytest.mark.parametrize("state", ["sealed", "completed", "cancelled"])
def test_only_an_open_task_takes_uploads(state):
    with pytest.raises(NotOpen):
        domain.register_upload(task(state=state), upload_id="up", now=T0)


@pytest.mark.parametrize("state", ["sealed", "completed"])
def test_sealing_again_changes_nothing(state):
    sealed = task(state=state)
    assert domain.seal(sealed, now=T0).state is sealed


def test_a_cancelled_task_is_not_sealed():
    with pytest.raises(NotOpen):
        domain.seal(task(state="cancelled"), now=T0)


# Ends


def test_a_sealed_task_completes_once():
    decision = domain.complete(task(state="sealed"), now=T0 + 5)
    assert (decision.state.state, decision.state.completed_at, decision.facts) == (
        "completed",
        T0 + 5,
        (Fact.COMPLETED,),
    )
    again = domain.complete(decision.state, now=T0 + 6)
    assert again.state is decision.state
    assert again.facts == ()


@pytest.mark.parametrize("state", ["open", "completed", "cancelled"])
def test_only_a_sealed_task_completes(state):
    given = task(state=state)
    decision = domain.complete(given, now=T0)
    assert decision.state is given
    assert decision.facts == ()


@pytest.mark.parametrize("state", ["open", "sealed", "completed"])
def test_any_task_can_be_cancelled_once(state):
    given = task(state=state, uploads=uploading().uploads)
    decision = domain.cancel(given, now=T0 + 5)
    assert (decision.state.state, decision.state.cancelled_at, decision.state.uploads) == ("cancelled", T0 + 5, ())
    assert decision.facts == (Fact.CANCELLED,)
    again = domain.cancel(decision.state, now=T0 + 6)
    assert again.state is decision.state
    assert again.facts == ()
    assert domain.mark_erased(decision.state, T0).state.is_erased


# Results


record = partial(domain.record_result, votes=VOTES, prelabel=None)


@pytest.mark.parametrize("order", list(permutations((1, 1, 2, 3))))
def test_the_highest_revision_wins_in_any_order(order):
    now = image("a")
    for revision in order:
        now = record(now, T0, state="completed", result=result(revision=revision, label=f"label {revision}")).state
    assert (now.result.revision, now.result.label) == (3, "label 3")
    assert now.votes == VOTES


def test_a_result_that_comes_again_changes_nothing():
    now = record(image("a"), T0, state="disputed", result=result(label=None)).state
    again = record(now, T0, state="disputed", result=result(label=None))
    assert again.state is now
    assert (now.state, now.result.label) == ("disputed", None)
    judged = record(now, T0, state="completed", result=result(revision=2)).state
    assert (judged.state, judged.result.label) == ("completed", "cat")
    assert record(judged, T0, state="disputed", result=result(label=None)).state is judged
