"""Errors as the driver makes them of what a server answers, and what they mean to a caller."""

import re
from pathlib import Path

import pytest
from pymongo import errors, helpers_shared
from pymongo.bulk_shared import _raise_bulk_write_error

from shared.errors import StorageFull, Unavailable
from shared.mongo.faults import NOT_NOW, NOT_NOW_LABELS, errors_named

CODES = [6, 7, 24, 43, 46, 50, 64, 79, 89, 91, 100, 112, 133, 134, 175, 189, 202, 237, 262, 279, 317, 365, 462]
CODES += [9001, 10107, 11600, 11601, 11602, 13388, 13435, 13436, 16500]
DUPLICATE = {"index": 0, "code": 11000, "errmsg": "E11000 duplicate key"}
NO_COMMAND = 59
ROOT = Path(__file__).parents[2]


def command_failed(fault) -> None:
    """A read, a getMore, or a write that was refused as a whole."""
    helpers_shared._check_command_response({"ok": 0, "errmsg": "no", **fault}, None)


def write_failed(fault) -> None:
    """A single write."""
    helpers_shared._check_write_command_response({"ok": 1, "writeErrors": [{"index": 0, "errmsg": "no", **fault}]})


def bulk_failed(fault, *others) -> None:
    """One write of several, the others of which failed for other reasons."""
    failed = [*others, {"index": len(others), "errmsg": "no", **fault}]
    _raise_bulk_write_error({"writeErrors": failed, "writeConcernErrors": []})


def write_is_unsafe(fault) -> None:
    helpers_shared._check_write_command_response({"ok": 1, "n": 1, "writeConcernError": {"errmsg": "no", **fault}})


def bulk_is_unsafe(fault, *others) -> None:
    _raise_bulk_write_error({"writeErrors": [*others], "writeConcernErrors": [{"errmsg": "no", **fault}]})


ANSWERS = [command_failed, write_failed, bulk_failed, write_is_unsafe, bulk_is_unsafe]


def test_every_code_is_in_the_table():
    assert sorted(NOT_NOW) == CODES


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_code_of_not_now_is_unavailable_wherever_it_stands(code, answer):
    with pytest.raises(Unavailable), errors_named():
        answer({"code": code})


@pytest.mark.parametrize("label", NOT_NOW_LABELS)
@pytest.mark.parametrize("answer", [command_failed, write_is_unsafe, bulk_is_unsafe])
def test_a_label_of_not_now_is_unavailable_whatever_the_code(label, answer):
    with pytest.raises(Unavailable), errors_named():
        answer({"code": NO_COMMAND, "errorLabels": [label]})


@pytest.mark.parametrize("code", [NO_COMMAND, *CODES])
def test_a_write_of_which_it_is_unknown_whether_a_majority_has_it_is_not_done(code):
    """Even where it came upon a document that exists: that may be what an earlier try has written, and not be safe."""
    for others in ([], [DUPLICATE]):
        with pytest.raises(Unavailable), errors_named():
            bulk_is_unsafe({"code": code}, *others)


def test_among_duplicates_is_a_fault_that_passes():
    with pytest.raises(Unavailable), errors_named():
        bulk_failed({"code": 112}, DUPLICATE)


@pytest.mark.parametrize("answer", [command_failed, write_failed, bulk_failed])
def test_a_full_disk_is_named(answer):
    with pytest.raises(StorageFull), errors_named():
        answer({"code": 14031})


@pytest.mark.parametrize("answer", [command_failed, write_failed, bulk_failed])
def test_what_does_not_pass_stays_what_it_is(answer):
    for fault in ({"code": NO_COMMAND}, {"code": 11000}):
        with pytest.raises(errors.OperationFailure), errors_named():
            answer(fault)


@pytest.mark.parametrize("error", [errors.AutoReconnect, errors.NetworkTimeout, errors.WaitQueueTimeoutError])
def test_a_lost_connection_is_unavailable(error):
    with pytest.raises(Unavailable), errors_named():
        raise error("gone")


def test_whatever_is_read_as_a_list_comes_in_one_answer():
    """`read` sees to it. One document that is inserted alone hides whether a majority has it: `insert_new` tells."""
    sources = [path for room in ("services", "shared") for path in (ROOT / room).rglob("*.py")]
    others = [path for path in sources if path != ROOT / "shared/mongo/connection.py"]
    found = [path.name for path in others if re.search(r"\.to_list\(|\.insert_one\(|\.insert_many\(", path.read_text())]
    assert found == []
