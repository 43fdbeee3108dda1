"""Every format as it was first written, byte for byte, from any store: where a file here has to change, so does
EXPORT_VERSION. Of parquet, whose bytes hold its library's version, what is in it."""

import contextlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pyarrow import parquet

from services.task_manager.exports import Exports, Wanted
from shared.export_formats import here
from shared.objects.filesystem import FilesystemObjectStore
from shared.results import Detection, Prelabel, Rectangle, VoteCast
from shared.terms import DetectorPolicy, Terms
from tests.contract.task_scenes import create, record
from tests.unit.task_builders import T0, TASK_ID, image, task

GOLDEN = Path(__file__).parent / "golden_exports"
LABELS = ("cat", "a/b", '"\N{GRINNING FACE}": #1')
SEEN = (
    Detection(label="cat", confidence=0.9, rectangle=Rectangle(left=0, top=1, width=3, height=2)),
    Detection(label="a/b", confidence=0.5, rectangle=Rectangle(left=2, top=0, width=9, height=9)),
    Detection(label="a/b", confidence=0.4, rectangle=Rectangle(left=4, top=0, width=1, height=1)),
)
EXTENSIONS = {
    "csv": "csv",
    "jsonl": "jsonl",
    "coco": "json",
    "labelstudio": "json",
    "imagefolder": "zip",
    "yolo": "zip",
}


@contextlib.asynccontextmanager
async def stored(tasks, folder: Path) -> AsyncIterator[Exports]:
    terms = Terms(labels=LABELS, detector=DetectorPolicy(audit_share=0.0))
    await create(tasks, terms=terms)
    names = {"a": "=1.png", "b": "../b.png", "c": "c.png", "d": "d.png"}
    images = [image(name, filename=filename) for name, filename in names.items()]
    await tasks.store.add_images(task(), images)
    objects = FilesystemObjectStore(folder, b"a secret")
    await objects.open()
    await objects.put_all({one.object_key: f"picture {one.id}".encode() for one in images})
    votes = tuple(VoteCast(voter=f"op{n}", label=label, at=T0 + n) for n, label in enumerate(("cat", "cat", None)))
    prelabel = Prelabel(model="detector:m@1", label="cat", confidence=0.9, objects=SEEN)
    await record(tasks, images[0], votes=votes, prelabel=prelabel, agreement=2 / 3)
    await record(tasks, images[1], votes=votes[:1], label=LABELS[2], decided_by="adjudicator", by="ann")
    await record(tasks, images[2], votes=votes[:2], label=None, state="disputed", prelabel=prelabel)
    yield Exports(tasks.store, objects, folder)
    await objects.close()


@pytest.mark.parametrize("form", here())
async def test_a_format_is_what_it_was(tasks, tmp_path, form):
    wanted = Wanted(form=form, images=True if form in ("parquet", "yolo") else None)
    async with stored(tasks, tmp_path) as exports:
        content = b"".join([piece async for piece in exports.file(await tasks.store.task(TASK_ID), wanted)])
    if form == "parquet":
        table = parquet.read_table(io.BytesIO(content))
        said = {"schema": str(table.schema), "rows": table.to_pylist()}
        content = (json.dumps(said, indent=1, default=repr) + "\n").encode()
    path = GOLDEN / f"{form}.{EXTENSIONS.get(form, 'json')}"
    assert content == path.read_bytes(), form
