import random

import pytest

from services.detector.domain import MAX_SEEN, worth_telling
from shared.proposals import MAX_OBJECTS, propose
from shared.results import Detection, Prelabel, Rectangle


def seen(label: str, confidence: float, left: int = 0) -> Detection:
    return Detection(label=label, confidence=confidence, rectangle=Rectangle(left=left, top=0, width=1, height=1))


MODEL = "detector:m@1"
NOTHING = Prelabel(model=MODEL)


@pytest.mark.parametrize(
    ("detections", "labels", "label_map", "expected"),
    [
        pytest.param([], ("cat",), {}, [], id="nothing seen"),
        pytest.param([("cat", 0.9)], ("cat", "dog"), {}, [("cat", 0.9)], id="equal name"),
        pytest.param([("dog", 0.6), ("cat", 0.9)], ("cat", "dog"), {}, [("cat", 0.9), ("dog", 0.6)], id="surest first"),
        pytest.param([("CAT", 0.9)], ("Cat",), {}, [("Cat", 0.9)], id="casefold, the task's spelling"),
        pytest.param([("cafe\u0301", 0.9)], ("caf\u00e9",), {}, [("caf\u00e9", 0.9)], id="NFC"),
        pytest.param([("Stra\u00dfe", 0.9)], ("STRASSE",), {}, [("STRASSE", 0.9)], id="casefold, not lower"),
        pytest.param([("car", 0.9)], ("vehicle",), {"car": "vehicle"}, [("vehicle", 0.9)], id="mapped"),
        pytest.param([("cat", 0.9)], ("cat", "pet"), {"cat": "pet"}, [("pet", 0.9)], id="the map before the name"),
        pytest.param([("dog", 0.9)], ("chien",), {"Dog": "chien"}, [("chien", 0.9)], id="mapped apart from case"),
        pytest.param([("dog", 0.9)], ("a", "b"), {"Dog": "b", "dog": "a"}, [("a", 0.9)], id="the exact key first"),
        pytest.param([("a", 0.9)], ("a", "b"), {"a": "b", "b": "a"}, [("b", 0.9)], id="mapped once"),
        pytest.param([("hot dog", 0.9)], ("hot\u00a0dog",), {}, [("hot\u00a0dog", 0.9)], id="names that look alike"),
        pytest.param([("cat", 0.9)], ("cat ", "cat"), {}, [("cat", 0.9)], id="the exact label first"),
        pytest.param([("cat", 0.9)], ("cat",), {"cat": "pet"}, [], id="mapped to no label of the task"),
        pytest.param([("car", 0.9), ("bus", 0.7)], ("a", "b"), {}, [], id="other classes"),
        pytest.param([("bus", 0.9), ("cat", 0.4)], ("cat",), {}, [("cat", 0.4)], id="other classes left out"),
        pytest.param([("cat", 0.24), ("dog", 0.25)], ("cat", "dog"), {}, [("dog", 0.25)], id="floor included"),
        pytest.param([("a", 0.5), ("b", 0.5)], ("b", "a"), {}, [("b", 0.5), ("a", 0.5)], id="tie: first label wins"),
        pytest.param([("__proto__", 0.5)], ("__proto__", "$inc"), {}, [("__proto__", 0.5)], id="odd names"),
    ],
)
def test_propose(detections, labels, label_map, expected):
    proposal = propose(
        [seen(*detection) for detection in detections],
        labels=labels,
        label_map=label_map,
        model=MODEL,
        min_confidence=0.25,
    )
    objects = tuple(seen(*detection) for detection in expected)
    if expected:
        assert proposal == Prelabel(model=MODEL, label=expected[0][0], confidence=expected[0][1], objects=objects)
    else:
        assert proposal == NOTHING


def test_order_of_detections_does_not_matter():
    detections = [seen(label, confidence, left) for label in "ab" for confidence in (0.5, 0.9) for left in range(5)]
    expected = propose(detections, labels=("a", "b"), label_map={}, model=MODEL, min_confidence=0)
    for seed in range(20):
        shuffled = random.Random(seed).sample(detections, len(detections))
        assert propose(shuffled, labels=("a", "b"), label_map={}, model=MODEL, min_confidence=0) == expected


def test_at_most_a_hundred_objects_the_surest():
    detections = [seen("a", number / 1000, number) for number in range(500)]
    proposal = propose(detections, labels=("a",), label_map={}, model=MODEL, min_confidence=0)
    assert len(proposal.objects) == MAX_OBJECTS
    assert proposal.confidence == 0.499
    assert proposal.objects[-1].confidence == 0.4


def test_what_is_told_is_bounded_and_the_surest_of_each_class_is_among_it():
    crowd = [seen("person", 0.9, number) for number in range(500)]
    told = worth_telling([*crowd, seen("dog", 0.3), seen("dog", 0.4)])
    assert len(told) == MAX_SEEN
    assert [(one.label, one.confidence) for one in told[:2]] == [("person", 0.9), ("dog", 0.4)]
    assert {one.label for one in told[2:]} == {"person"}
    assert worth_telling([]) == ()
