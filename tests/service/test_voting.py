"""The operators' side: leases, votes, quorum, disputes, and many people at once."""

import asyncio
import collections

import pytest

from tests.service.running import Api, as_user, assert_problem, running

ONE = {"quorum": {"votes_required": 1}}


async def test_a_lease_holds_all_that_is_needed_to_vote(api: Api):
    task_id, (image_id,) = await api.task_with(1, instructions="What is it?", allow_unsure=True)
    answer = await api.http.post("/api/leases", json={}, headers=as_user("ada"))
    (lease,) = answer.json()["leases"]
    assert answer.json()["more"] is False
    assert {name: lease[name] for name in ("subtask_id", "task_id", "labels", "instructions", "prelabel")} == {
        "subtask_id": image_id,
        "task_id": task_id,
        "labels": ["cat", "dog", "bird"],
        "instructions": "What is it?",
        "prelabel": None,
    }
    assert lease["allow_unsure"] is True
    assert lease["expires_at"].endswith("Z")
    assert (await api.http.get(lease["image_url"])).headers["content-type"] == "image/png"
    again = await api.lease("ada", 1)
    assert again == [lease | {"image_url": again[0]["image_url"]}]


async def test_images_go_from_lease_to_result(api: Api):
    task_id, image_ids = await api.task_with(4)
    for user in ("ada", "bob"):
        leases = await api.lease(user, 10, task_id)
        body = {"votes": [{"subtask_id": one["subtask_id"], "label": "dog", "token": one["token"]} for one in leases]}
        answer = await api.http.post("/api/votes", json=body, headers=as_user(user))
        assert {one["status"] for one in answer.json()["outcomes"]} <= {200}
    await api.settled()
    results = await api.results(task_id)
    assert {one["image_id"] for one in results} == set(image_ids)
    assert {(one["label"], one["agreement"], one["decided_by"], one["votes"]["dog"]) for one in results} == {
        ("dog", 1.0, "settled", 2)
    }
    assert (await api.http.get(f"/api/tasks/{task_id}")).json()["state"] == "completed"
    nothing = (await api.http.post("/api/leases", json={}, headers=as_user("ada"))).json()
    assert nothing == {"leases": [], "more": False, "waiting_for_others": 0, "opening": 0, "next_cursor": None}
    await api.unharmed()


async def test_who_has_voted_waits_for_others(api: Api):
    task_id, _ = await api.task_with(2)
    await api.lease("ada", 2)
    await api.lease_and_vote("ada", task_id, "cat")
    for lease in await api.lease("ada", 2):
        await api.vote("ada", lease["subtask_id"], "cat", lease["token"])
    nothing = (await api.http.post("/api/leases", json={"count": 5}, headers=as_user("ada"))).json()
    assert nothing == {"leases": [], "more": False, "waiting_for_others": 2, "opening": 0, "next_cursor": None}


async def test_a_vote_says_how_and_how_fast_it_was_cast(api: Api):
    _, (image_id,) = await api.task_with(1)
    told = {"ada": {"mode": "grid"}, "bob": {"took_ms": 86_400_000}}
    for user, manner in told.items():
        (lease,) = await api.lease(user, 1)
        ballot = {"subtask_id": image_id, "label": "cat", "token": lease["token"], **manner}
        for body in (ballot, ballot | {"mode": "single", "took_ms": None}):
            answer = await api.http.post("/api/votes", json={"votes": [body]}, headers=as_user(user))
            assert answer.json()["outcomes"][0]["code"] == "counted", answer.text
    votes = (await api.http.get(f"/api/subtasks/{image_id}")).json()["votes"]
    assert [(vote["voter"], vote["mode"], vote["took_ms"]) for vote in votes] == [
        ("ada", "grid", None),
        ("bob", "single", 86_400_000),
    ]


@pytest.mark.parametrize("manner", [{"mode": "row"}, {"mode": None}, {"took_ms": -1}, {"took_ms": 86_400_001}])
async def test_a_vote_in_no_known_manner_is_refused(api: Api, manner):
    _, (image_id,) = await api.task_with(1)
    (lease,) = await api.lease("ada", 1)
    body = {"label": "cat", "token": lease["token"], **manner}
    answer = await api.http.post(f"/api/subtasks/{image_id}/vote", json=body, headers=as_user("ada"))
    assert_problem(answer, 422)
    assert (await api.http.get(f"/api/subtasks/{image_id}")).json()["votes"] == []


