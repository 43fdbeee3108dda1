"""A table in columns, which Hugging Face's `datasets` loads with pictures and the names of the classes.

The library is an extra of its own. Its version is written into the file: files are equal as long as it is.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from services.task_manager.domain import Image, agreement_of
from services.task_manager.exports.boxes import boxes_of
from services.task_manager.exports.names import picture_name
from services.task_manager.exports.walk import Walk
from shared.results import tally_of

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 1_000
GROUP_BYTES = 16_000_000
"""A row group ends with whichever comes first: as much as a group holds is held in memory."""


async def parquet(walk: Walk) -> AsyncIterator[bytes]:
    """The file; the footer, without which no reader takes it, comes last."""
    table = await asyncio.to_thread(_Table, walk.task.terms.labels, has_images=walk.wanted.has_images)
    yield table.written()
    if walk.wanted.has_images:
        async for picture in walk.pictures():
            yield await asyncio.to_thread(table.add, picture.image, picture.data)
    else:

        def rows(images: Sequence[Image]) -> bytes:
            return b"".join([table.add(image, None) for image in images])

        async for piece in walk.written(rows):
            yield piece
    yield await asyncio.to_thread(table.end)


class _Sink:
    """A file that gives back what was written to it."""

    closed = False

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: Any) -> int:
        self.pieces.append(bytes(data))
        return len(self.pieces[-1])

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """Nothing is open."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


class _Table:
    """Rows, written a group at a time."""

    def __init__(self, labels: tuple[str, ...], *, has_images: bool) -> None:
        import pyarrow as pa  # noqa: PLC0415 - an extra of its own, of 170 MB; the first import takes seconds
        from pyarrow import parquet as pq  # noqa: PLC0415

        self._pa = pa
        self._class_of = {label: number for number, label in enumerate(labels)}
        self._has_images = has_images
        self._schema = _schema(pa, labels, has_images=has_images)
        self._sink = _Sink()
        self._writer: Any = pq.ParquetWriter(
            pa.PythonFile(self._sink, mode="w"),
            self._schema,
            compression="zstd",
            use_dictionary=False,
            write_statistics=True,
            write_page_index=False,
        )
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def add(self, image: Image, data: bytes | None) -> bytes:
        """What there is to send once this row is there."""
        self._rows.append(_row(image, self._class_of, data))
        self._bytes += len(data or b"")
        if len(self._rows) >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._write_group()
        return self.written()

    def end(self) -> bytes:
        self._write_group()
        self._writer.close()
        return self.written()

    def written(self) -> bytes:
        """What was written since the last time."""
        pieces, self._sink.pieces = self._sink.pieces, []
        return b"".join(pieces)

    def _write_group(self) -> None:
        if not self._rows:
            return
        rows, self._rows, self._bytes = self._rows, [], 0
        self._writer.write_batch(self._pa.RecordBatch.from_pylist(rows, schema=self._schema))


def _row(image: Image, class_of: dict[str, int], data: bytes | None) -> dict[str, Any]:
    result = image.result
    boxes = [box for box in boxes_of(image) if box.label in class_of]
    row = {
        "image_id": image.id,
        "filename": image.filename,
        "width": image.width,
        "height": image.height,
        "label": None if result is None or result.label is None else class_of.get(result.label),
        "agreement": agreement_of(image),
        "decided_by": result and result.decided_by,
        "votes": orjson.dumps(dict(tally_of(image.votes))).decode(),
        "objects": {
            "bbox": [_xywh(box.rectangle) for box in boxes],
            "category": [class_of[box.label] for box in boxes],
            "confidence": [box.confidence for box in boxes],
        },
    }
    if data is not None:
        row["image"] = {"bytes": data, "path": picture_name(image.id, image.object_key)}
    return row


def _xywh(place: Any) -> list[int]:
    return [place.left, place.top, place.width, place.height]


def _schema(pa: Any, labels: tuple[str, ...], *, has_images: bool) -> "pa.Schema":
    """Columns with their types, and what `datasets` reads of them: `Sequence`, for it knows `List` only since 4."""
    names = {"names": list(labels), "_type": "ClassLabel"}
    objects = pa.struct(
        [
            ("bbox", pa.list_(pa.list_(pa.float32(), 4))),
            ("category", pa.list_(pa.int64())),
            ("confidence", pa.list_(pa.float32())),
        ]
    )
    of_objects = {
        "bbox": {"feature": _value("float32"), "length": 4, "_type": "Sequence"},
        "category": names,
        "confidence": _value("float32"),
    }
    columns = [
        ("image_id", pa.string(), _value("string")),
        ("filename", pa.string(), _value("string")),
        ("width", pa.int32(), _value("int32")),
        ("height", pa.int32(), _value("int32")),
        ("label", pa.int64(), names),
        ("agreement", pa.float64(), _value("float64")),
        ("decided_by", pa.string(), _value("string")),
        ("votes", pa.string(), _value("string")),
        ("objects", objects, {"feature": of_objects, "_type": "Sequence"}),
    ]
    if has_images:
        stored = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        columns.insert(0, ("image", stored, {"_type": "Image"}))
    features = {name: feature for name, _, feature in columns}
    said = orjson.dumps({"info": {"features": features}})
    return pa.schema([(name, kind) for name, kind, _ in columns], metadata={"huggingface": said})


def _value(dtype: str) -> dict[str, str]:
    return {"dtype": dtype, "_type": "Value"}
