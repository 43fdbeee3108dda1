"""The detector, through HTTP alone: what it proposes, votes and accepts, and what happens without it."""

import asyncio
import base64
from pathlib import Path

import pytest

from embedded.app import assemble
from embedded.settings import Settings
from loadtest.samples import CLASSES, draw
from services.detector.models import ModelUnusable
from services.subtask_manager import announcements
from services.subtask_manager.subtask import Brief, Subtask
from services.task_manager.domain import Image, Task
from shared import events
from shared.events import Message
from shared.models import ModelLoaded
from shared.terms import DetectorPolicy, QuorumPolicy
from tests.service.running import Api, as_user, assert_problem, running

NO_AUDIT = {"audit_share": 0}


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes, str]]:
    """Pictures with what they show, each of one colour and bright."""
    folder = tmp_path_factory.mktemp("drawn")
    truths = [truth for truth in draw(folder, 7, 5) if len({one.label for one in truth.squares}) == 1]
    return [(one.filename, (folder / one.filename).read_bytes(), one.label) for one in truths if not one.is_faint]


async def labeled(api: Api, drawn, labels=CLASSES, quorum=None, **detector: object) -> tuple[str, dict[str, str]]:
    """A task over the drawn pictures, looked at; returns its id and the true label of each image."""
    task_id = await api.task(labels=list(labels), detector=NO_AUDIT | detector, quorum=quorum or {})
    report = (await api.upload(task_id, *((name, data) for name, data, _ in drawn))).json()
    assert report["accepted"] == len(drawn)
    await api.settled()
    truth = {one["image_id"]: label for one, (_, _, label) in zip(report["images"], drawn, strict=True)}
    return task_id, truth


async def test_a_suggestion_reaches_lease_and_result(seeing: Api, drawn):
    task_id, truth = await labeled(seeing, drawn)
    leases = await seeing.lease("ada", 10, task_id)
    assert len(leases) == len(drawn)
    for lease in leases:
        prelabel = lease["prelabel"]
        assert prelabel["label"] == truth[lease["subtask_id"]]
        assert prelabel["confidence"] > 0.9
        assert prelabel["model"].startswith("detector:tiny@")
        assert {one["label"] for one in prelabel["objects"]} == {prelabel["label"]}
        assert set(prelabel["objects"][0]["rectangle"]) == {"left", "top", "width", "height"}
    shown = (await seeing.http.get(f"/api/subtasks/{leases[0]['subtask_id']}")).json()
    assert (shown["votes"], shown["prelabel"]) == ([], leases[0]["prelabel"])
    for user in ("ada", "bob"):
        for lease in await seeing.lease(user, 10, task_id):
            await seeing.vote(user, lease["subtask_id"], "red square", lease["token"])
    await seeing.settled()
    for result in await seeing.results(task_id):
        assert (result["label"], result["votes"]) == ("red square", {"red square": 2})
        assert result["prelabel"]["label"] == truth[result["image_id"]]
    await seeing.unharmed()


async def test_its_vote_is_one_of_those_required(seeing: Api, drawn):
    task_id, truth = await labeled(seeing, drawn, mode="vote")
    leases = await seeing.lease("ada", 10, task_id)
    assert {lease["prelabel"] for lease in leases} == {None}
    for lease in leases:
        answer = await seeing.vote("ada", lease["subtask_id"], truth[lease["subtask_id"]], lease["token"])
        assert answer.json()["subtask_state"] == "completed"
    await seeing.settled()
    for result in await seeing.results(task_id):
        label = truth[result["image_id"]]
        assert (result["label"], result["votes"], result["decided_by"]) == (label, {label: 2}, "settled")
        votes = (await seeing.http.get(f"/api/subtasks/{result['image_id']}")).json()["votes"]
        assert [vote["voter"].partition(":")[0] for vote in votes] == ["detector", "ada"]
    await seeing.unharmed()


async def test_it_settles_alone_what_it_is_sure_of(seeing: Api, drawn):
    task_id, truth = await labeled(seeing, drawn, mode="accept")
    for result in await seeing.results(task_id):
        assert (result["state"], result["decided_by"]) == ("completed", "detector")
        assert result["label"] == truth[result["image_id"]]
    assert await seeing.lease("ada", 10) == []
    assert (await seeing.http.post(f"/api/tasks/{task_id}/seal")).json()["state"] == "completed"
    await seeing.unharmed()


async def test_it_only_suggests_what_it_is_not_sure_enough_of(seeing: Api, drawn):
    task_id, _ = await labeled(seeing, drawn, mode="accept", accept_confidence=1)
    assert {one["state"] for one in await seeing.results(task_id)} <= {"open", "completed"}
    leases = await seeing.lease("ada", 10, task_id)
    assert all(lease["prelabel"]["confidence"] < 1 for lease in leases)