async def test_the_same_vote_again_is_answered_the_same_and_another_refused(api: Api):
    task_id, (image_id,) = await api.task_with(1)
    (lease,) = await api.lease("ada", 1, task_id)
    first = await api.vote("ada", image_id, "cat", lease["token"])
    counted = {
        "subtask_id": image_id,
        "status": 200,
        "code": "counted",
        "detail": "counted",
        "subtask_state": "open",
    }
    assert first.json() == counted
    again = await asyncio.gather(*(api.vote("ada", image_id, "cat", lease["token"]) for _ in range(50)))
    assert [(one.status_code, one.json()) for one in again] == [(200, counted)] * 50
    assert_problem(await api.vote("ada", image_id, "dog", lease["token"]), 409, code="other-label", saying="undo")
    shown = (await api.http.get(f"/api/subtasks/{image_id}")).json()
    assert [(vote["voter"], vote["label"]) for vote in shown["votes"]] == [("ada", "cat")]
    assert (shown["state"], shown["live_leases"], shown["result"]) == ("open", 0, None)
    await api.unharmed()


async def test_fifty_first_votes_at_once_count_once(api: Api):
    task_id, (image_id,) = await api.task_with(1, **ONE)
    (lease,) = await api.lease("ada", 1, task_id)
    answers = await asyncio.gather(*(api.vote("ada", image_id, "cat", lease["token"]) for _ in range(50)))
    told = {"subtask_id": image_id, "status": 200, "code": "counted", "detail": "counted", "subtask_state": "completed"}
    assert [(one.status_code, one.json()) for one in answers] == [(200, told)] * 50
    assert len((await api.http.get(f"/api/subtasks/{image_id}")).json()["votes"]) == 1
    (result,) = await api.results(task_id) if await api.settled() is None else []
    assert (result["state"], result["revision"]) == ("completed", 1)
    await api.unharmed()


async def test_votes_that_are_refused(api: Api):
    task_id, (image_id,) = await api.task_with(1)
    (lease,) = await api.lease("ada", 1, task_id)
    assert_problem(await api.vote("bob", image_id, "cat", lease["token"]), 409, code="lease-lost", saying="no lease")
    assert_problem(await api.vote("ada", image_id, "cat", "0" * 32), 409, saying="no lease")
    for user in ("bob", "ada"):
        for one in await api.lease(user, 1, task_id):
            assert (await api.vote(user, image_id, "cat", one["token"])).status_code == 200
    assert_problem(await api.vote("cyd", image_id, "cat", "t"), 409, code="settled", saying="completed")
    assert (await api.vote("ada", image_id, "cat", lease["token"])).status_code == 200
    batch = {
        "votes": [
            {"subtask_id": image_id, "label": "cat", "token": "t"},
            {"subtask_id": image_id, "label": "zebra", "token": "t"},
            {"subtask_id": "0" * 32, "label": "cat", "token": "t"},
        ]
    }
    outcomes = (await api.http.post("/api/votes", json=batch, headers=as_user("dan"))).json()["outcomes"]
    assert [(one["status"], one["code"], one["subtask_state"]) for one in outcomes] == [
        (409, "settled", "completed"),
        (422, "unknown-label", "completed"),
        (404, "not-found", None),
    ]
    await api.unharmed()


async def test_more_people_than_places(api: Api):
    """Exactly as many leases as can settle it, and exactly as many votes."""
    task_id, image_ids = await api.task_with(3, quorum={"votes_required": 3, "stop": "exact"})
    users = [f"u{n}" for n in range(40)]
    granted = await asyncio.gather(*(api.lease(user, 3, task_id) for user in users))
    held = collections.Counter(lease["subtask_id"] for leases in granted for lease in leases)
    assert held == dict.fromkeys(image_ids, 3)
    tokens = {
        (user, one["subtask_id"]): one["token"] for user, leases in zip(users, granted, strict=True) for one in leases
    }
    answers = await asyncio.gather(
        *(api.vote(user, image, "cat", tokens.get((user, image), "none")) for user in users for image in image_ids)
    )
    assert collections.Counter(one.status_code for one in answers) == {200: 9, 409: 111}
    await api.settled()
    assert [one["votes"] for one in await api.results(task_id)] == [{"cat": 3}] * 3
    await api.unharmed()


