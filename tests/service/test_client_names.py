"""The client's names, as the platform reads them."""

from io import BytesIO

from quorate.multipart import Form
from tests.service.running import Api

NAMES = [
    '24" monitor.png',
    "24%22 monitor.png",
    "24%2522 monitor.png",
    "a\\b.png",
    'a\\".png',
    "caf\\xe9.png",
    "ü/猫 1%.png",
]


async def test_names_arrive_as_they_were_sent(api: Api):
    task_id = await api.task()
    form = Form([(name, BytesIO(api.picture())) for name in NAMES])
    answer = await api.http.post(f"/api/tasks/{task_id}/images", content=b"".join(form), headers=form.headers)
    assert [image["filename"] for image in answer.json()["images"]] == NAMES
    assert sorted(image["filename"] for image in await api.results(task_id)) == sorted(NAMES)
