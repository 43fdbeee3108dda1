"""Every event as it was first written parses for ever: these files are added to, never changed."""

import json
from pathlib import Path

import pytest

from shared.errors import Malformed
from shared.events import message, parse
from shared.routing import Topology

GOLDEN = Path(__file__).parent / "golden"
TYPES = sorted(Topology.ROUTES)
WITHOUT_A_TASK = {
    "access.told.v1",
    "audit.noted.v1",
    "key.used.v1",
    "person.erased.v1",
    "person.pseudonymised.v1",
}


def read(event_type: str) -> dict:
    return json.loads((GOLDEN / f"{event_type}.json").read_text())


def test_every_type_has_its_file_and_every_file_its_type():
    assert sorted(file.stem for file in GOLDEN.glob("*.json")) == TYPES


@pytest.mark.parametrize("event_type", TYPES)
def test_it_parses_and_nothing_of_it_is_lost(event_type):
    golden = read(event_type)
    event = parse(json.dumps(golden).encode())
    assert event.type == event_type
    written = json.loads(message(event).body)
    assert_contains(written, golden)
    assert parse(message(event).body) == event


def assert_contains(written, golden, at="") -> None:
    """All that the file says is still said; optional fields may have been added since."""
    if isinstance(golden, dict):
        assert golden.keys() <= written.keys(), at
        for name, value in golden.items():
            assert_contains(written[name], value, f"{at}/{name}")
    elif isinstance(golden, list):
        assert len(golden) == len(written), at
        for position, value in enumerate(golden):
            assert_contains(written[position], value, f"{at}/{position}")
    else:
        assert written == golden, at


def with_unknown_fields(value):
    if isinstance(value, dict):
        return {**{name: with_unknown_fields(one) for name, one in value.items()}, "added_later": {"by": ["us"]}}
    if isinstance(value, list):
        return [with_unknown_fields(one) for one in value]
    return value


@pytest.mark.parametrize("event_type", TYPES)
def test_what_a_later_version_adds_is_passed_over(event_type):
    golden = read(event_type)
    label_map = golden["data"].get("label_map") or golden["data"].get("detector", {}).get("label_map")
    extended = with_unknown_fields(golden)
    if "label_names" in golden["data"]:  # labels, not names of fields
        extended["data"]["label_names"] = golden["data"]["label_names"]
    if event_type.startswith("step.opened."):  # what a client gave, whole
        extended["data"]["operations"] = golden["data"]["operations"]
    if label_map is not None:  # names of classes, not of fields
        (extended["data"] if "label_map" in extended["data"] else extended["data"]["detector"])["label_map"] = label_map
    assert parse(json.dumps(extended).encode()) == parse(json.dumps(golden).encode())


@pytest.mark.parametrize("event_type", TYPES)
@pytest.mark.parametrize("spoil", ["another type", "no data", "no id", "cut off"])
def test_what_is_no_event_is_malformed(event_type, spoil):
    golden = read(event_type)
    if spoil == "another type":
        golden["type"] = f"{event_type}99"
    if spoil == "no data":
        del golden["data"]
    if spoil == "no id":
        del golden["id"]
    body = json.dumps(golden).encode()
    with pytest.raises(Malformed):
        parse(body[:-1] if spoil == "cut off" else body)


@pytest.mark.parametrize("event_type", TYPES)
def test_a_message_carries_the_names_of_its_event(event_type):
    golden = read(event_type)
    carried = message(parse(json.dumps(golden).encode()))
    assert (carried.id, carried.type, carried.subject) == (golden["id"], event_type, golden["subject"])
    assert event_type in WITHOUT_A_TASK or golden["data"]["task_id"]