async def test_it_says_nothing_where_it_is_measured(seeing: Api, drawn):
    for mode in ("suggest", "vote", "accept"):
        task_id, _ = await labeled(seeing, drawn, mode=mode, audit_share=1)
        leases = await seeing.lease("ada", 10, task_id)
        assert [lease["prelabel"] for lease in leases] == [None] * len(drawn)
        for lease in leases:
            path = f"/api/subtasks/{lease['subtask_id']}"
            assert (await seeing.http.get(path)).json()["prelabel"] is None
            await seeing.http.post(f"{path}/finish", json={"reason": "enough"})
            assert (await seeing.http.get(path)).json()["prelabel"]["model"].startswith("detector:tiny@")


async def test_switched_off_it_does_not_look(seeing: Api, drawn):
    task_id, _ = await labeled(seeing, drawn, mode="off")
    assert {lease["prelabel"] for lease in await seeing.lease("ada", 10, task_id)} == {None}
    assert {one["prelabel"] for one in await seeing.results(task_id)} == {None}


async def test_classes_are_mapped_to_labels(seeing: Api, drawn):
    labels = ["$rot", "a.b", "__proto__"]
    label_map = dict(zip(CLASSES, labels, strict=True))
    task_id, truth = await labeled(seeing, drawn, labels=labels, label_map=label_map)
    for lease in await seeing.lease("ada", 10, task_id):
        assert lease["prelabel"]["label"] == label_map[truth[lease["subtask_id"]]]


async def test_classes_are_mapped_apart_from_case(seeing: Api, drawn):
    labels = ["rot", "gelb", "blau"]
    label_map = {name.upper(): label for name, label in zip(CLASSES, labels, strict=True)}
    task_id, truth = await labeled(seeing, drawn, labels=labels, label_map=label_map)
    of_class = dict(zip(CLASSES, labels, strict=True))
    for lease in await seeing.lease("ada", 10, task_id):
        assert lease["prelabel"]["label"] == of_class[truth[lease["subtask_id"]]]


async def test_callers_are_told_that_a_detector_runs(seeing: Api):
    assert (await seeing.http.get("/api/me")).json()["detector"] is True


async def test_a_class_that_the_model_has_not_is_refused_with_the_nearest(seeing: Api):
    body = {"name": "n", "labels": ["rot"], "detector": {"label_map": {"red sqare": "rot"}}}
    answer = await seeing.http.post("/api/tasks", json=body)
    problem = assert_problem(answer, 422, pointer="/detector/label_map/red sqare")
    assert "'red square'" in problem["detail"]


async def test_without_a_detector_any_class_may_be_mapped(api: Api):
    await api.task(labels=["rot"], detector={"label_map": {"red sqare": "rot"}})


async def test_a_task_that_was_taken_is_answered_again_whatever_model_came_since(api: Api):
    body = {"name": "n", "labels": ["rot"], "detector": {"label_map": {"red sqare": "rot"}}}
    first = await api.http.post("/api/tasks", json=body, headers={"Idempotency-Key": "k"})
    api.platform.tasks.model.heard(
        ModelLoaded(model="detector:m@1", classes=("red square",)).model_dump_json().encode()
    )
    again = await api.http.post("/api/tasks", json=body, headers={"Idempotency-Key": "k"})
    assert again.json()["id"] == first.json()["id"]
    assert (await api.http.post("/api/tasks", json=body, headers={"Idempotency-Key": "l"})).status_code == 422


async def test_classes_that_the_task_does_not_know_are_no_error(seeing: Api, drawn):
    task_id, _ = await labeled(seeing, drawn, labels=["cat", "dog"], mode="accept")
    leases = await seeing.lease("ada", 10, task_id)
    assert len(leases) == len(drawn)
    for lease in leases:
        assert (lease["prelabel"]["label"], lease["prelabel"]["objects"]) == (None, [])
    await seeing.unharmed()


async def test_without_a_model_people_label_and_detection_is_not_available(api: Api, drawn):
    body = {"id": "a", "image": base64.b64encode(drawn[0][1]).decode()}
    answer = await api.http.post("/api/object_detection", json=body)
    assert_problem(answer, 503, saying="QUORATE_MODEL")
    assert int(answer.headers["retry-after"]) > 0
    task_id, _ = await labeled(api, drawn, mode="suggest")
    assert {lease["prelabel"] for lease in await api.lease("ada", 10, task_id)} == {None}
    waiting, _ = await labeled(api, drawn, mode="vote")
    assert await api.lease("ada", 10, waiting) == []
    api.clock.ahead_s = 31
    assert len(await api.lease("ada", 10, waiting)) == len(drawn)