async def test_an_expired_lease_votes_until_its_place_is_taken(api: Api):
    task_id, (image_id,) = await api.task_with(1, **ONE)
    (late,) = await api.lease("ada", 1, task_id)
    assert await api.lease("bob", 1, task_id) == []
    api.clock.ahead_s = 301
    (given_on,) = await api.lease("bob", 1, task_id)
    assert_problem(await api.vote("ada", image_id, "cat", late["token"]), 409, code="place-taken", saying="expired")
    api.clock.ahead_s = 602
    assert (await api.vote("ada", image_id, "cat", late["token"])).status_code == 200
    assert_problem(await api.vote("bob", image_id, "dog", given_on["token"]), 409, saying="completed")
    await api.unharmed()


async def test_who_let_a_lease_lapse_is_asked_again(api: Api):
    """Two people are all there are: were one of them never asked again, the image would never end."""
    task_id, _ = await api.task_with(1)
    assert len(await api.lease("ada", 1, task_id)) == 1
    api.clock.ahead_s = 301
    assert (await api.lease_and_vote("bob", task_id, "cat")).status_code == 200
    assert (await api.lease_and_vote("ada", task_id, "cat")).json()["subtask_state"] == "completed"


async def test_renewing(api: Api):
    task_id, (image_id,) = await api.task_with(1)
    (lease,) = await api.lease("ada", 1, task_id)
    api.clock.ahead_s = 200
    held = [
        {"subtask_id": image_id, "token": lease["token"]},
        {"subtask_id": image_id, "token": "another"},
        {"subtask_id": "0" * 32, "token": "t"},
    ]
    outcomes = (await api.http.post("/api/leases/renew", json={"leases": held}, headers=as_user("ada"))).json()[
        "outcomes"
    ]
    said = [(one["status"], one["code"]) for one in outcomes]
    assert said == [(200, "renewed"), (409, "lease-lost"), (404, "not-found")]
    assert outcomes[0]["expires_at"] > lease["expires_at"]
    assert [one["expires_at"] for one in outcomes[1:]] == [None, None]
    api.clock.ahead_s = 400
    assert [one["token"] for one in await api.lease("ada", 1, task_id)] == [lease["token"]]


async def test_giving_back_is_not_skipping(api: Api):
    task_id, (image_id,) = await api.task_with(1)
    for _ in range(2):
        (lease,) = await api.lease("ada", 1, task_id)
        answer = await api.http.delete(f"/api/leases/{image_id}", headers=as_user("ada"))
        assert answer.status_code == 204
    assert_problem(await api.vote("ada", image_id, "cat", lease["token"]), 409)
    await api.lease("ada", 1, task_id)
    skipped = await api.http.delete(f"/api/leases/{image_id}", params={"skip": True}, headers=as_user("ada"))
    assert skipped.status_code == 204
    assert await api.lease("ada", 1, task_id) == []
    assert len(await api.lease("bob", 1, task_id)) == 1
    await api.unharmed()


@pytest.mark.parametrize("query", [{}, {"skip": "true"}])
async def test_a_late_return_costs_no_newer_lease(api: Api, query: dict[str, str]):
    task_id, (image_id,) = await api.task_with(1, **ONE)
    (old,) = await api.lease("ada", 1, task_id)
    api.clock.ahead_s = 301
    (new,) = await api.lease("ada", 1, task_id)
    path = f"/api/leases/{image_id}"
    late = await api.http.delete(path, params=query | {"token": old["token"]}, headers=as_user("ada"))
    assert_problem(late, 409, code="lease-lost", saying="newer")
    assert [one["token"] for one in await api.lease("ada", 1, task_id)] == [new["token"]]
    answer = await api.http.delete(path, params=query | {"token": new["token"]}, headers=as_user("ada"))
    assert answer.status_code == 204
    await api.unharmed()


