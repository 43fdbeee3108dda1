"""What can be seen from outside of what goes on inside."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from loadtest import spans
from shared.telemetry.rates import Rates
from tests.service.running import as_user, running

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


async def scraped(api) -> dict[str, float]:
    """Every sample, named with its labels."""
    answer = await api.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_the_work_of_a_task_is_counted(api):
    task_id, [first, second] = await api.task_with(2, quorum={"votes_required": 1})
    await api.upload(task_id, ("late.png", api.picture()))  # sealed: refused
    leases = await api.lease("ann", 2, task_id)
    tokens = {lease["subtask_id"]: lease["token"] for lease in leases}
    vote = {"label": "cat", "token": tokens[first]}
    assert (await scraped(api))["quorate_subtasks_leased lease=live"] == 2
    await api.http.post(f"/api/subtasks/{first}/vote", json=vote, headers=as_user("ann"))
    await api.http.delete(f"/api/leases/{second}", params={"skip": True}, headers=as_user("ann"))
    await api.http.post(f"/api/subtasks/{second}/vote", json={"label": "cat", "token": "no"}, headers=as_user("bob"))
    await api.settled()
    seen = await scraped(api)
    assert seen["quorate_images_total outcome=accepted"] == 2
    assert seen["quorate_leases_total event=granted"] == 2
    assert seen["quorate_leases_total event=skipped"] == 1
    assert seen["quorate_subtasks_leased lease=live"] == seen["quorate_subtasks_leased lease=lapsed"] == 0
    assert seen["quorate_votes_total outcome=taken"] == 1
    assert seen["quorate_votes_total outcome=refused"] == 1
    assert seen["quorate_subtasks_ended_total decided_by=quorum state=completed"] == 1
    assert seen["quorate_agreement_count"] == seen["quorate_subtask_age_seconds_count"] == 1
    assert seen["quorate_results_total state=completed"] == 1
    assert seen["quorate_bus_handled_total outcome=ok queue=subtask_manager.image.ready.v2"] == 2
    assert seen["quorate_queue_messages queue=subtask_manager.image.ready.v2"] == 0
    assert seen["quorate_outbox_pending"] == 0
    assert seen["quorate_dead_letters queue=subtask_manager.image.ready.v2"] == 0
    assert seen["quorate_tasks state=open"] + seen["quorate_tasks state=sealed"] <= 1
    assert (seen["quorate_uploads_under_way"], seen["quorate_uploads_limit"]) == (0, 16)
    assert seen["quorate_erasures_pending at=task_manager"] == 0


async def test_what_waits_for_people_and_for_the_disk_is_seen(api):
    await api.task_with(3)
    await api.settled()
    seen = await scraped(api)
    assert seen["quorate_subtasks_open"] == 3
    assert 0 <= seen["quorate_subtasks_wait_seconds"] < 60
    assert seen["quorate_writes_waiting file=tasks.sqlite"] == 0
    assert seen["quorate_writes_limit"] == 10_000
    for name in ("tasks", "subtasks", "webhooks", "bus"):
        assert seen[f"quorate_file_bytes file={name}.sqlite"] > 0
    assert 0 < seen["quorate_disk_free_bytes"] <= seen["quorate_disk_size_bytes"]


async def test_requests_are_timed_by_route_and_no_id_becomes_a_series(api):
    task_id = await api.task()
    for path in (f"/api/tasks/{task_id}", "/api/tasks/nothing", "/no/such/place", "/no/other/place"):
        await api.http.get(path)
    answer = (await api.http.get("/metrics")).text
    assert task_id not in answer
    assert "/no/" not in answer
    seen = await scraped(api)
    assert seen["quorate_http_request_seconds_count method=GET route=/api/tasks/{task_id} status=200"] == 1
    assert seen["quorate_http_request_seconds_count method=GET route=/api/tasks/{task_id} status=404"] == 1
    assert seen["quorate_http_request_seconds_count method=GET route=none status=404"] == 2
    assert seen["quorate_http_requests_in_flight"] == 1  # this one


async def test_what_fails_and_what_waits_is_seen(api, monkeypatch):
    async def fails(*_arguments: object) -> bool:
        raise RuntimeError("planted")

    monkeypatch.setattr(api.platform.subtasks.store, "open", fails)
    task_id = await api.task()
    await api.settled()
    await api.upload(task_id, ("a.png", api.picture()))
    failed = "quorate_bus_handled_total outcome=failed queue=subtask_manager.image.ready.v2"
    async with asyncio.timeout(20):
        while (await scraped(api)).get(failed, 0) < 2:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)
    status = (await api.http.get("/api/admin/status")).json()
    [queue] = [one for one in status["queues"] if one["queue"] == "subtask_manager.image.ready.v2"]
    assert queue["messages"] == 1
    assert queue["handled_per_minute"] >= 2
    assert (status["dead_letters"], status["outbox"], status["outbox_lag_s"]) == (0, 0, 0)
    assert status["requests_per_minute"] >= 3
    monkeypatch.undo()


async def test_one_image_is_one_trace_from_upload_to_result(tmp_path, model):
    with spans.collecting() as collector:
        async with running(tmp_path / "data", model=model, otlp_endpoint=collector.url) as api:
            api.http.headers["traceparent"] = f"00-{TRACE}-{PARENT}-01"
            task_id = await api.task(quorum={"votes_required": 1}, detector={"mode": "suggest", "audit_share": 0})
            await api.settled()  # an image that comes before its task's terms is opened by these
            await api.upload(task_id, ("a.png", api.picture()))
            await api.settled()
            [lease] = await api.lease("ann", 1, task_id)
            vote = {"label": "cat", "token": lease["token"]}
            await api.http.post(f"/api/subtasks/{lease['subtask_id']}/vote", json=vote, headers=as_user("ann"))
    assert {one.trace_id for one in collector.spans} == {TRACE}
    upload = _named(collector, "POST /api/tasks/{task_id}/images")
    opened = _named(collector, "subtask_manager.image.ready.v2")
    looked = _named(collector, "detector.subtask.opened.v2")
    prelabeled = _named(collector, "subtask_manager.subtask.prelabeled.v2")
    voted = _named(collector, "POST /api/subtasks/{subtask_id}/vote")
    completed = _named(collector, "task_manager.subtask.completed.v1")
    assert _parents(upload) == _parents(voted) == {PARENT}
    for caused, by in ((opened, upload), (looked, opened), (prelabeled, looked), (completed, voted)):
        assert _parents(caused) <= {one.span_id for one in by}
    shown = spans.tree(collector.spans, TRACE)
    assert len(shown) == 1 + len(collector.spans)


def _named(collector: spans.Collector, name: str) -> list[spans.Span]:
    """More than one where a message came again, as it may on a busy machine; never none."""
    found = [one for one in collector.spans if f"{one.name} {one.attributes.get('http.route', '')}".strip() == name]
    assert found, name
    return found


def _parents(found: list[spans.Span]) -> set[str]:
    return {one.parent for one in found}


async def test_without_a_collector_a_trace_is_carried_on_as_it_came(api):
    api.http.headers["traceparent"] = f"00-{TRACE}-{PARENT}-01"
    pending = []
    keep = api.platform.task_relay._bus.publish

    async def noted(messages):
        pending.extend(messages)
        await keep(messages)

    api.platform.task_relay._bus.publish = noted
    await api.upload(await api.task(), ("a.png", api.picture()))
    await api.settled()
    carried = {message.type: f"00-{TRACE}-{PARENT}-01".encode() in message.body for message in pending}
    assert carried == {"task.opened.v1": True, "image.ready.v2": True}


def test_rates_forget_what_is_a_minute_old():
    now = [1000.0]
    rates = Rates(lambda: now[0])
    rates.count("a")
    now[0] = 1059.9
    rates.count("a")
    assert (rates.per_minute("a"), rates.per_minute("b")) == (2, 0)
    now[0] = 1060.0
    assert rates.per_minute("a") == 1
    now[0] = 1200.0
    assert rates.per_minute("a") == 0


async def test_every_service_that_erases_people_says_how_many_are_to_be_erased(api):
    answer = (await api.http.get("/metrics")).text
    for service in ("task_manager", "subtask_manager", "consensus"):
        assert f'quorate_erasures_pending{{at="{service}"}} 0.0' in answer