@pytest.mark.parametrize("sent", ["a", "", 7, -3, "7", "\u202e<b>"])
async def test_detection_repeats_the_id(seeing: Api, drawn, sent):
    name, data, label = drawn[0]
    answer = await seeing.http.post(
        "/api/object_detection", json={"id": sent, "image": base64.b64encode(data).decode()}
    )
    assert answer.status_code == 200, name
    assert answer.json()["id"] == sent
    assert type(answer.json()["id"]) is type(sent)
    for one in answer.json()["objects"]:
        assert set(one) == {"label", "accuracy", "rectangle"}
        assert one["label"] == label
        assert set(one["rectangle"]) == {"height", "left", "top", "width"}


async def test_more_detections_than_can_be_served_queue_up_to_a_bound(seeing: Api, drawn, monkeypatch):
    monkeypatch.setattr(seeing.platform.pool, "_max_waiting", 3)
    body = {"id": "a", "image": base64.b64encode(drawn[0][1]).decode()}
    answers = await asyncio.gather(*(seeing.http.post("/api/object_detection", json=body) for _ in range(30)))
    statuses = [one.status_code for one in answers]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 4
    for one in answers:
        if one.status_code == 503:
            assert_problem(one, 503)
            assert int(one.headers["retry-after"]) > 0


async def test_a_detector_that_fails_holds_nobody_up(seeing: Api, drawn, monkeypatch):
    def fail(_data: bytes) -> object:
        raise RuntimeError("the model is ill")

    monkeypatch.setattr(seeing.platform.pool, "_decode", fail)
    body = {"id": "a", "image": base64.b64encode(drawn[0][1]).decode()}
    assert_problem(await seeing.http.post("/api/object_detection", json=body), 503, saying="could not look")
    task_id = await seeing.task(labels=list(CLASSES), detector=NO_AUDIT)
    await seeing.upload(task_id, drawn[0][:2])
    for _ in range(1_000):
        if await seeing.lease("ada", 1, task_id):
            break
    else:
        raise AssertionError("nobody got the image to label")
    monkeypatch.undo()
    await seeing.settled()


def broken(model: Path, folder: Path, case: str) -> Path:
    for part in (".cfg", ".weights", ".names"):
        (folder / f"tiny{part}").write_bytes(model.with_suffix(part).read_bytes())
    path = folder / "tiny.cfg"
    if case == "no cfg":
        path.unlink()
    elif case == "no weights":
        path.with_suffix(".weights").unlink()
    elif case == "truncated weights":
        path.with_suffix(".weights").write_bytes(model.with_suffix(".weights").read_bytes()[:-4])
    elif case == "too few names":
        path.with_suffix(".names").write_text("one\n")
    return path


@pytest.mark.parametrize(
    ("case", "saying"),
    [
        ("no cfg", "tiny.cfg"),
        ("no weights", "tiny.weights"),
        ("truncated weights", "cut short"),
        ("too few names", "class names"),
    ],
)
def test_it_does_not_start_with_a_model_that_cannot_be_used(model: Path, tmp_path: Path, case, saying):
    path = broken(model, tmp_path, case)
    with pytest.raises(ModelUnusable, match=saying):
        assemble(Settings(data_dir=tmp_path / "data", model=path))


async def test_restarting_with_another_model_is_another_voter(tmp_path: Path, model: Path, drawn):
    voters = set()
    for number in range(2):
        folder = tmp_path / f"model{number}"
        folder.mkdir()
        path = broken(model, folder, "")
        if number:
            data = bytearray(path.with_suffix(".weights").read_bytes())
            data[12] ^= 1  # how many images it was trained on
            path.with_suffix(".weights").write_bytes(bytes(data))
        async with running(tmp_path / f"data{number}", model=path) as api:
            task_id, _ = await labeled(api, drawn[:1])
            (lease,) = await api.lease("ada", 1, task_id)
            voters.add(lease["prelabel"]["model"])
    assert len(voters) == 2


