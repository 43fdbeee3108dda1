"""The replica set of tests does what a real one does, as far as a driver can see."""

import asyncio
from contextlib import asynccontextmanager

import pymongo
import pytest
import pytest_asyncio
from pymongo import IndexModel
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError, WriteConcernError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from tests.replica.faults import Fault
from tests.replica.members import MAJORITY
from tests.replica.opened import opened_set

MORE = {"$inc": {"n": 1}}


@pytest_asyncio.fixture
async def at():
    async with opened_set() as opened:
        yield opened


def newest(collection):
    return collection.with_options(read_concern=ReadConcern("local"))


@asynccontextmanager
async def under_way(at, work):
    """A write that the majority does not get, begun and without an answer."""
    await at.primary.lag()
    task = asyncio.create_task(work)
    await at.primary.lacks(1)
    yield task
    await task


async def test_a_driver_sees_a_replica_set_and_what_it_wrote(at):
    await at.things.insert_one({"_id": "a", "n": 0, "at": {"x.y": [1, {"z": None}]}})
    await at.things.update_one({"n": 0}, MORE)
    assert await at.things.find_one({}) == {"_id": "a", "n": 1, "at": {"x.y": [1, {"z": None}]}}
    assert at.client.topology_description.topology_type_name == "ReplicaSetWithPrimary"
    found = await at.things.find_one_and_update({"_id": "a"}, MORE)
    assert found["n"] == 1
    await at.things.delete_one({"_id": "a"})
    assert await at.things.count_documents({}) == 0


async def test_a_long_answer_comes_in_batches_of_what_a_majority_has(at):
    await at.things.insert_many([{"_id": f"{n:03}"} for n in range(300)])
    await at.primary.lag()
    weak = at.things.with_options(write_concern=WriteConcern(1))
    await weak.insert_one({"_id": "late"})
    assert len(await at.things.find({}).batch_size(7).to_list()) == 300
    assert len(await newest(at.things).find({}).batch_size(7).to_list()) == 301
    assert await at.things.count_documents({}) == 300
    assert [name for name in await at.client.list_database_names() if name.endswith(MAJORITY)] == []


async def test_a_write_waits_for_the_majority_and_reads_of_it_do_not_see_it_before(at):
    await at.things.insert_one({"_id": "a", "n": 0})
    async with under_way(at, at.things.update_one({"_id": "a"}, MORE)) as writing:
        assert await at.things.find_one({}) == {"_id": "a", "n": 0}
        assert await newest(at.things).find_one({}) == {"_id": "a", "n": 1}
        assert not writing.done()
        await at.primary.catch_up()
    assert await at.things.find_one({}) == {"_id": "a", "n": 1}


async def test_a_write_that_changes_nothing_waits_for_those_before_it(at):
    await at.things.insert_one({"_id": "a", "n": 0})
    async with under_way(at, at.things.update_one({"_id": "a"}, MORE)):
        nothing = asyncio.create_task(at.things.update_one({"_id": "none"}, MORE))
        again = asyncio.create_task(at.things.insert_one({"_id": "a"}))
        await asyncio.sleep(0.1)
        assert not nothing.done()
        assert not again.done()
        await at.primary.catch_up()
        assert (await nothing).matched_count == 0
        with pytest.raises(DuplicateKeyError):
            await again


async def test_who_waits_for_a_while_only_is_told_when_it_is_over(at):
    await at.primary.lag()
    hurried = {"w": "majority", "wtimeout": 50}
    answer = await at.database.command("insert", "things", documents=[{"_id": "a"}], writeConcern=hurried)
    assert answer["writeConcernError"]["code"] == 64
    with pymongo.timeout(0.5), pytest.raises(PyMongoError) as told:
        await at.things.insert_one({"_id": "b"})
    assert told.value.timeout
    assert await at.things.count_documents({}) == 0


