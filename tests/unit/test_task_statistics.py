"""What a task's results say together."""

import random
from dataclasses import replace

import pytest

from services.task_manager import statistics
from services.task_manager.domain import Counts
from services.task_manager.statistics import Fold
from shared.clock import iso
from shared.proposals import is_audited
from shared.results import Prelabel, Result, VoteCast
from shared.terms import DetectorPolicy, Terms
from tests.unit.task_builders import T0, image, result, task

LABELS = ("cat", "dog", "fox")


def ended(name, label, *, suggested=None, voters="ab", decided_by="settled", agreement=1.0, by=None):
    votes = tuple(VoteCast(voter=voter, label=label or voter, at=T0) for voter in voters)
    return image(
        name,
        state="disputed" if label is None else "completed",
        result=result(label=label, decided_by=decided_by, agreement=agreement, by=by),
        votes=votes,
        prelabel=suggested and Prelabel(model="detector:m@1", label=suggested),
    )


IMAGES = [
    ended("1", "cat", suggested="cat"),
    ended("2", "cat", suggested="dog", voters="abc", decided_by="quorum", agreement=2 / 3),
    ended("3", "dog", suggested="dog", voters="", decided_by="detector", agreement=0.95),
    ended("4", "dog", voters="abc", decided_by="adjudicator", by="eve", agreement=0.3),
    ended("5", None, suggested="cat", voters="abc"),
    image("6"),
    image("7", prelabel=Prelabel(model="detector:m@1", label="cat")),
]


def folded(images, terms=None):
    fold = Fold(task=task(terms=terms or Terms(labels=LABELS)))
    fold.add(images)
    return fold


def shown(images, *, rate=0.0, terms=None):
    return folded(images, terms).shown(as_of=T0, votes_per_minute=rate)


def test_every_image_is_counted_by_how_it_ended():
    told = shown(IMAGES)
    assert (told["settled"], told["disputed"], told["open"]) == (4, 1, 2)
    assert told["votes"] == 2 + 3 + 0 + 3 + 3
    assert told["votes_saved"] == 1 + 0 + 3, "of three asked for; what an adjudicator decided saved none"
    assert told["mean_agreement"] == pytest.approx((1 + 2 / 3 + 0.95 + 0.3) / 4, abs=1e-4)
    assert told["labels"] == [{"label": "cat", "count": 2}, {"label": "dog", "count": 2}, {"label": "fox", "count": 0}]
    assert {name: count for name, count in told["decided_by"].items() if count} == {
        "settled": 1,
        "quorum": 1,
        "detector": 1,
        "adjudicator": 1,
    }


def test_where_nobody_was_asked_there_is_no_agreement():
    made = image("8", state="completed", result=Result(decided_by="pipeline", revision=1, completed_at=T0 + 9))
    told = shown([made])
    assert (told["settled"], told["decided_by"]["pipeline"], told["mean_agreement"]) == (1, 1, None)
    assert shown([made, *IMAGES])["mean_agreement"] == shown(IMAGES)["mean_agreement"]
    assert folded([made]).newest_at == T0 + 9


def test_agreement_lies_in_tenths_and_full_agreement_apart():
    told = shown(IMAGES)["agreement"]
    assert [(one["from"], one["to"]) for one in told][-2:] == [(0.9, 1.0), (1.0, 1.0)]
    assert {one["from"]: (one["settled"], one["disputed"]) for one in told if one["settled"] or one["disputed"]} == {
        0.3: (1, 1),
        0.6: (1, 0),
        0.9: (1, 0),
        1.0: (1, 0),
    }


def test_people_and_detector_are_compared_where_both_named_a_label():
    detector = shown(IMAGES)["detector"]
    assert (detector["compared"], detector["agreed"]) == (2, 1)
    assert detector["confusion"] == [[1, 1, 0], [0, 0, 0], [0, 0, 0]], "rows are what people said"