async def test_what_an_earlier_version_sent_is_understood(seeing: Api, drawn, monkeypatch):
    """During an upgrade its events are in the queues: with terms in every image, and none of the task."""

    def ready(_task: Task, image: Image) -> list[Message]:
        data = events.ImageReady(
            task_id=image.task_id,
            image_id=image.id,
            owner="local",
            object_key=image.object_key,
            media_type=image.media_type,
            width=image.width,
            height=image.height,
            task_created_at=image.created_at,
            labels=CLASSES,
            quorum=QuorumPolicy(votes_required=1),
            detector=DetectorPolicy(audit_share=0),
        )
        attributes = events.envelope(event_id=f"{image.id}/ready", source="s", subject=image.id, at=image.created_at)
        return [events.message(events.ImageReadyV1(**attributes, data=data))]

    def opened(subtask: Subtask, brief: Brief, now: float) -> Message:
        label_map = {CLASSES[0]: CLASSES[1], CLASSES[1]: CLASSES[0]}
        data = events.SubtaskOpened(
            task_id=subtask.task_id,
            subtask_id=subtask.id,
            object_key=subtask.object_key,
            labels=brief.terms.labels,
            label_map=label_map,
            min_confidence=brief.terms.detector.min_confidence,
        )
        attributes = events.envelope(event_id=f"{subtask.id}/opened", source="s", subject=subtask.id, at=now)
        return events.message(events.SubtaskOpenedV1(**attributes, data=data))

    monkeypatch.setattr(seeing.platform.task_store, "_announce_task", lambda *_: [])
    monkeypatch.setattr(seeing.platform.task_store, "_announce_image", ready)
    monkeypatch.setattr(announcements, "_opened", opened)
    task_id, truth = await labeled(seeing, drawn)
    swapped = {CLASSES[0]: CLASSES[1], CLASSES[1]: CLASSES[0]}
    leases = await seeing.lease("ada", 10, task_id)
    assert len(leases) == len(drawn)
    for lease in leases:
        shown = truth[lease["subtask_id"]]
        assert lease["prelabel"]["label"] == swapped.get(shown, shown), "it is mapped once"
    await seeing.unharmed()


# Rows of the grid


async def asked(api: Api, user: str, **wanted: object) -> dict:
    answer = await api.http.post("/api/leases", json=wanted, headers=as_user(user))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_leases_of_one_suggestion_come_by_its_confidence(seeing: Api, drawn):
    task_id, truth = await labeled(seeing, drawn)
    label = drawn[0][2]
    of_label = {image for image, true in truth.items() if true == label}
    sure = await asked(seeing, "ada", count=100, task_id=task_id, suggested=label)
    assert {lease["subtask_id"] for lease in sure["leases"]} == of_label
    assert (sure["more"], sure["waiting_for_others"], sure["opening"], sure["next_cursor"]) == (False, 0, 0, None)
    confidences = [lease["prelabel"]["confidence"] for lease in sure["leases"]]
    assert confidences == sorted(confidences, reverse=True)
    least = {"suggested": label, "order": "uncertain", "min_confidence": min(confidences)}
    rising = await asked(seeing, "bob", count=100, task_id=task_id, **least)
    assert [lease["prelabel"]["confidence"] for lease in rising["leases"]] == confidences[::-1]
    none = await asked(seeing, "eve", count=1, task_id=task_id, suggested=label, min_confidence=1.0)
    assert none["leases"] == [lease for lease in none["leases"] if lease["prelabel"]["confidence"] == 1]


async def test_a_row_goes_on_behind_its_cursor(seeing: Api, drawn):
    task_id, truth = await labeled(seeing, drawn)
    label = next(true for true in truth.values() if [*truth.values()].count(true) > 1)
    [first] = (one := await asked(seeing, "ada", count=1, task_id=task_id, suggested=label))["leases"]
    rest = await asked(seeing, "bob", count=100, task_id=task_id, suggested=label, cursor=one["next_cursor"])
    assert first["subtask_id"] not in {lease["subtask_id"] for lease in rest["leases"]}
    assert len(rest["leases"]) == [*truth.values()].count(label) - 1


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"suggested": "cat"}, "/task_id"),
        ({"suggested": "cat", "task_id": "7a", "order": "slot"}, "/order"),
        ({"order": "confident"}, "/order"),
        ({"task_id": "7a", "min_confidence": 0.5}, "/min_confidence"),
        ({"cursor": "MQ"}, "/cursor"),
    ],
)
async def test_what_makes_no_row_is_refused(api: Api, wanted, pointer):
    answer = await api.http.post("/api/leases", json=wanted, headers=as_user("ada"))
    assert_problem(answer, 422, pointer=pointer)


@pytest.mark.parametrize("cursor", ["MQ==?", "LTE", "a"])
async def test_a_forged_cursor_of_a_row_is_refused(api: Api, cursor):
    wanted = {"suggested": "cat", "task_id": "7a", "cursor": cursor}
    assert_problem(await api.http.post("/api/leases", json=wanted, headers=as_user("ada")), 400)


async def test_the_order_of_slots_is_that_of_every_lease(api: Api):
    assert (await asked(api, "ada", order="slot"))["leases"] == []
