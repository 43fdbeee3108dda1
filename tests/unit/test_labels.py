"""What a client may name, and what looks alike."""

import pytest

from services.task_manager.labels import check_classes, check_label_map, check_labels, check_task_name
from shared.errors import Invalid

BLACK_FLAG = "\U0001f3f4"
AT_NO_END = [
    " ",
    "\u00a0",
    "\u2003",
    "\u3000",
    "\u200b",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u034f",
    "\u3164",
    "\u2800",
]
CONTROLS = ["\0", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u200e", "\u202e", "\u2066", "\u061c"]


def tags(region: str) -> str:
    """The letters of a region, as a flag has them: they cannot be seen."""
    return "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"


# Labels


@pytest.mark.parametrize(
    "labels",
    [
        ("a.b", "$inc", "__proto__", "<script>alert(1)</script>", "constructor", "'; DROP TABLE tasks; --"),
        ("cat", "Hund", "кот", "猫", "قطة", "🐈", "🏳️‍🌈"),
        ("cat", "ca t", "c at"),
        ("\u2764\ufe0f", "1\ufe0f\u20e3", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u845b\U000e0100"),
        (f"{BLACK_FLAG}{tags('gbeng')}", f"{BLACK_FLAG}{tags('gbsct')}", BLACK_FLAG),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0915\u094d\u200d\u0937", "\u0915\u094d\u0916"),
        ("café", "cafe"),
        ("i", "\u0131"),
        ("a",),
        ("x" * 200,),
        ("é" * 200,),
        tuple(f"label {i}" for i in range(1000)),
        ("unsure", "sure"),
    ],
    ids=lambda labels: repr(labels)[:30],
)
def test_any_labels_that_can_be_seen_and_told_apart_are_taken_in_their_order(labels):
    assert check_labels(labels, allow_unsure=False) == labels


@pytest.mark.parametrize(
    ("labels", "pointer"),
    [
        ((), "/labels"),
        (tuple(f"{i}" for i in range(1001)), "/labels"),
        (("cat", ""), "/labels/1"),
        (("x" * 201,), "/labels/0"),
        (("cat", "cat"), "/labels/1"),
        (("cat", "dog", "CAT"), "/labels/2"),
        (("STRASSE", "straße"), "/labels/1"),
        (("caf\u00e9", "cafe\u0301"), "/labels/1"),
        (("CAFE\u0301", "caf\u00e9"), "/labels/1"),
        (("ΟΔΟΣ", "οδος"), "/labels/1"),
        (("cat", " "), "/labels/1"),
        (("cat", "\u200b"), "/labels/1"),
        (("cat", "\u00a0\u2003"), "/labels/1"),
        (("cat", "\n\t"), "/labels/1"),
        (("cat", "\u0301"), "/labels/1"),
        (("cat", "\ue000"), "/labels/1"),
        (("cat", "\U000e0041"), "/labels/1"),
        (("cat", "\ufe0f"), "/labels/1"),
        *((("dog", f"cat{blank}"), "/labels/1") for blank in AT_NO_END),
        *((("dog", f"{blank}cat"), "/labels/1") for blank in AT_NO_END),
        *((("dog", f"c{control}at"), "/labels/1") for control in CONTROLS),
        (("red cat", "red\u00a0cat"), "/labels/1"),
        (("red cat", "Red \u2003 CAT"), "/labels/1"),
        (("redcat", "red\u200bcat"), "/labels/1"),
        (("\u2764", "\u2764\ufe0f"), "/labels/1"),
        (("cat", "cat\ufe0f"), "/labels/1"),
        (("cat", "\u2800"), "/labels/1"),
        (("cat", "\ud800"), "/labels/1"),
        (("cat", "a\udfff"), "/labels/1"),
        (tuple("猫" * 190 + f"{i:03}" for i in range(60)), "/labels"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_labels_that_cannot_be_seen_or_told_apart_are_refused_where_they_are(labels, pointer):
    with pytest.raises(Invalid) as refusal:
        check_labels(labels, allow_unsure=False)
    assert refusal.value.pointer == pointer


@pytest.mark.parametrize("size", [32_768, 32_769])
def test_a_label_set_has_a_bound_in_bytes(size):
    labels = [f"{i:0>199}" for i in range(size // 199)]
    labels.append("x" * (size - 199 * len(labels)))
    if size > 32_768:
        with pytest.raises(Invalid, match="bytes"):
            check_labels(labels, allow_unsure=False)
    else:
        assert len(check_labels(labels, allow_unsure=False)) == len(labels)


@pytest.mark.parametrize("label", ["unsure", "Unsure", "UNSURE"])
def test_unsure_is_no_label_where_it_is_an_answer(label):
    with pytest.raises(Invalid) as refusal:
        check_labels(["cat", label], allow_unsure=True)
    assert refusal.value.pointer == "/labels/1"


# Classes that are mapped to labels

LABELS = ("chien", "chat")


@pytest.mark.parametrize(
    "label_map",
    [
        {},
        {"dog": "chien", "cat": "chat", "wolf": "chien"},
        {"x" * 200: "chat", "a.b": "chat", "$inc": "chien", "__proto__": "chat", "a/b~c": "chat"},
        {f"class {number}": "chat" for number in range(1000)},
    ],
    ids=len,
)
def test_maps_within_the_limits_are_taken(label_map):
    check_label_map(label_map, LABELS)


@pytest.mark.parametrize(
    ("label_map", "pointer"),
    [
        ({"": "chat"}, "/detector/label_map"),
        ({"x" * 201: "chat"}, "/detector/label_map"),
        ({f"class {number}": "chat" for number in range(1001)}, "/detector/label_map"),
        ({f"{number:0>199}": "chat" for number in range(200)}, "/detector/label_map"),
        ({"d\0g": "chat"}, "/detector/label_map"),
        ({"d\ud800g": "chat"}, "/detector/label_map"),
        ({"dog": "loup"}, "/detector/label_map/dog"),
        ({"dog": "chien", "Dog": "chat"}, "/detector/label_map/Dog"),
        ({"a/b~c": "loup"}, "/detector/label_map/a~1b~0c"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_maps_that_cannot_be_are_refused(label_map, pointer):
    with pytest.raises(Invalid) as refusal:
        check_label_map(label_map, LABELS)
    assert refusal.value.pointer == pointer


@pytest.mark.parametrize("size", [32_768, 32_769])
def test_a_map_has_a_bound_in_bytes_for_classes_and_labels_together(size):
    label_map = {f"{number:0>195}": "chat" for number in range(size // 199)}
    label_map["x" * (size - 199 * len(label_map) - len("chat"))] = "chat"
    if size > 32_768:
        with pytest.raises(Invalid, match="bytes"):
            check_label_map(label_map, LABELS)
    else:
        check_label_map(label_map, LABELS)


def test_a_class_is_the_models_apart_from_case():
    check_classes({"Dog": "chien", "TRAFFIC LIGHT": "feu"}, ("dog", "traffic light"))


@pytest.mark.parametrize(
    ("name", "nearest"), [("bycicle", "bicycle"), ("persons", "person"), ("Dogs", "dog"), ("tvmonitor", "monitor")]
)
def test_a_class_that_the_model_has_not_is_refused_with_the_nearest(name, nearest):
    with pytest.raises(Invalid, match=f"'{nearest}'") as refusal:
        check_classes({"dog": "a", name: "a"}, ("dog", "person", "bicycle", "motorcycle", "monitor"))
    assert refusal.value.pointer == f"/detector/label_map/{name}"


# Names of tasks


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\x1b[31m", "a\u2028b", "a\u202eb", "", "n" * 201])
def test_a_task_has_no_name_with_control_characters(name):
    with pytest.raises(Invalid) as refusal:
        check_task_name(name)
    assert refusal.value.pointer == "/name"


@pytest.mark.parametrize(
    "name", ["n" * 200, "\u732b \U0001f408", "=cmd()", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"]
)
def test_any_other_name_is_taken(name):
    check_task_name(name)
