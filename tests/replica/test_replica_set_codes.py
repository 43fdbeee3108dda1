"""Whatever a replica set answers that means "not now" is Unavailable, wherever it comes up."""

from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio
from pymongo import UpdateOne
from pymongo.errors import OperationFailure

from shared.errors import Unavailable
from shared.mongo.connection import Collection, insert_new, read
from shared.mongo.faults import errors_named
from tests.replica.faults import NOT_NOW, NOT_NOW_LABELS, UNSAFE, Fault
from tests.replica.opened import opened_set

NO_COMMAND = 59
MORE = {"$inc": {"n": 1}}
BOTH = [UpdateOne({"_id": one}, MORE) for one in "ab"]
Work = Callable[[Collection], Awaitable[object]]

READS: dict[str, Work] = {
    "find": lambda things: things.find_one({}),
    "aggregate": lambda things: things.count_documents({}),
}
WRITES: dict[str, Work] = {
    "update": lambda things: things.update_one({"_id": "a"}, MORE),
    "update of several": lambda things: things.bulk_write(
        [UpdateOne({"_id": one}, MORE) for one in "ab"], ordered=False
    ),
    "update of all": lambda things: things.update_many({}, MORE),
    "insert": lambda things: insert_new(things, [{"_id": "c"}]),
    "delete": lambda things: things.delete_one({"_id": "a"}),
    "delete of all": lambda things: things.delete_many({}),
    "findAndModify": lambda things: things.find_one_and_update({"_id": "a"}, MORE),
}
MORE_THAN_ONE_ANSWER: dict[str, Work] = {"getMore": lambda things: things.find({}).batch_size(1).to_list()}


@pytest_asyncio.fixture
async def at():
    async with opened_set() as opened:
        await opened.things.insert_many([{"_id": one, "n": 0} for one in "ab"])
        yield opened


async def others(at, fault: Fault, work: Work) -> BaseException | None:
    """What else than Unavailable came of work that met the fault."""
    at.primary.faults.begin(fault)
    try:
        with errors_named():
            await work(at.things)
    except Unavailable:
        return None if at.primary.faults.met else AssertionError(f"{fault} befell nothing")
    except Exception as error:  # noqa: BLE001 - it is told
        return error
    finally:
        at.primary.faults.end()
    return AssertionError(f"{fault} had no effect")


@pytest.mark.parametrize("name", [*READS, *MORE_THAN_ONE_ANSWER, *WRITES])
async def test_a_command_that_is_refused_for_now(at, name):
    command = name.partition(" ")[0]
    work = (READS | MORE_THAN_ONE_ANSWER | WRITES)[name]
    found = {code: await others(at, Fault(how="refused", code=code, commands=(command,)), work) for code in NOT_NOW}
    assert {code: error for code, error in found.items() if error is not None} == {}


@pytest.mark.parametrize("name", [name for name in WRITES if name != "findAndModify"])
async def test_a_statement_that_cannot_be_done_for_now(at, name):
    command = name.partition(" ")[0]
    faults = {code: Fault(how="unwritten", code=code, commands=(command,)) for code in NOT_NOW}
    found = {code: await others(at, fault, WRITES[name]) for code, fault in faults.items()}
    assert {code: error for code, error in found.items() if error is not None} == {}


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_that_may_be_taken_back(at, name):
    found = {code: await others(at, Fault(how="unsafe", code=code), WRITES[name]) for code in UNSAFE}
    assert {code: error for code, error in found.items() if error is not None} == {}


@pytest.mark.parametrize("label", NOT_NOW_LABELS)
@pytest.mark.parametrize("name", ["find", "getMore", "update", "update of several", "insert"])
async def test_a_label_says_so_whatever_the_code(at, name, label):
    fault = Fault(how="refused", code=NO_COMMAND, labels=(label,), commands=(name.partition(" ")[0],))
    assert await others(at, fault, (READS | MORE_THAN_ONE_ANSWER | WRITES)[name]) is None


async def test_what_is_wrong_for_good_stays_what_it_is(at):
    assert isinstance(await others(at, Fault(how="refused", code=NO_COMMAND), READS["find"]), OperationFailure)


async def test_what_the_stores_read_as_a_list_never_takes_a_second_answer(at):
    at.primary.faults.begin(Fault(how="refused", code=43, commands=("getMore",)))
    assert len(await read(at.things.find({}))) == 2
    assert len(await read(at.things.find({}), 1)) == 1
    assert at.primary.faults.met == 0
