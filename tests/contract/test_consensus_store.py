"""What every store of vote rows and consensus runs promises."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from services.consensus import eraser
from services.consensus import row as rows
from services.consensus import run as runs
from services.consensus.announcements import doubted
from services.consensus.row import KnownTask, Row, Seen
from services.consensus.run import Outcome, Run, Sending
from services.consensus.store import PageKey
from services.consensus.store.codec import packed, place_of, unpacked
from shared.audit import Doer, entry
from shared.erasures import Erasure
from shared.errors import Conflict, NotFound, Unavailable
from shared.events import parse
from shared.results import VoteCast
from tests.contract.adapters import T0

BY = Doer(id="ann", name="Ann", team="first", address="127.0.0.1")


def row(number: int, task: str = "t1", **changes) -> Row:
    made = Row(
        image_id=f"{number:032x}",
        task_id=task,
        revision=1,
        label="$set.a",
        decided_by="quorum",
        completed_at=T0 + number,
        votes=(VoteCast(voter="ann", label="$set.a", at=T0), VoteCast(voter="bob", label=None, at=T0)),
        seen=Seen(model="detector:m", label="b"),
        changed_at=T0 + number,
    )
    return replace(made, **changes)


def run(number: int, **changes) -> Run:
    made = Run(
        id=f"{number:032x}",
        team="first",
        kind="task",
        task_id="t1",
        methods=("majority", "ds"),
        asked_by="ann",
        asked_at=T0 + number,
    )
    return replace(made, **changes)


async def keep(store, *new: Row) -> None:
    for one in new:
        await store.change_row(one.image_id, partial(rows.ended, new=one))


async def change(store, run_id: str, rule, **options) -> Run:
    return await store.change_run(run_id, lambda before, now: (rule(before, now), ()), **options)


async def test_rows_are_found_by_task_and_by_team(consensus):
    store = consensus.store
    kept = [row(1), row(2), row(3, task="t2"), row(4, task="t3", team="theirs")]
    await keep(store, *reversed(kept))
    assert await store.row(kept[0].image_id) == kept[0]
    assert await store.rows("t1", after="", limit=10) == kept[:2]
    assert await store.rows("t1", after=kept[0].image_id, limit=10) == [kept[1]]
    assert await store.rows("t1", after="", limit=1) == [kept[0]]
    assert await store.rows_of_team("first", before="", limit=2) == [kept[2], kept[1]]
    assert await store.rows_of_team("first", before=place_of(kept[1]), limit=2) == [kept[0]]
    assert await store.every_row(after="", limit=10) == kept
    assert await store.every_row(after=kept[2].image_id, limit=10) == [kept[3]]
    with pytest.raises(NotFound):
        await store.row("none")


async def test_a_row_changes_by_a_rule_and_a_rule_that_changes_nothing_saves_nothing(consensus):
    store = consensus.store
    await keep(store, row(1), row(1, label="older", revision=1))
    assert (await store.row(row(1).image_id)).label == "$set.a"
    await keep(store, row(1, label="newer", revision=2, completed_at=T0 + 9))
    assert (await store.row(row(1).image_id)).label == "newer"
    assert await store.change_row("unknown", lambda _: None) is None
    with pytest.raises(NotFound):
        await store.row("unknown")


async def test_a_removed_image_is_in_no_list_and_still_keeps_late_votes_out(consensus):
    store = consensus.store
    await keep(store, row(1), row(2))
    stub = Row(image_id=row(1).image_id, task_id="t1", changed_at=T0 + 50)
    await store.change_row(stub.image_id, partial(rows.removed, stub=stub, at=T0 + 50))
    await keep(store, row(1))
    assert await store.rows("t1", after="", limit=1) == [row(2)]
    assert await store.rows_of_team("first", before="", limit=9) == [row(2)]
    again = row(1, completed_at=T0 + 60)
    await keep(store, again)
    assert await store.rows("t1", after="", limit=9) == [again, row(2)]


async def test_the_last_change_has_a_name(consensus):
    store = consensus.store
    assert await store.last_change("t1") == await store.last_change_of_team("first") == ""
    seen = []
    for number in (1, 2):
        await keep(store, row(number))
        seen.append((await store.last_change("t1"), await store.last_change_of_team("first")))
    assert seen[0] < seen[1]
    stub = Row(image_id=row(1).image_id, task_id="t1", changed_at=T0 + 50)
    await store.change_row(stub.image_id, partial(rows.removed, stub=stub, at=T0 + 50))
    assert await store.last_change("t1") > seen[1][0]
    assert await store.last_change_of_team("first") > seen[1][1]
    before = await store.last_change_of_team("first")
    await keep(store, row(3, completed_at=T0 - 9, changed_at=T0 + 60))
    assert await store.last_change_of_team("first") > before
    assert await store.last_change_of_team("theirs") == ""


async def test_rows_of_a_task_are_removed_few_at_a_time(consensus):
    store = consensus.store
    await keep(store, *(row(number) for number in range(5)), row(9, task="t2"))
    assert [await store.remove_rows("t1", 2) for _ in range(4)] == [2, 2, 1, 0]
    assert await store.every_row(after="", limit=9) == [row(9, task="t2")]


async def test_tasks_are_told_once_and_stay_erased(consensus):
    store = consensus.store
    told = KnownTask(id="t1", team="first", name="birds", revision=2, audit_share=0.2)
    await store.change_task("t1", partial(rows.told, new=told))
    await store.change_task("t1", partial(rows.told, new=replace(told, revision=1, name="older")))
    assert await store.task("t1") == told
    await store.change_task("t1", partial(rows.erased, new=KnownTask(id="t1")))
    await store.change_task("t1", partial(rows.told, new=replace(told, revision=9)))
    assert await store.task("t1") == replace(told, name=None, state="erased")
    with pytest.raises(NotFound):
        await store.task("none")


async def test_an_erased_task_is_forgotten_and_none_that_lives(consensus):
    store, made = consensus.store, KnownTask(id="t1", name="birds", revision=1)
    await store.forget_task("t1")
    await store.change_task("t1", partial(rows.told, new=made))
    await store.forget_task("t1")
    assert await store.task("t1") == made
    await store.change_task("t1", partial(rows.erased, new=made))
    await store.forget_task("t1")
    with pytest.raises(NotFound):
        await store.task("t1")
    assert await store.change_task("t1", partial(rows.told, new=made)) == made


async def test_runs_are_listed_the_newest_first_and_added_once(consensus):
    store = consensus.store
    noted = (entry(BY, "consensus.run", run(1).id, T0, "00"),)
    assert await store.add_run(run(1), noted=noted)
    assert not await store.add_run(run(1, asked_by="eve"), noted=noted)
    await store.add_run(run(2))
    await store.add_run(run(3, task_id="t2"))
    await store.add_run(run(4, kind="operators", task_id=""))
    await store.add_run(run(5, team="theirs"))
    assert await store.run(run(1).id) == run(1)
    assert await store.runs("first", "task", task_id="t1", limit=9) == [run(2), run(1)]
    assert await store.runs("first", "task", task_id="t1", limit=1) == [run(2)]
    assert await store.runs("first", "operators", task_id="", limit=9) == [run(4, kind="operators", task_id="")]
    assert [one.id for one in await store.every_run(after=run(3).id, limit=9)] == [run(4).id, run(5).id]
    assert [await store.under_way("first", limit) for limit in (2, 9)] == [2, 4]
    assert [parse(one.body).data.entry.action for one in await store.pending(9)] == ["consensus.run"]
    with pytest.raises(NotFound):
        await store.run("none")


async def test_a_run_is_due_until_it_is_over_and_again_while_something_is_to_be_sent(consensus):
    store, clock = consensus.store, consensus.clock
    await store.add_run(run(2))
    await store.add_run(run(1))
    clock.now = T0 + 10
    assert [one.id for one in await store.due(now=T0 + 10, limit=9)] == [run(1).id, run(2).id]
    assert [one.id for one in await store.due(now=T0 + 1, limit=9)] == [run(1).id]
    await change(store, run(1).id, partial(runs.claimed, holder="a"))
    assert [one.id for one in await store.due(now=T0 + 10, limit=9)] == [run(2).id]
    assert len(await store.due(now=T0 + 10 + runs.CLAIM_S, limit=9)) == 2
    await change(store, run(1).id, partial(runs.finished, holder="a", outcome=Outcome(images=1)))
    assert await store.under_way("first", 9) == 1
    assert len(await store.due(now=T0 + 9999, limit=9)) == 1
    await change(store, run(1).id, partial(runs.sending, method="ds", by="ann"))
    assert len(await store.due(now=T0 + 9999, limit=9)) == 2


async def test_of_those_who_claim_a_run_at_once_one_has_it(consensus):
    store = consensus.store
    await store.add_run(run(1))
    claims = [change(store, run(1).id, partial(runs.claimed, holder=f"h{number}")) for number in range(8)]
    holders = {claimed.holder for claimed in await asyncio.gather(*claims)}
    assert holders == {(await store.run(run(1).id)).holder}
    with pytest.raises(Conflict):
        await change(store, run(1).id, partial(runs.finished, holder="other", outcome=Outcome()))


async def test_what_is_told_is_saved_with_the_change_or_not_at_all(consensus):
    store = consensus.store
    await store.add_run(run(1))
    item = {"image_id": "i1", "revision": 1, "methods": {"ds": {"label": "$set"}}, "differs": ["ds"]}

    def rule(before: Run, now: float):
        return replace(before, stage="sent"), [doubted(before, Sending(method="ds", by="ann", at=T0), [item], now)]

    with consensus.failing_commits(), pytest.raises(Unavailable):
        await store.change_run(run(1).id, rule)
    if (await store.run(run(1).id)).stage is None:
        assert await store.pending(9) == []
        await store.change_run(run(1).id, rule)
    await store.add_run(run(2))
    assert [await store.is_told(run(number).id) for number in (1, 2)] == [False, True]
    told = await store.pending(9)
    assert [parse(one.body).data.doubts[0].label for one in told] == ["$set"]
    await store.clear([one.id for one in told])
    assert await store.pending(9) == []
    assert await store.is_told(run(1).id)


async def test_pages_are_written_whole_and_go_with_their_attempt(consensus):
    store = consensus.store
    await store.add_run(run(1))
    keys = [PageKey(run_id=run(1).id, attempt=one, kind="results", number=n) for one in "ab" for n in (0, 1)]
    for key in keys:
        await store.put_page(key, packed([key.attempt, key.number, "$set"]))
    await store.put_page(keys[0], packed("anew"))
    assert unpacked(await store.page(keys[0])) == "anew"
    assert await store.page(replace(keys[0], number=7)) is None
    assert await store.pages(run(1).id) == keys
    await store.remove_pages(run(1).id, but="b")
    assert await store.pages(run(1).id) == keys[2:]
    assert await store.remove_run(run(1).id)
    assert await store.remove_run(run(1).id)
    assert await store.pages(run(1).id) == []
    with pytest.raises(NotFound):
        await store.run(run(1).id)


async def test_no_event_goes_with_the_run_that_it_tells_of(consensus):
    store = consensus.store
    noted = (entry(BY, "consensus.run", run(1).id, T0, "00"),)
    await store.add_run(run(1), noted=noted)
    await store.remove_run(run(1).id)
    told = await store.pending(9)
    assert [parse(one.body).data.entry.action for one in told] == ["consensus.run"]
    await store.clear([one.id for one in told])
    assert await store.remove_run(run(1).id)
    with pytest.raises(NotFound):
        await store.run(run(1).id)


async def test_a_person_is_erased_from_rows_runs_and_pages(consensus):
    store = consensus.store
    await keep(store, row(1), row(2))
    await store.add_run(run(1, sendings=(Sending(method="ds", by="ann", at=T0),)))
    key = PageKey(run_id=run(1).id, attempt="a", kind="voters", number=0)
    await store.put_page(key, packed([{"voter": "ann", "votes": 2, "label": "ann"}, {"voter": "bob"}]))
    summary = replace(key, kind="summary")
    await store.put_page(summary, packed({"pairs": [{"voters": ["ann", "bob"]}]}))
    place: str | None = ""
    while place is not None:
        place = await eraser.step(store, Erasure(person="ann", pseudonym="erased-1", begins_at=T0, place=place))
    assert [vote.voter for vote in (await store.row(row(1).image_id)).votes] == ["erased-1", "bob"]
    erased = await store.run(run(1).id)
    assert (erased.asked_by, erased.sendings[0].by) == ("erased-1", "erased-1")
    assert unpacked(await store.page(key)) == [{"voter": "erased-1", "votes": 2, "label": "ann"}, {"voter": "bob"}]
    assert unpacked(await store.page(summary)) == {"pairs": [{"voters": ["erased-1", "bob"]}]}
