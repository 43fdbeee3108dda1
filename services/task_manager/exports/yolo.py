"""A detector's objects as YOLO's trainers read them: a text file of lines beside each picture."""

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, closing

from services.task_manager.domain import Image
from services.task_manager.exports.archive import Archive
from services.task_manager.exports.boxes import boxes_of, yolo_line
from services.task_manager.exports.names import yaml_text
from services.task_manager.exports.provenance import Provenance
from services.task_manager.exports.walk import Walk

PREDICTED = "predicted by a detector, not drawn by people"


async def yolo(walk: Walk) -> AsyncIterator[bytes]:
    """The archive. A picture without objects has an empty file: else a trainer takes it as not labeled."""
    class_of = {label: number for number, label in enumerate(walk.task.terms.labels)}
    parts: set[str] = set()
    with ExitStack() as files:
        archive = files.enter_context(closing(Archive(walk.spool)))
        provenance = Provenance(walk, files)

        def lines_of(images: Sequence[Image]) -> bytes:
            provenance.add(images)
            parts.update(walk.wanted.part_of(image) for image in images)
            return b"".join(
                archive.entry(f"labels/{walk.wanted.part_of(image)}/{image.id}.txt", _lines(image, class_of))
                for image in images
            )

        yield archive.entry("README.txt", f"{PREDICTED}\n".encode())
        if walk.wanted.has_images:
            async for picture in walk.pictures():
                part = walk.wanted.part_of(picture.image)
                yield archive.begin(f"images/{part}/{picture.name}", len(picture.data), picture.crc)
                yield picture.data
                yield lines_of([picture.image])
        else:
            async for entries in walk.written(lines_of):
                yield entries
        yield archive.entry("data.yaml", _data_yaml(walk.task.terms.labels, parts))
        async for piece in provenance.files(archive, objects=PREDICTED):
            yield piece


def _lines(image: Image, class_of: dict[str, int]) -> bytes:
    lines = (
        yolo_line(class_of[box.label], box.rectangle, image.width, image.height)
        for box in boxes_of(image)
        if box.label in class_of
    )
    return "".join(f"{line}\n" for line in lines).encode()


def _data_yaml(labels: tuple[str, ...], parts: set[str]) -> bytes:
    """Without `path`, paths count from the file's own folder. A part without a picture would be refused."""
    train = "train" if "train" in parts or not parts else "val"
    lines = [
        f"train: images/{train}",
        f"val: images/{'val' if 'val' in parts else train}",
        f"nc: {len(labels)}",
        "names:",
        *(f"  {number}: {yaml_text(label)}" for number, label in enumerate(labels)),
    ]
    return "".join(f"{line}\n" for line in lines).encode()