def test_the_audit_share_is_told_apart():
    terms = Terms(labels=LABELS, detector=DetectorPolicy(audit_share=0.5))
    images = [ended(str(number), "cat", suggested="cat") for number in range(50)]
    audited = sum(is_audited(one.id, 0.5) for one in images)
    assert 10 < audited < 40
    assert shown(images, terms=terms)["detector"]["on_audit_share"] == {"compared": audited, "agreed": audited}


@pytest.mark.parametrize(("labels", "is_matrix"), [(50, True), (51, False)])
def test_of_many_labels_only_the_cells_that_are_not_empty_are_told(labels, is_matrix):
    terms = Terms(labels=tuple(str(number) for number in range(labels)))
    images = [ended(str(n), "3", suggested="7" if n else "3") for n in range(5)]
    confusion = shown(images, terms=terms)["detector"]["confusion"]
    if is_matrix:
        assert (len(confusion), confusion[3][7], confusion[3][3]) == (50, 4, 1)
    else:
        assert confusion == [{"row": 3, "column": 7, "count": 4}, {"row": 3, "column": 3, "count": 1}]


def test_pages_in_any_order_make_the_same():
    whole, paged = folded(IMAGES), Fold(task=task(terms=Terms(labels=LABELS)))
    for one in random.Random(3).sample(IMAGES, len(IMAGES)):
        paged.add([one])
    assert paged.shown(as_of=T0, votes_per_minute=1) == whole.shown(as_of=T0, votes_per_minute=1)


def test_the_end_is_expected_at_the_pace_of_now():
    told = shown(IMAGES, rate=22)
    assert told["expected_done_at"] == iso(T0 + 12), "2 open, 11 votes on 5 images, 22 a minute: 12 s"
    assert shown(IMAGES)["expected_done_at"] is None
    assert shown(IMAGES[:5], rate=22)["expected_done_at"] is None


def test_nothing_makes_statistics_too():
    told = shown([])
    assert (told["mean_agreement"], told["votes"], told["expected_done_at"]) == (None, 0, None)


@pytest.mark.parametrize(
    ("state", "took_s", "after_s", "expected"),
    [
        ("open", 0.1, 59.9, False),
        ("open", 0.1, 60, True),
        ("open", 10, 199.9, False),
        ("open", 10, 200, True),
        ("completed", 10, 0, True),
    ],
)
def test_they_are_computed_again_once_a_minute_less_often_where_it_is_much_work_and_once_at_rest(
    state, took_s, after_s, expected
):
    known = statistics.saved(folded(IMAGES), Counts(), as_of=T0, took_s=took_s, votes_per_minute=0)
    assert statistics.is_due(known, task(state=state), T0 + after_s) is expected
    at_rest = known | {"is_final": True}
    assert not statistics.is_due(at_rest, task(state=state), T0 + 59)


def test_they_are_out_of_date_when_images_came_went_or_ended():
    counts = Counts(images=7, open=2, completed=4, disputed=1)
    known = statistics.saved(folded(IMAGES), counts, as_of=T0, took_s=0, votes_per_minute=0)
    assert not statistics.is_outdated(known, counts)
    assert statistics.is_outdated(known, Counts(images=7, open=1, completed=5, disputed=1))


def test_those_of_an_earlier_release_tell_what_came_since():
    known = statistics.saved(folded(IMAGES), Counts(), as_of=T0, took_s=0, votes_per_minute=0)
    of_before = {name: count for name, count in known["shown"]["decided_by"].items() if name != "pipeline"}
    assert statistics.upgraded(known | {"shown": known["shown"] | {"decided_by": of_before}}) == known


def test_images_that_nobody_was_asked_about_are_counted_by_themselves():
    made = image("made", state="completed", result=replace(result(label=None), decided_by="pipeline"))
    shown = folded([made]).shown(as_of=T0, votes_per_minute=0)
    assert (shown["settled"], shown["decided_by"]["pipeline"], shown["votes_saved"]) == (1, 1, 0)
    assert sum(tenth["settled"] for tenth in shown["agreement"]) == 0
