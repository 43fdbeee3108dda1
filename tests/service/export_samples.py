"""Tasks whose results are exported: names that loaders misread, and objects at the edges of odd pictures."""

import random
from functools import partial

import cv2
import numpy as np

from services.task_manager import domain
from shared.results import Detection, Prelabel, Rectangle, Result, VoteCast
from tests.service.running import Api

PLAIN = ["cat", "dog", "bird"]
NASTY = [
    'person: "a" #1',
    "a/b",
    "CON",
    "com1.txt",
    "\N{GRINNING FACE}",
    "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
    "l" * 200,
    "=cmd|'/C calc'!A0",
    "../../up",
    "..",
    ".hidden",
    "__init__",
    "test",
    "my val 2",
    "null",
    "yes",
    "1.0",
    "it's",
    "a\\b",
    "50%",
    "{x}",
    "\u00dcn\u00ef",
    "-",
    "a, b; c",
    "~",
    "<script>",
    "a_b_c14c",
    "\u65e5\u672c\u8a9e",
    "trailing.",
    "@x",
    "-__foo",
    "@__x",
    "/",
    "-1.",
]
FILENAMES = [
    "=1+1.png",
    "../../etc/passwd.png",
    "C:\\x\\nul.png",
    "\u00fc \N{GRINNING FACE}.png",
    "a,b;c.png",
    "'q'.png",
]
MODEL = "detector:sample@0123456789ab"
AT = 1_700_000_000.0


def picture(number: int, width: int, height: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def objects(chance: random.Random, labels: list[str], width: int, height: int, count: int) -> tuple[Detection, ...]:
    """Some of them fill the picture, or touch its edges; no two are equal."""
    found = {}
    while len(found) < count:
        left, top = chance.choice([0, chance.randrange(width)]), chance.choice([0, chance.randrange(height)])
        wide = chance.choice([width - left, chance.randint(1, width - left)])
        high = chance.choice([height - top, chance.randint(1, height - top)])
        place = Rectangle(left=left, top=top, width=wide, height=high)
        found[place] = Detection(
            label=chance.choice(labels), confidence=chance.randrange(25, 100) / 100, rectangle=place
        )
    return tuple(found.values())


async def exported_task(
    api: Api,
    labels: list[str],
    *,
    images: int,
    boxes: int = 0,
    open_images: int = 1,
    disputed: int = 1,
    name: str = "pets",
) -> str:
    """A task at rest but for its open images: of the others each has its label, and all but the first their objects."""
    chance = random.Random(19)
    task_id = await api.task(labels=labels, detector={"mode": "suggest"}, name=name)
    total = images + disputed + open_images
    names = [FILENAMES[n] if n < len(FILENAMES) else f"{n}.png" for n in range(total)]
    sizes = [(chance.randrange(9, 60), chance.randrange(9, 60)) for _ in range(total)]
    answer = await api.upload(task_id, *((names[n], picture(n, *sizes[n])) for n in range(total)))
    assert answer.json()["accepted"] == total, answer.text
    await api.settled()
    ids = [one["image_id"] for one in answer.json()["images"]]
    counts = [0, *(boxes // (images - 1) + (n < boxes % (images - 1)) for n in range(images - 1))]
    for n in range(images + disputed):
        await _record(api, chance, task_id, ids[n], labels, n, sizes[n], counts[n] if n < images else 0, n >= images)
    return task_id


async def _record(api, chance, task_id, image_id, labels, n, size, count, is_disputed) -> None:
    label = labels[n % len(labels)]
    found = objects(chance, labels, *size, count)
    result = Result(
        label=None if is_disputed else label,
        agreement=None if is_disputed else 2 / 3,
        decided_by=None if is_disputed else "quorum",
        revision=1,
        completed_at=AT + n,
    )
    votes = tuple(VoteCast(voter=f"op{k}", label=None if k == 2 else label, at=AT + n + k / 4) for k in range(3))
    prelabel = (
        Prelabel(model=MODEL, label=found[0].label, confidence=found[0].confidence, objects=found) if found else None
    )
    rule = partial(
        domain.record_result,
        state="disputed" if is_disputed else "completed",
        result=result,
        votes=votes,
        prelabel=prelabel,
    )
    await api.platform.task_store.update_image(task_id, image_id, rule)


async def download(api: Api, task_id: str, form: str, **query: object) -> bytes:
    answer = await api.http.get(f"/api/tasks/{task_id}/export", params={"format": form, **query})
    assert answer.status_code == 200, answer.text
    return answer.content
