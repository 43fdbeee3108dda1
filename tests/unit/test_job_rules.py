"""The rules of jobs: the task that stands for them, and what the end of an image means."""

from dataclasses import replace

import pytest

from services.task_manager import domain, labels
from services.task_manager.domain import Change
from services.task_manager.jobs import rules
from services.task_manager.operators import Invited, change_operators
from services.task_manager.refusals import Alone
from shared.errors import Invalid
from shared.results import Detection, Prelabel, Rectangle, Result
from tests.unit.task_builders import T0, image, result, task

WHOLE = Rectangle(left=0, top=0, width=4, height=4)
UNREADABLE = Result(revision=1, completed_at=T0, reason="no picture")


def seen(*objects: tuple[str, float]) -> Prelabel:
    found = tuple(Detection(label=label, confidence=share, rectangle=WHOLE) for label, share in objects)
    return Prelabel(model="detector:m@1", objects=found)


def test_the_labels_of_the_standing_task_are_the_classes_that_look_different():
    terms = rules.standing_terms(("background", "crane", "kite", "Crane", "cat"))
    assert terms.labels == ("crane", "kite", "cat")
    domain.check_terms(terms)
    assert (terms.operators, terms.detector.is_alone, terms.detector.audit_share) == ((), True, 0.0)


@pytest.mark.parametrize("classes", [[f"class {n}" for n in range(1_001)], ["\x00"], ["c" * 201], []])
def test_classes_that_cannot_be_labels_are_refused(classes):
    with pytest.raises(Invalid):
        rules.standing_terms(tuple(classes))


def test_a_thousand_classes_and_the_background_are_taken():
    assert len(rules.standing_terms(("background", *(f"class {n}" for n in range(1_000)))).labels) == 1_000


def test_each_model_each_set_of_classes_and_each_generation_has_its_own_task():
    cats, dogs = rules.standing_terms(("cat",)), rules.standing_terms(("dog",))
    asked = [("m@1", cats, 0), ("m@2", cats, 0), ("m@1", dogs, 0), ("m@1", cats, 1)]
    keys = {rules.standing_key(*one) for one in asked}
    assert len(keys) == len(asked)
    assert all("\n" in key for key in keys)  # which no header can hold


@pytest.mark.parametrize("model", ["detector:mobilenet@9b13", "detector:" + "m" * 500])
def test_the_name_of_the_standing_task_is_one_that_a_task_may_have(model):
    name = rules.standing_name(model)
    assert name.startswith("Recognised by m")
    labels.check_task_name(name)


def test_its_terms_stay_and_nobody_is_invited():
    standing = task(terms=rules.standing_terms(("cat", "dog")))
    assert rules.is_standing(standing)
    assert not rules.is_standing(task())
    with pytest.raises(Alone):
        domain.edit(standing, T0, change=Change(name="other"))
    with pytest.raises(Alone):
        change_operators(standing, T0, invited=Invited(only=False))
    assert domain.seal(standing, T0).state.state == "sealed"
    assert domain.cancel(standing, T0).state.state == "cancelled"


def test_the_id_of_a_job_leads_to_its_task_and_its_image():
    one = image("a")
    assert rules.ids_in(rules.job_id(one)) == (one.task_id, one.id)
    assert {rules.ids_in(wrong) for wrong in ("", "x" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n")} == {("", "")}


ENDS = [
    # state, result, age -> state of the job, reason
    ("open", None, rules.LONGEST_WAIT_S - 1, "waiting", None),
    ("open", None, rules.LONGEST_WAIT_S, "failed", rules.TOO_LATE),
    ("completed", result(decided_by="detector"), 0.0, "finished", None),
    ("completed", result(decided_by="detector"), 10**6, "finished", None),
    ("disputed", UNREADABLE, 0.0, "failed", "no picture"),
    ("disputed", replace(UNREADABLE, reason=None), 0.0, "finished", None),
    ("completed", replace(result(by="ann"), reason="seen"), 0.0, "finished", None),
]


@pytest.mark.parametrize(("state", "ended", "age_s", "job", "reason"), ENDS)
def test_what_an_image_says_of_its_job(state, ended, age_s, job, reason):
    one = image("a", state=state, result=ended)
    assert (rules.state_of(one, T0 + age_s), rules.reason_of(one, T0 + age_s)) == (job, reason)


def test_the_classes_are_the_surest_five_each_once():
    objects = [("a", 0.9), ("a", 0.8), ("b", 0.7), ("c", 0.6), ("d", 0.5), ("b", 0.4), ("e", 0.3), ("f", 0.2)]
    one = image("a", state="completed", result=result(), prelabel=seen(*objects))
    found = [(each.label, each.confidence) for each in rules.classes_of(one)]
    assert found == [("a", 0.9), ("b", 0.7), ("c", 0.6), ("d", 0.5), ("e", 0.3)]
    assert rules.classes_of(image("a", prelabel=seen(*objects))) == ()
    assert rules.classes_of(image("a", state="disputed", result=UNREADABLE)) == ()
