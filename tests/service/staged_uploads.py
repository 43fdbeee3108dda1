"""Uploads straight to the object store, step by step."""

from collections.abc import Sequence

import httpx

from tests.service.running import Api

UNKNOWN = "0" * 32


def named(*filenames: str) -> dict:
    return {"files": [{"filename": filename} for filename in filenames]}


async def begin(api: Api, task_id: str, *filenames: str) -> dict:
    answer = await api.http.post(f"/api/tasks/{task_id}/uploads", json=named(*filenames))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def stage(api: Api, form: dict, data: bytes) -> httpx.Response:
    return await api.http.post(form["url"], data=form["fields"], files={"file": (form["filename"], data)})


async def staged(api: Api, task_id: str, *files: tuple[str, bytes]) -> str:
    """The id of an upload whose files have all been stored."""
    upload = await begin(api, task_id, *(name for name, _ in files))
    for one, (_, data) in zip(upload["files"], files, strict=True):
        answer = await stage(api, one, data)
        assert answer.status_code == 204, answer.text
    return upload["upload_id"]


async def commit(api: Api, task_id: str, upload_id: str, *filenames: str) -> httpx.Response:
    """The answer to a commit that names these files, or none."""
    body = named(*filenames) if filenames else {}
    return await api.http.post(f"/api/tasks/{task_id}/uploads/{upload_id}/commit", json=body)


def statuses(answer: httpx.Response) -> list[str]:
    return [one["status"] for one in answer.json()["images"]]


def lying(api: Api) -> Sequence[str]:
    """The staged files there are."""
    return [name for name in kept(api) if not name.endswith("-names")]


def kept(api: Api) -> Sequence[str]:
    """What there is of uploads that began: staged files and names."""
    return sorted(path.name for path in (api.folder / "staging").glob("*/*"))
