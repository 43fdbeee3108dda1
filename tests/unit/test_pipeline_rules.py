"""How images go through their task's operations."""

from dataclasses import replace

import pytest

from services.task_manager.announcements import image_added, image_changed
from services.task_manager.counting import weight_of
from services.task_manager.domain import Fact, cancel
from services.task_manager.pipelines.rules import NOTHING_MADE, Step, check_pipeline, take_step, visit_at
from shared.errors import Invalid
from shared.events import parse
from shared.results import PIPELINE
from shared.terms import QuorumPolicy, Terms
from tests.unit.step_builders import piped, pipeline, step_of, uploaded
from tests.unit.task_builders import T0, image

NO_VOTES = Terms(labels=(), quorum=QuorumPolicy(votes_required=0, max_votes=0))
CLASSES = ("person", "dog")


def taken(of, one, **options):
    return take_step(of, one, T0 + 5, step=step_of(of, one, **options))


def finished(of, one, **options):
    """Every image that comes of one, once none is processing any more."""
    waiting, done = [one], []
    while waiting:
        decision = taken(of, waiting.pop(), **options)
        for after in (decision.state, *decision.answer):
            (waiting if after.state == "processing" else done).append(after)
    return [after for after in done if after.state != "derived"]


def test_an_uploaded_image_stays_and_another_takes_its_place():
    of = piped(("resize", "20x15"), ("rotate", 90))
    one = uploaded("dog", of)
    assert (one.state, one.stage) == ("processing", 0)
    first = taken(of, one)
    assert (first.state.state, first.state.stage, first.facts) == ("derived", None, ())
    assert first.state.object_key == one.object_key
    [child] = first.answer
    assert (child.state, child.stage, child.work_key is not None, child.object_key) == ("processing", 1, True, "")
    last = taken(of, child)
    assert (last.answer, last.facts) == ((), (Fact.READY,))
    assert (last.state.id, last.state.state, last.state.work_key) == (child.id, "open", None)
    assert (last.state.width, last.state.height, last.state.filename) == (15, 20, "dog.png")
    assert last.state.object_key.startswith(f"{of.id}/{child.id}-")
    assert last.state.origin.image_id == one.id


def test_every_picture_of_a_split_is_an_image_of_its_own():
    of = piped("split", "split")
    one = replace(uploaded("dog", of), filename="a.b/dog.jpeg")
    images = finished(of, one)
    assert len({after.id for after in images}) == 16
    assert {after.filename for after in images} == {f"a.b/dog-0.{n}-1.{m}.png" for n in range(4) for m in range(4)}
    assert {after.position for after in images} == {one.position}
    assert sum(after.width * after.height for after in images) == 40 * 30


@pytest.mark.parametrize(
    "operations",
    [
        ("split", ("rotate", 90), "split"),
        (("tile", {"size": "20x20", "overlap": 4}), ("fit", "9x9"), "grayscale"),
        (("crop", {"left": 5, "top": 5, "width": 9, "height": 9}), ("blur", "median"), ("resize", "3x4")),
    ],
)
def test_fused_operations_give_the_same_images(operations):
    of = piped(*operations)
    one = uploaded("dog", of)

    def told(images):
        return sorted(
            (after.id, after.filename, after.width, after.height, after.origin, after.state) for after in images
        )

    assert told(finished(of, one, is_fused=True)) == told(finished(of, one))


def test_a_visit_has_the_operations_of_one_worker():
    of = pipeline(("fit", "9x9"), "grayscale", ("hide", {"labels": ["person"]}), "split", ("rotate", 90))
    assert [len(visit_at(of, stage, is_fused=True)) for stage in range(5)] == [2, 1, 1, 2, 1]
    assert [len(visit_at(of, stage, is_fused=False)) for stage in range(5)] == [1] * 5


@pytest.mark.parametrize(
    ("step", "reason"),
    [(Step(step=0, operations=1, error="no picture"), "no picture"), (Step(step=0, operations=1), NOTHING_MADE)],
)
def test_what_cannot_be_worked_on_fails(step, reason):
    of = piped("split")
    decision = take_step(of, uploaded("dog", of), T0, step=step)
    assert (decision.state.state, decision.state.failure, decision.state.stage) == ("failed", reason, None)
    assert (decision.answer, decision.facts) == ((), ())
    assert take_step(of, decision.state, T0, step=step_of(of, uploaded("dog", of))).state is decision.state