@pytest.mark.parametrize("dies", [False, True])
async def test_a_failover_takes_back_what_no_majority_has_and_the_driver_does_it_again(at, dies):
    await at.things.insert_many([{"_id": "a", "n": 0}, {"_id": "b", "n": 0}])
    async with under_way(at, at.things.update_one({"_id": "a"}, MORE)) as writing:
        weak = at.things.with_options(write_concern=WriteConcern(1))
        await weak.update_many({}, {"$inc": {"n": 10}})
        await weak.delete_one({"_id": "b"})
        await weak.insert_one({"_id": "c"})
        assert await at.primary.fail_over(dies=dies) == 4
        await writing
    assert await at.things.find({}).sort("_id", 1).to_list() == [{"_id": "a", "n": 1}, {"_id": "b", "n": 0}]
    assert await newest(at.things).find_one({"_id": "a"}) == {"_id": "a", "n": 1}


async def test_what_has_to_be_unique_is_put_back_though_it_was_exchanged(at):
    await at.things.create_indexes([IndexModel([("name", 1)], unique=True)])
    await at.things.insert_many([{"_id": "a", "name": "x"}, {"_id": "b", "name": "y"}])
    await at.primary.lag()
    weak = at.things.with_options(write_concern=WriteConcern(1))
    for one, name in (("a", "z"), ("b", "x"), ("a", "y")):
        await weak.update_one({"_id": one}, {"$set": {"name": name}})
    await at.primary.fail_over()
    names = {one["_id"]: one["name"] async for one in newest(at.things).find({})}
    assert names == {"a": "x", "b": "y"}


async def test_while_there_is_no_primary_the_driver_waits_for_one(at):
    await at.things.insert_one({"_id": "a", "n": 0})
    failing_over = asyncio.create_task(at.primary.fail_over(0.3))
    await asyncio.sleep(0)
    await at.things.update_one({"_id": "a"}, MORE)
    assert failing_over.done()
    assert await at.things.find_one({}) == {"_id": "a", "n": 1}


@pytest.mark.parametrize("how", ["unanswered", "cut"])
async def test_a_write_whose_answer_was_lost_is_done_once(at, how):
    await at.things.insert_one({"_id": "a", "n": 0})
    at.primary.faults.begin(Fault(how=how, commands=("update",)), times=1)
    await at.things.update_one({"_id": "a"}, MORE)
    assert at.primary.faults.met == 1
    assert await at.things.find_one({}) == {"_id": "a", "n": 1}


async def test_a_write_that_was_taken_back_is_done_when_it_comes_again(at):
    """The record that it was done is taken back with it."""
    await at.things.insert_one({"_id": "a", "n": 0})
    await at.primary.lag()
    at.primary.faults.begin(Fault(how="unanswered", commands=("update",)), times=1)
    writing = asyncio.create_task(at.things.update_one({"_id": "a"}, MORE))
    await at.primary.lacks(1)
    assert await at.primary.fail_over() == 1
    await writing
    assert await at.things.find_one({}) == {"_id": "a", "n": 1}


async def test_errors_come_with_their_labels_as_often_as_was_asked_for(at):
    at.primary.faults.begin(Fault(how="refused", code=8000, labels=("Odd",), commands=("find",)), times=1)
    with pytest.raises(OperationFailure) as told:
        await at.things.find_one({})
    assert (told.value.code, told.value.has_error_label("Odd")) == (8000, True)
    assert await at.things.find_one({}) is None
    at.primary.faults.begin(Fault(how="unwritten", code=8000, commands=("insert",)))
    with pytest.raises(BulkWriteError) as told:
        await at.things.insert_many([{"_id": "a"}, {"_id": "b"}], ordered=False)
    assert [one["code"] for one in told.value.details["writeErrors"]] == [8000, 8000]
    at.primary.faults.begin(Fault(how="unsafe", code=79))
    with pytest.raises(WriteConcernError):
        await at.things.insert_one({"_id": "a"})
    at.primary.faults.end()
    assert await at.things.find({}).to_list() == [{"_id": "a"}]
