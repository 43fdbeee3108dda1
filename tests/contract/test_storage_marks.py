"""A task manager works on the bucket that has the images of its database, and on no other."""

import asyncio
from contextlib import ExitStack

import pytest

from services.task_manager.storage import OtherStorage, refuse_other_storage
from shared.errors import QuorateError, Unavailable
from shared.http import serving
from shared.http.serving import Deployable
from tests.contract.mongo import database
from tests.contract.s3 import own_bucket, store


@pytest.fixture
def buckets():
    """Two that are not there yet."""
    with ExitStack() as stack:
        yield [stack.enter_context(own_bucket())[0] for _ in range(2)]


async def test_what_belongs_together_starts_again_and_nothing_else_does(buckets: list[str]):
    first, second = (store(bucket) for bucket in buckets)
    async with database() as ours, database() as theirs:
        for bucket in (first, second):
            await bucket.open()
        await asyncio.gather(*(refuse_other_storage(ours, first) for _ in range(5)))  # replicas that start together
        await refuse_other_storage(ours, first)
        with pytest.raises(OtherStorage, match="images were stored in another bucket"):
            await refuse_other_storage(ours, second)
        with pytest.raises(OtherStorage, match="images of another database"):
            await refuse_other_storage(theirs, first)
        await refuse_other_storage(theirs, second)
        with pytest.raises(OtherStorage, match="images of another database"):
            await refuse_other_storage(ours, second)
        assert [key async for key in first.keys("", stored_before=float("inf"))] == []  # none that could be collected
    for bucket in (first, second):
        await bucket.close()


async def test_a_start_that_died_between_the_two_marks_goes_on(buckets: list[str]):
    bucket = store(buckets[0])
    await bucket.open()
    async with database() as ours:
        await ours["platform"].insert_one({"_id": "storage", "mark": "half", "is_in_bucket": False})
        await refuse_other_storage(ours, bucket)
        assert await bucket.mark() == "half"
    await bucket.close()


@pytest.mark.parametrize(
    ("error", "status"), [(OtherStorage("another bucket"), 2), (Unavailable("no answer"), 3), (None, None)]
)
def test_what_keeps_it_from_starting_is_said_in_a_sentence(
    error: QuorateError | None, status: int | None, capsys: pytest.CaptureFixture[str]
):
    async def preflight() -> None:
        if error is not None:
            raise error

    assert serving._asked(Deployable(app=None, preflight=preflight)) == status  # type: ignore[arg-type]
    assert capsys.readouterr().err == (f"quorate cannot start: {error}\n" if error else "")
