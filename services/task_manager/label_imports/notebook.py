"""What an import has to remember, on the disk: file names of the task's images, images already met, boxes of COCO.

It is a database of one import alone, gone with it. All methods block; any thread may call them, one at a time.
"""

import sqlite3
import tempfile
import unicodedata
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from services.task_manager.domain import Image
from services.task_manager.label_imports.rows import Names
from services.task_manager.multipart import SPOOL
from shared import disk
from shared.errors import StorageFull, Unavailable

MOST_ALIKE = 1_000
"""Images with the same file name that are compared by their folders."""
_TABLES = """
CREATE TABLE names (file TEXT NOT NULL, stem TEXT NOT NULL, whole TEXT NOT NULL, image_id TEXT NOT NULL);
CREATE TABLE met (image_id TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE images (key BLOB PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE boxes (image_key BLOB NOT NULL, body BLOB NOT NULL);
CREATE INDEX by_file ON names (file);
CREATE INDEX by_stem ON names (stem);
CREATE INDEX by_image ON boxes (image_key);
"""


class Notebook:
    """What is written in it ends with it. Raises StorageFull and Unavailable for what its disk refuses."""

    def __init__(self, folder: Path) -> None:
        # SQLite keeps the file open by itself
        with _errors_named(), tempfile.NamedTemporaryFile(dir=folder, prefix="import-") as file:
            self._db = sqlite3.connect(file.name, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = OFF")
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.executescript(_TABLES)

    def close(self) -> None:
        self._db.close()

    def add_names(self, images: Iterable[Image]) -> None:
        rows = ((*_looks(image.filename), image.filename, image.id) for image in images)
        with _errors_named():
            self._db.execute("BEGIN")
            self._db.executemany("INSERT INTO names VALUES (?,?,?,?)", rows)
            self._db.execute("COMMIT")

    def images_named(self, names: Names) -> set[str]:
        """The images that have the first of these file names that any has; where folders tell them apart, those whose
        folders are named as well."""
        for column, wanted in (("file", names.filenames), ("stem", names.stems)):
            query = f"SELECT whole, image_id FROM names WHERE {column} = ? LIMIT {MOST_ALIKE}"  # noqa: S608 - ours
            for name in wanted:
                look = _looks(name)[0]
                if alike := self._db.execute(query, (look,)).fetchall():
                    return nearest(name, alike, is_stem=column == "stem")
        return set()

    def meet(self, image_id: str, number: int) -> int | None:
        """The row that was about the same image, if one was; else this one is from now on."""
        if self._insert("INSERT OR IGNORE INTO met VALUES (?,?)", image_id, number):
            return None
        return self._db.execute("SELECT number FROM met WHERE image_id = ?", (image_id,)).fetchone()[0]

    def add_image(self, key: bytes, body: bytes) -> bool:
        """An image of a COCO document by its key; False where one with this key is there."""
        return self._insert("INSERT OR IGNORE INTO images VALUES (?,?)", key, body)

    def add_box(self, image_key: bytes, body: bytes) -> None:
        """An annotation of a COCO document by the key of its image."""
        self._insert("INSERT INTO boxes VALUES (?,?)", image_key, body)

    def _insert(self, query: str, *row: object) -> bool:
        """Whether the row is new."""
        with _errors_named():
            return self._db.execute(query, row).rowcount == 1

    def images(self) -> Iterator[tuple[bytes, bytes]]:
        """The images of a COCO document, by key and body, in their order."""
        return iter(self._db.execute("SELECT key, body FROM images ORDER BY rowid"))

    def boxes_of(self, image_key: bytes, limit: int) -> list[bytes]:
        query = "SELECT body FROM boxes WHERE image_key = ? ORDER BY rowid LIMIT ?"
        return [row[0] for row in self._db.execute(query, (image_key, limit))]

    def boxes_of_none(self) -> Iterator[bytes]:
        """Annotations of images that the document does not have."""
        query = "SELECT body FROM boxes WHERE image_key NOT IN (SELECT key FROM images) ORDER BY rowid"
        return (row[0] for row in self._db.execute(query))


@contextmanager
def _errors_named() -> Generator[None]:
    try:
        with disk.errors_named(SPOOL):
            yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise StorageFull(f"there is no room left on {SPOOL}") from error
        raise Unavailable(f"{SPOOL} does not answer now") from error


def nearest(name: str, alike: Sequence[tuple[str, str]], *, is_stem: bool) -> set[str]:
    """Those of the images (file name, id) that have most of a name's parts from its end on: the file, its folder, and
    so on. The case counts where any has the file's own."""
    for folds in (False, True):
        wanted = _parts(name, folds=folds, is_stem=False)
        shared = {
            image_id: _in_common(wanted, _parts(whole, folds=folds, is_stem=is_stem)) for whole, image_id in alike
        }
        most = max(shared.values())
        if most:
            return {image_id for image_id, count in shared.items() if count == most}
    return set()


def _looks(name: str) -> tuple[str, str]:
    """A file's name without its folders, as it looks: with its extension, and without."""
    file = _parts(name, folds=True, is_stem=False)[0]
    return file, PurePosixPath(file).stem


def _parts(name: str, *, folds: bool, is_stem: bool) -> list[str]:
    """The file and its folders, the innermost first."""
    plain = unicodedata.normalize("NFC", name.replace("\\", "/"))
    *folders, file = (plain.casefold() if folds else plain).split("/")
    return [PurePosixPath(file).stem if is_stem else file, *reversed([one for one in folders if one not in ("", ".")])]


def _in_common(one: Sequence[str], other: Sequence[str]) -> int:
    pairs = zip(one, other, strict=False)
    return next((n for n, (mine, theirs) in enumerate(pairs) if mine != theirs), min(len(one), len(other)))
