"""Progress as a stream of events, of one task and of many."""

import asyncio
import json
import re
from types import SimpleNamespace

import pytest

from quorate.sse import events
from shared.teams import FIRST_TEAM
from tests.service.running import Api, as_user, assert_problem


def told_in(stream: str) -> list[tuple[str, dict]]:
    """The events of a stream that came to its end, each with its data."""
    assert stream.startswith("retry: 2000\n\n")
    assert stream.endswith("event: end\ndata: {}\n\n")
    return [(name, json.loads(data)) for name, data in events(stream.splitlines())][:-1]


def progress_of(stream: str) -> list[dict]:
    told = told_in(stream)
    assert {name for name, _ in told} <= {"progress", "gone"}
    return [data for name, data in told if name == "progress"]


async def test_progress_is_told_until_the_task_completes(api: Api):
    task_id, _ = await api.task_with(1, quorum={"votes_required": 1})
    watching = [asyncio.create_task(api.http.get(f"/api/tasks/{task_id}/events")) for _ in range(3)]
    await asyncio.sleep(0.05)
    await api.lease_and_vote("ada", task_id, "cat")
    for answer in await asyncio.gather(*watching):
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = progress_of(answer.text)
        assert told[-1]["state"] == "completed"
        assert told[-1]["counts"] == {
            "images": 1,
            "open": 0,
            "completed": 1,
            "disputed": 0,
            "processing": 0,
            "failed": 0,
        }
        task = (await api.http.get(f"/api/tasks/{task_id}")).json()
        assert told[-1] == task | {"rates": {"votes_per_minute": 0}}
    again = await api.http.get(f"/api/tasks/{task_id}/events")
    assert len(progress_of(again.text)) == 1


async def test_progress_is_looked_at_less_often_while_nothing_happens(api: Api, monkeypatch):
    task_id, _ = await api.task_with(2, quorum={"votes_required": 1})
    pauses: list[float] = []
    real = asyncio.sleep

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)
        if len(pauses) in {6, 30}:
            await api.lease_and_vote("ada", task_id, "cat")
        await real(0.01)

    monkeypatch.setattr("services.task_manager.progress.asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": sleep}))
    watching = api.http.get(f"/api/tasks/{task_id}/events")
    told = progress_of((await asyncio.wait_for(watching, 60)).text)
    # A look may fall between the end of the last image and that of its task.
    assert list(dict.fromkeys(one["counts"]["open"] for one in told)) == [2, 1, 0]
    assert pauses[:6] == [1.0, 1.5, 2.25, 3.0, 3.0, 3.0]
    assert 1.0 in pauses[6:-1], "something happened"


async def test_progress_of_a_cancelled_task_ends(api: Api):
    task_id = await api.task()
    stream = api.platform.tasks.progress.watch(FIRST_TEAM, [task_id])
    first = [(await anext(stream)).decode() for _ in range(2)]
    assert '"state":"open"' in first[1]
    await api.http.delete(f"/api/tasks/{task_id}")
    told = told_in("".join([*first, *[chunk.decode() async for chunk in stream]]))
    assert [name for name, _ in told] == ["progress", "progress", "gone"]
    assert (told[1][1]["state"], told[2][1]) == ("cancelled", {"id": task_id})


async def test_one_stream_tells_of_many_tasks_and_ends_with_the_last(api: Api):
    finished = await api.task()
    await api.http.post(f"/api/tasks/{finished}/seal")
    task_id, _ = await api.task_with(2, quorum={"votes_required": 1})
    missing = "0" * 32
    query = {"task": [task_id, finished, missing, task_id]}
    watching = asyncio.create_task(api.http.get("/api/events", params=query))
    await asyncio.sleep(0.05)
    await api.lease_and_vote("ada", task_id, "cat")
    await asyncio.sleep(1.2)
    await api.lease_and_vote("ada", task_id, "cat")
    told = told_in((await watching).text)
    assert ("gone", {"id": missing}) in told
    states = [(data["id"], data["state"], data["counts"]["open"]) for name, data in told if name == "progress"]
    assert states.count((finished, "completed", 0)) == 1
    assert [one[1:] for one in dict.fromkeys(states) if one[0] == task_id][-1] == ("completed", 0)
    rates = [data["rates"]["votes_per_minute"] for name, data in told if name == "progress" and data["id"] == task_id]
    assert 1 in rates


async def test_a_stream_of_the_caller_s_own_tasks(api: Api):
    mine = (await api.http.post("/api/tasks", json={"name": "n", "labels": ["cat"]}, headers=as_user("ann"))).json()[
        "id"
    ]
    await api.task()
    watching = asyncio.create_task(api.http.get("/api/events", params={"mine": "true"}, headers=as_user("ann")))
    await asyncio.sleep(0.05)
    await api.http.post(f"/api/tasks/{mine}/seal")
    assert {data["id"] for _, data in told_in((await watching).text)} == {mine}
    assert told_in((await api.http.get("/api/events", params={"mine": "true"}, headers=as_user("bob"))).text) == []


async def test_what_was_seen_before_a_cut_is_not_told_again(api: Api):
    task_id = await api.task()
    await api.http.post(f"/api/tasks/{task_id}/seal")
    stream = (await api.http.get(f"/api/tasks/{task_id}/events")).text
    [event_id] = re.findall("^id: (.*)$", stream, re.MULTILINE)
    assert re.fullmatch(f"{task_id}:[0-9a-f]{{16}}", event_id)
    for path in (f"/api/tasks/{task_id}/events", f"/api/events?task={task_id}"):
        assert len(progress_of((await api.http.get(path)).text)) == 1
        again = await api.http.get(path, headers={"Last-Event-ID": event_id})
        assert told_in(again.text) == []
        older = await api.http.get(path, headers={"Last-Event-ID": f"{task_id}:{'0' * 16}"})
        assert len(progress_of(older.text)) == 1


@pytest.mark.parametrize(
    "query", ["", "mine=false", "task=x", f"task={'0' * 32}&mine=true", "&".join([f"task={'0' * 32}"] * 101)]
)
async def test_a_stream_of_nothing_or_of_too_much_is_refused(api: Api, query):
    assert_problem(await api.http.get(f"/api/events?{query}"), 422)
