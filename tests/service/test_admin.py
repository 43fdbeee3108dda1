"""What operators of the platform see over HTTP: its replicas, and dead letters one by one."""

from tests.service.running import Api, assert_problem


async def test_the_platform_s_replicas(api: Api):
    await api.tasks()
    told = (await api.http.get("/api/admin/services")).json()
    [one] = told["services"]
    assert one["service"] == "subtask_manager, task_manager, worker, detector, notifier, consensus"
    assert (one["profile"], one["outbox"], one["model"]) == ("embedded", 0, None)
    assert one["p95_ms"] > 0
    assert {queue["queue"].partition(".")[0] for queue in one["queues"]} >= {"task_manager", "subtask_manager"}
    assert one["started_at"] <= one["last_seen_at"] <= told["as_of"]


async def test_a_dead_letter_is_read_and_discarded(api: Api):
    insert = """INSERT INTO dead (queue, event_id, type, subject, body, reason, died_at)
                VALUES ('task_manager.subtask.completed.v1', 'e', 'subtask.completed.v1', 's', ?, 'why', 5.0)"""
    await api.platform.bus.database.write(lambda db: db.execute(insert, (b"{not json \xff",)).rowcount)
    [letter] = (await api.http.get("/api/admin/dead")).json()["items"]
    path = f"/api/admin/dead/{letter['id']}"
    assert (await api.http.get(path)).json() == letter | {"payload": "{not json \ufffd"}
    assert (await api.http.delete(path)).status_code == 204
    assert (await api.http.get("/api/admin/dead")).json()["items"] == []
    assert_problem(await api.http.get(path), 404)
    assert_problem(await api.http.delete(path), 404)
