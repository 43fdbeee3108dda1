"""What a row of a file of labels does to an image, and to the subtask that shows it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.subtask_manager import domain, prelabels, ranking
from services.subtask_manager.refusals import Early
from services.task_manager.domain import Fact
from services.task_manager.label_imports import rules
from services.task_manager.label_imports.rows import Drawn, Row
from services.task_manager.label_imports.rules import model_of, taking
from shared.proposals import MAX_OBJECTS
from shared.results import Imported, Prelabel
from shared.terms import DetectorPolicy, Terms
from tests.unit.subtask_builders import T0, brief, detector, opened, prelabel, voted
from tests.unit.task_builders import image

TERMS = Terms(labels=("cat", "dog"), detector=DetectorPolicy(label_map={"tabby": "cat"}))
MODEL = model_of("ab" * 32)
IMAGE = image("a", width=100, height=50)


def taken(row: Row, of=IMAGE):
    return taking(row, terms=TERMS, model=MODEL)(of, T0)


def row(**fields) -> Row:
    return Row(number=1, name="a.png", **fields)


def drawn(label: str, left: float, top: float, right: float, bottom: float, **fields) -> Drawn:
    return Drawn(label=label, left=left, top=top, right=right, bottom=bottom, **{"confidence": 1.0} | fields)


@pytest.mark.parametrize("name", ["cat", "CAT", " cat\u200b", "tabby", "Tabby"])
def test_labels_are_found_by_how_they_look_and_by_the_label_map(name):
    decision = taken(row(label=name, confidence=0.5))
    assert (decision.answer.status, decision.answer.label, decision.facts) == ("applied", "cat", (Fact.PRELABELED,))
    assert decision.state.imported == Imported(
        prelabel=Prelabel(model="import:abababababababab", label="cat", confidence=0.5), revision=1
    )


def test_the_same_again_changes_nothing_and_another_file_replaces_it():
    once = taken(row(label="cat")).state
    again = taken(row(label="cat"), once)
    assert (again.state is once, again.answer.status, again.facts) == (True, "unchanged", ())
    other = taken(row(label="dog"), once)
    assert (other.state.imported.revision, other.state.imported.prelabel.label) == (2, "dog")


@pytest.mark.parametrize("state", ["completed", "disputed"])
def test_what_has_ended_stays(state):
    ended = replace(IMAGE, state=state)
    decision = taken(row(label="cat"), ended)
    assert (decision.state is ended, decision.answer.status) == (True, "ended")


@pytest.mark.parametrize(
    ("said", "status", "notes"),
    [
        (row(label="horse"), "unknown_label", ()),
        (row(objects=(drawn("horse", 0, 0, 5, 5),)), "unknown_label", ()),
        (row(objects=(drawn("cat", 100, 0, 105, 5),)), "malformed", ()),
        (row(objects=(drawn("cat", 5, 5, 5.2, 9),)), "malformed", ()),
        (row(objects=()), "applied", ()),
        (row(label="cat", objects=(drawn("horse", 0, 0, 5, 5),)), "applied", ("the task has no label 'horse'",)),
        (row(label="cat", size=(50, 100)), "malformed", ()),
        (row(label="cat", size=(0, 0)), "malformed", ()),
        (row(objects=(drawn("cat", 9e8, 0, 9e8, 5),), size=(1e-300, 1e-300)), "malformed", ()),
        (row(label="cat", size=(51, 25)), "applied", ()),
    ],
)
def test_what_cannot_be_applied_says_why(said, status, notes):
    answer = taken(said).answer
    assert (answer.status, answer.notes, answer.image_id) == (status, notes, IMAGE.id)
    assert (answer.reason is None) == (status == "applied")


def test_the_surest_hundred_objects_are_kept_and_the_rest_is_told_of():
    many = tuple(drawn("cat", n % 90, n // 90, n % 90 + 5, n // 90 + 5, confidence=n / 200) for n in range(150))
    decision = taken(row(objects=many))
    kept = decision.state.imported.prelabel.objects
    assert (len(kept), min(one.confidence for one in kept)) == (MAX_OBJECTS, 0.25)
    assert decision.answer.notes == ("of 150 objects the 100 surest are kept",)


def test_each_name_is_looked_up_once_and_before_the_rule_runs(monkeypatch):
    looked_up: list[str] = []

    def label_of(name: str, *_: object) -> str:
        looked_up.append(name)
        return "cat"

    monkeypatch.setattr(rules, "label_of", label_of)
    rule = taking(row(objects=(drawn("a", 0, 0, 5, 5),) * 50 + (drawn("b", 0, 0, 5, 5),)), terms=TERMS, model=MODEL)
    assert sorted(looked_up) == ["a", "b"]
    assert rule(IMAGE, T0).answer.status == "applied"
    assert len(looked_up) == 2


edges = st.floats(-1e6, 1e6)


@given(left=edges, top=edges, right=edges, bottom=edges, size=st.sampled_from([None, (200, 100), (33, 17), (50, 25)]))
def test_every_object_lies_in_the_picture_or_is_left_out(left, top, right, bottom, size):
    decision = taken(row(label="cat", objects=(drawn("dog", left, top, right, bottom),), size=size))
    for one in decision.state.imported.prelabel.objects if decision.answer.status == "applied" else ():
        place = one.rectangle
        assert 0 <= place.left < place.left + place.width <= IMAGE.width
        assert 0 <= place.top < place.top + place.height <= IMAGE.height


@given(left=st.integers(0, 99), top=st.integers(0, 49), width=st.integers(1, 100), height=st.integers(1, 50))
def test_a_rectangle_comes_back_from_shares_as_it_was(left, top, width, height):
    right, bottom = min(100, left + width), min(50, top + height)
    x, y = round((left + right) / 200, 6), round((top + bottom) / 100, 6)
    wide, high = round((right - left) / 100, 6), round((bottom - top) / 50, 6)
    share = drawn("cat", x - wide / 2, y - high / 2, x + wide / 2, y + high / 2, unit="shares")
    (one,) = taken(row(objects=(share,))).state.imported.prelabel.objects
    place = one.rectangle
    assert (place.left, place.top, place.left + place.width, place.top + place.height) == (left, top, right, bottom)


def imported(revision: int = 1, label: str = "dog", confidence: float = 0.5) -> Imported:
    return Imported(prelabel=Prelabel(model=MODEL, label=label, confidence=confidence), revision=revision)


def shown(subtask, of):
    found = domain.shown_prelabel(subtask, of)
    return found and found.label


def taken_in(subtask, of, at=T0, **fields):
    return prelabels.take_import(
        subtask, of, at, imported=imported(**fields), object_key=subtask.object_key, told_at=T0
    ).state


@pytest.mark.parametrize("mode", ["suggest", "vote", "accept"])
def test_an_import_is_shown_before_the_detectors_word_and_decides_nothing(mode):
    of = brief(detector=detector(mode))
    first = taken_in(opened(of), of, confidence=1.0)
    assert (shown(first, of), first.votes, first.state, first.offered_at) == ("dog", (), "open", opened(of).offered_at)
    both = domain.apply_prelabel(first, of, T0 + 1, prelabel=prelabel("cat", 0.5)).state
    assert (both.prelabel, shown(both, of)) == (prelabel("cat", 0.5), "dog")
    assert len(both.votes) == (mode == "vote")


def test_an_import_is_shown_as_the_terms_say():
    audited = brief(detector=detector("suggest", audit_share=1.0))
    assert shown(taken_in(opened(audited), audited), audited) is None


def test_the_newest_import_stays_in_whatever_order_they_come():
    of = brief(detector=detector("suggest"))
    second = taken_in(opened(of), of, revision=2, label="cat")
    assert taken_in(second, of, revision=1, label="dog") is second
    assert taken_in(second, of, revision=2, label="dog") is second
    assert shown(taken_in(second, of, revision=3, label="dog"), of) == "dog"


def test_an_import_for_another_picture_or_after_the_end_changes_nothing():
    of = brief(votes_required=1, detector=detector("suggest"))
    subtask = opened(of)
    before = subtask.opened_at - 1
    earlier = prelabels.take_import(subtask, of, T0, imported=imported(), object_key="other", told_at=before)
    assert earlier.state is subtask
    for at in (subtask.opened_at, subtask.opened_at + 9):
        with pytest.raises(Early):
            prelabels.take_import(subtask, of, T0, imported=imported(), object_key="other", told_at=at)
    ended = voted(subtask, of, "cat")
    assert ended.state == "completed"
    assert taken_in(ended, of) is ended


@pytest.mark.parametrize("order", ["uncertain", "confident"])
def test_where_images_come_by_their_suggestions_the_import_says_where_one_stands(order):
    of = brief(order=order, detector=detector("suggest"))
    subtask = taken_in(opened(of), of, T0 + 5, confidence=0.25)
    assert subtask.slot == ranking.slot_by(of, imported(confidence=0.25).prelabel, subtask.id)
    assert (subtask.offered_at, subtask.available_at) == (T0 + 5, T0 + 5)
    later = domain.apply_prelabel(subtask, of, T0 + 6, prelabel=prelabel("cat", 0.9)).state
    assert later.slot == subtask.slot
    waiting = brief(order=order, detector=detector("vote"))
    held_back = taken_in(opened(waiting), waiting, T0 + 5)
    assert held_back.offered_at == T0 + 30