async def test_ten_skips_make_a_dispute(api: Api):
    task_id, (image_id,) = await api.task_with(1)
    for number in range(10):
        user = f"u{number}"
        assert len(await api.lease(user, 1, task_id)) == 1
        await api.http.delete(f"/api/leases/{image_id}", params={"skip": True}, headers=as_user(user))
    await api.settled()
    (result,) = await api.results(task_id, state="disputed")
    assert (result["label"], result["votes"]) == (None, {})
    await api.unharmed()


async def test_undoing(api: Api):
    task_id, (image_id,) = await api.task_with(1)
    (lease,) = await api.lease("ada", 1, task_id)
    await api.vote("ada", image_id, "cat", lease["token"])
    undo = {"url": f"/api/subtasks/{image_id}/vote", "headers": as_user("ada")}
    handed_back = (await api.http.delete(**undo)).json()
    assert handed_back["subtask_id"] == image_id
    assert handed_back["token"] != lease["token"]
    assert (await api.http.delete(**undo)).json()["token"] == handed_back["token"]
    assert (await api.vote("ada", image_id, "dog", handed_back["token"])).status_code == 200
    (other,) = await api.lease("bob", 1, task_id)
    await api.vote("bob", image_id, "dog", other["token"])
    assert_problem(await api.http.delete(**undo), 409, saying="completed")
    assert_problem(await api.http.delete(undo["url"], headers=as_user("cyd")), 409)
    await api.unharmed()


async def test_a_dispute_is_decided_by_a_person(api: Api):
    task_id, (image_id,) = await api.task_with(1, quorum={"votes_required": 2, "max_votes": 2})
    await api.lease_and_vote("ada", task_id, "cat")
    answer = await api.lease_and_vote("bob", task_id, "dog")
    assert answer.json()["subtask_state"] == "disputed"
    await api.settled()
    assert (await api.http.get(f"/api/tasks/{task_id}")).json()["state"] == "completed"
    (dispute,) = (await api.http.get("/api/disputes")).json()["items"]
    assert (dispute["id"], dispute["state"], dispute["result"]["label"]) == (image_id, "disputed", None)
    assert (await api.http.get("/api/disputes", params={"task_id": "0" * 32})).json()["items"] == []
    url, headers = f"/api/disputes/{image_id}", as_user("judy")
    assert_problem(await api.http.post(url, json={"label": "zebra", "reason": "x"}), 422, pointer="/label")
    decision = {"label": "dog", "reason": "it barks"}
    for _ in range(2):
        decided = (await api.http.post(url, json=decision, headers=headers)).json()
        assert (decided["state"], decided["result"]["label"], decided["result"]["revision"]) == ("completed", "dog", 2)
        assert (decided["result"]["by"], decided["result"]["reason"]) == ("judy", "it barks")
    await api.settled()
    (result,) = await api.results(task_id)
    assert (result["label"], result["decided_by"], result["revision"]) == ("dog", "adjudicator", 2)
    assert (result["votes"], result["agreement"]) == ({"cat": 1, "dog": 1}, 0.5)
    again = (await api.http.post(url, json={"label": "cat", "reason": "no, it meows"}, headers=headers)).json()
    assert again["result"]["revision"] == 3
    await api.settled()
    assert [(one["label"], one["revision"]) for one in await api.results(task_id)] == [("cat", 3)]
    assert (await api.http.get("/api/disputes")).json()["items"] == []
    await api.unharmed()


async def test_an_open_subtask_is_not_adjudicated(api: Api):
    _, (image_id,) = await api.task_with(1)
    body = {"label": "cat", "reason": "hurry"}
    assert_problem(await api.http.post(f"/api/disputes/{image_id}", json=body), 409, saying="open")