def test_a_step_is_taken_once_and_only_where_the_image_stands():
    of = piped("grayscale", "grayscale", "split")
    one = uploaded("dog", of)
    early = step_of(of, one)
    [child] = taken(of, one).answer
    further = taken(of, child).state
    for passed, step in (
        (taken(of, one).state, early),
        (further, step_of(of, child)),
        (child, step_of(of, further)),
        (image("plain"), early),
    ):
        assert take_step(of, passed, T0, step=step).state is passed
    assert take_step(replace(of, pipeline=None), one, T0, step=early).state is one
    assert take_step(cancel(of, T0).state, one, T0, step=early).state is one


def test_without_votes_images_are_completed_and_nobody_is_told_of_them():
    of = piped("split", "grayscale", terms=NO_VOTES)
    images = finished(of, uploaded("dog", of))
    assert {after.state for after in images} == {"completed"}
    assert {(after.result.label, after.result.decided_by, after.result.revision) for after in images} == {
        (None, PIPELINE, 1)
    }
    assert [image_added(of, after) for after in images] == [[]] * 4


def test_workers_are_told_what_to_do_with_which_picture():
    of = piped("split", ("rotate", 90), ("hide", {"labels": ["person"]}))
    one = uploaded("dog", of)
    told = [parse(message.body) for message in image_added(of, one)]
    assert [(event.type, event.id) for event in told] == [("step.opened.split.v1", f"{one.id}/step/0")]
    data = told[0].data
    assert (data.object_key, data.step, len(data.operations), data.is_last) == (one.object_key, 0, 1, False)
    assert (data.origin.image_id, data.origin.path, data.origin.width) == (one.id, (), 40)
    child = taken(of, one).answer[2]
    turned = taken(of, child)
    [hiding] = [parse(message.body) for message in image_changed(of, turned.state, turned.facts, T0)]
    assert (hiding.type, hiding.data.is_last, hiding.data.object_key) == (
        "step.opened.hide.v1",
        True,
        turned.state.work_key,
    )
    assert hiding.data.origin.path == ((0, 2),)
    [fused] = [parse(message.body) for message in image_added(of, one, is_fused=True)]
    assert [operation.name for operation in fused.data.operations] == ["split", "rotate"]
    [ready] = [parse(message.body) for message in image_added(of, finished(of, one)[0])]
    assert ready.type == "image.ready.v2"


def test_what_an_intermediate_image_leaves_counts_for_nothing():
    of = piped("split", "split")
    first = taken(of, uploaded("dog", of))
    assert weight_of([first.state]).columns == {"images": 1, "bytes": 100, "derived": 1}
    assert weight_of(first.answer).columns == {"images": 4, "processing": 4}
    second = taken(of, first.answer[0])
    assert weight_of([second.state]).columns == {}
    assert weight_of(second.answer).columns == {"images": 4, "bytes": 20 * 15}


@pytest.mark.parametrize(
    ("operations", "pointer"),
    [
        ((("rotate", 90), ("rotate", 91)), "/pipeline/operations/1/1"),
        ((("crop", {"left": 0, "top": 0, "width": 0, "height": 1}),), "/pipeline/operations/0/1/width"),
        (("split",) * 6, "/pipeline/operations/5/1"),
        ((("tile", "2x2"), "grayscale"), "/pipeline/operations/0/1"),
        ((("resize", "10000x10000"),), "/pipeline/operations/0/1"),
        ((("hide", {"labels": ["dog", "face"]}),), "/pipeline/operations/0/1/labels/1"),
    ],
)
def test_a_pipeline_that_cannot_be_is_refused_where_it_stands(operations, pointer):
    with pytest.raises(Invalid) as refused:
        check_pipeline(pipeline(*operations), CLASSES)
    assert refused.value.pointer == pointer


def test_nothing_can_be_hidden_without_a_detector():
    hiding = pipeline(("hide", {"labels": ["Person"]}))
    check_pipeline(hiding, CLASSES)
    with pytest.raises(Invalid, match="no detector"):
        check_pipeline(hiding, None)


def test_split_five_times_is_taken():
    check_pipeline(pipeline(*["split"] * 5), None)
