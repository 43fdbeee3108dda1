"""What one team has is not there for another, on every store."""

from dataclasses import replace

from services.subtask_manager.row import Row
from services.task_manager.listing import Listing
from shared.teams import FIRST_TEAM
from tests.contract.operators import dispute, granting, open_all, subtask_ids
from tests.contract.task_scenes import create, sealed
from tests.unit.subtask_builders import brief

TEAMS = (FIRST_TEAM, "b2", "a1")
ONE = {team: f"{number:x}" * 32 for number, team in enumerate(TEAMS, start=10)}
BRIEFS = {team: replace(brief(task_id=ONE[team], votes_required=3), team=team) for team in TEAMS}
IDS = {team: subtask_ids(3, first=10 * number) for number, team in enumerate(TEAMS)}


async def all_open(store) -> None:
    for team in TEAMS:
        await open_all(store, BRIEFS[team], IDS[team])


async def leased(at, team: str, task_id: str | None, operator: str = "ann") -> set[str]:
    got = await at.store.claim(team, operator, task_id=task_id, count=100, grant=granting(operator))
    if settle := getattr(at.store, "settle", None):
        await settle()
    return {subtask.id for subtask, _ in got.held}


async def test_an_operator_leases_what_their_team_has(subtasks):
    await all_open(subtasks.store)
    for team in TEAMS * 2:  # what is held in another team does not come back in this one
        assert await leased(subtasks, team, None) == set(IDS[team])
        assert await leased(subtasks, team, ONE[team]) == set(IDS[team])
    for team, other in (("b2", FIRST_TEAM), (FIRST_TEAM, "a1"), ("nobody's", "b2")):
        assert await leased(subtasks, team, ONE[other]) == set()
    assert await leased(subtasks, "nobody's", None) == set()


async def test_a_team_without_work_is_told_of_no_other_s(subtasks):
    await all_open(subtasks.store)
    got = await subtasks.store.claim("nobody's", "ann", task_id=None, count=1, grant=granting("ann"))
    assert (got.held, got.is_cut_short, got.waiting_for_others) == ((), False, 0)


async def test_a_row_is_the_team_s(subtasks):
    await all_open(subtasks.store)
    row = Row(label="cat", min_confidence=0.0, is_rising=False, after=None)
    for team in TEAMS:
        other = ONE[TEAMS[TEAMS.index(team) - 1]]
        got = await subtasks.store.claim_row(team, "ann", task_id=other, row=row, count=3, grant=granting("ann"))
        assert got.held == ()


async def test_work_is_the_team_s(subtasks):
    await all_open(subtasks.store)
    for team in TEAMS:
        assert [one.brief.task_id for one in await subtasks.store.work(team, "ann")] == [ONE[team]]
    await leased(subtasks, "b2", None, "bob")
    assert [one.brief.task_id for one in await subtasks.store.work("a1", "bob")] == [ONE["a1"]]


async def test_disputes_are_the_team_s(subtasks):
    await all_open(subtasks.store)
    for team in TEAMS:
        for subtask_id in IDS[team][1:]:
            await dispute(subtasks.store, subtask_id)
    for team in TEAMS:
        first = await subtasks.store.disputes(team, task_id=None, after="", limit=1)
        rest = await subtasks.store.disputes(team, task_id=None, after=first[0][0].id, limit=9)
        assert [one.id for one, _ in (*first, *rest)] == IDS[team][1:]
        assert await subtasks.store.count_disputes(team, 10) == 2
        others = [ONE[other] for other in TEAMS if other != team]
        assert [await subtasks.store.disputes(team, task_id=one, after="", limit=9) for one in others] == [[], []]
    assert await subtasks.store.count_disputes("nobody's", 10) == 0


async def test_tasks_are_the_team_s(tasks):
    names = ("Streets", "streams", "\U0010ffff")
    for team in TEAMS:
        for number, name in enumerate(names):
            task = await create(tasks, task_id=f"{ONE[team][:-1]}{number}", team=team, name=name, owner="ann")
            await tasks.store.update(task.id, sealed)
    for team in TEAMS:
        mine = [f"{ONE[team][:-1]}{number}" for number in range(len(names))]
        for listing, expected in (({}, mine), ({"owner": "ann"}, mine), ({"beginning": "str"}, mine[:2])):
            wanted, seen, after = Listing(team=team, **listing), [], ""
            while page := await tasks.store.tasks(wanted, after=after, limit=2):
                seen += [task.id for task, _, _ in page]
                after = page[-1][2]
            assert sorted(seen) == expected, (team, listing)
    assert await tasks.store.tasks(Listing(team="nobody's"), after="", limit=9) == []