async def test_unsure_counts_for_no_label(api: Api):
    task_id, (image_id,) = await api.task_with(1, allow_unsure=True, quorum={"votes_required": 3, "stop": "exact"})
    for user, label in {"ada": "cat", "bob": "unsure", "cyd": "cat"}.items():
        assert (await api.lease_and_vote(user, task_id, label)).status_code == 200
    await api.settled()
    (result,) = await api.results(task_id)
    assert (result["label"], result["votes"]) == ("cat", {"cat": 2, "unsure": 1})
    assert result["agreement"] == pytest.approx(2 / 3)
    votes = (await api.http.get(f"/api/subtasks/{image_id}")).json()["votes"]
    assert [vote["label"] for vote in votes] == ["cat", None, "cat"]


STOPS = {
    "settled early": ({"votes_required": 3}, ["cat", "cat"], ("cat", "settled")),
    "exact": ({"votes_required": 3, "stop": "exact"}, ["cat", "cat", "cat"], ("cat", "quorum")),
    "lead": ({"votes_required": 9, "stop": "lead", "lead": 2, "max_votes": 9}, ["cat", "cat"], ("cat", "lead")),
    "a tie gets one more": (
        {"votes_required": 2, "max_votes": 3},
        ["cat", "dog", "dog"],
        ("dog", "quorum"),
    ),
    "too little agreement": (
        {"votes_required": 3, "max_votes": 3, "min_agreement": 0.9, "stop": "exact"},
        ["cat", "cat", "dog"],
        (None, None),
    ),
}


@pytest.mark.parametrize(("quorum", "labels", "decided"), STOPS.values(), ids=STOPS)
async def test_when_votes_settle(api: Api, quorum, labels, decided):
    task_id, _ = await api.task_with(1, quorum=quorum)
    states = []
    for number, label in enumerate(labels):
        answer = await api.lease_and_vote(f"u{number}", task_id, label)
        states.append(answer.json()["subtask_state"])
    assert states == ["open"] * (len(labels) - 1) + ["completed" if decided[0] else "disputed"]
    await api.settled()
    (result,) = await api.results(task_id)
    assert (result["label"], result["decided_by"]) == decided
    assert await api.lease("late", 1) == []


async def test_a_crowd_finishes_a_batch(api: Api):
    """30 people at once, who repeat themselves: never a vote too many, and everything ends."""
    task_id, image_ids = await api.task_with(30, quorum={"votes_required": 3, "max_votes": 3})

    async def work(user: str) -> None:
        for _ in range(60):
            leases = await api.lease(user, 4, task_id)
            if not leases and (await api.http.get(f"/api/tasks/{task_id}")).json()["state"] == "completed":
                return
            for lease in leases:
                label = "cat" if int(lease["subtask_id"], 16) % 3 else "dog"
                sent = [api.vote(user, lease["subtask_id"], label, lease["token"]) for _ in range(2)]
                assert {one.status_code for one in await asyncio.gather(*sent)} <= {200, 409}

    await asyncio.gather(*(work(f"u{number}") for number in range(30)))
    await api.settled()
    results = await api.results(task_id)
    assert {one["image_id"] for one in results} == set(image_ids)
    assert {one["state"] for one in results} == {"completed"}
    assert {sum(one["votes"].values()) for one in results} == {2}
    for image_id in image_ids:
        voters = [vote["voter"] for vote in (await api.http.get(f"/api/subtasks/{image_id}")).json()["votes"]]
        assert len(voters) == len(set(voters)) == 2
    await api.unharmed()


async def test_leases_live_as_long_as_the_settings_say(tmp_path):
    async with running(tmp_path, lease_s=5) as api:
        task_id, _ = await api.task_with(1, **ONE)
        await api.lease("ada", 1, task_id)
        api.clock.ahead_s = 6
        assert len(await api.lease("bob", 1, task_id)) == 1


async def test_disputes_come_in_pages(api: Api):
    task_id, image_ids = await api.task_with(5, quorum={"votes_required": 2, "max_votes": 2})
    for user, label in {"ada": "cat", "bob": "dog"}.items():
        for lease in await api.lease(user, 5, task_id):
            await api.vote(user, lease["subtask_id"], label, lease["token"])
    seen, cursor = [], None
    while cursor is not None or not seen:
        params = {"limit": 2, "task_id": task_id} | ({"cursor": cursor} if cursor else {})
        page = (await api.http.get("/api/disputes", params=params)).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert seen == sorted(image_ids)
