"""The readers of files of labels, where no platform is needed to see what they read."""

import io
import itertools
import json
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.task_manager.archives import ArchiveLimits
from services.task_manager.label_imports import READERS, coco, reading, tables, zips
from services.task_manager.label_imports.json_parts import elements
from services.task_manager.label_imports.notebook import Notebook, nearest
from services.task_manager.label_imports.reading import MAX_LINE_BYTES, MAX_ROW_OBJECTS, Source, lines
from services.task_manager.label_imports.rows import Names, Row, Unread
from shared.errors import Invalid, QuorateError, StorageFull, Unavailable
from tests.unit.task_builders import image

PLACE = {"left": 0, "top": 0, "width": 1, "height": 1}


@pytest.fixture(scope="module")
def notebook(tmp_path_factory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("notebook")
    notebook = Notebook(folder)
    yield notebook
    notebook.close()
    assert not list(folder.iterdir())


def read(form: str, content: bytes) -> list[Row | Unread]:
    with tempfile.TemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
        file.write(content)
        file.flush()
        notebook = Notebook(Path(folder))
        source = Source(file=file, size_bytes=len(content), notebook=notebook, archives=ArchiveLimits())
        rows = list(READERS[form](source))
        notebook.close()
    return rows


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_tables_of_all_makers(separator, end, mark):
    text = separator.join(("Image", " LABEL ", "other")) + end + separator.join(("a.png", '"c""a,t;\t"', "1")) + end
    (row,) = read("csv", (mark + text).encode())
    assert (row.number, row.names.filenames, row.label, row.confidence) == (2, ("a.png",), 'c"a,t;\t', 1.0)


def test_a_table_whose_rows_are_broken_goes_on_behind_them():
    text = (
        b'filename,label\n"a"x,cat\n\xff,cat\nb.png,cat\n' + b"y" * (MAX_LINE_BYTES + 5) + b'\nc.png,"do\ng"\n"d,cat\n'
    )
    rows = read("csv", text)
    assert [(row.number, isinstance(row, Row)) for row in rows] == [
        (2, False),
        (3, False),
        (4, True),
        (5, False),
        (7, True),
        (8, False),
    ]
    assert rows[4].label == "do\ng"


@pytest.mark.parametrize(
    "line",
    [
        '{"filename": "a", "label": 1}',
        '{"filename": 1, "label": "cat"}',
        '{"label": "cat"}',
        '{"filename": "a", "label": "cat", "confidence": true}',
        '{"filename": "a", "label": "cat", "confidence": 1e400}',
        '{"filename": "a", "label": "cat", "label": "dog"}',
        '{"sha256": "abc", "label": "cat"}',
        '{"filename": "a", "objects": {}}',
        '{"filename": "a", "objects": [{"label": "cat"}]}',
        json.dumps({"filename": "a", "objects": [{"label": "cat", "rectangle": PLACE | {"width": -1}}]}),
        json.dumps({"filename": "a", "objects": [{"label": "cat", "rectangle": PLACE | {"left": 1e300}}]}),
        json.dumps({"filename": "a", "objects": [{"label": "cat", "rectangle": PLACE | {"left": 10**400}}]}),
        json.dumps({"filename": "a", "objects": [{"label": "cat", "confidence": 10**400, "rectangle": PLACE}]}),
        "null",
        "[" * 100_000,
        "\xff",
    ],
)
def test_lines_that_are_wrong_are_said_to_be(line):
    good = '{"filename": "a", "label": "cat"}'
    _, wrong, right = read("jsonl", f"{{}}\n{line}\n{good}\n".encode("latin-1"))
    assert isinstance(wrong, Unread)
    assert (wrong.number, wrong.is_passed_over, isinstance(right, Row)) == (2, False, True)


def test_a_table_whose_lines_end_with_carriage_returns_alone_says_so():
    with pytest.raises(Invalid, match="CR alone"):
        read("csv", b"filename,label\ra.png,cat\r")


def zipped(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def with_objects(form: str, count: int) -> bytes:
    """A file with a row of so many objects, and another one."""
    if form == "yolo":
        line = "0 0.5 0.5 0.5 0.5\n"
        return zipped({"classes.txt": "cat", "labels/a.txt": count * line, "labels/b.txt": line})
    if form == "jsonl":
        lines = [{"filename": "a", "objects": n * [{"label": "cat", "rectangle": PLACE}]} for n in (count, 1)]
        return "\n".join(map(json.dumps, lines)).encode()
    images = [{"id": n, "file_name": "a"} for n in (1, 2)]
    boxes = [{"image_id": n, "category_id": 1, "bbox": [0, 0, 1, 1]} for n in (*(count * [1]), 2)]
    return json.dumps({"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "cat"}]}).encode()


@pytest.mark.parametrize("form", ["yolo", "coco", "jsonl"])
def test_a_row_has_so_many_objects_at_most(form):
    full, _ = read(form, with_objects(form, MAX_ROW_OBJECTS))
    assert isinstance(full, Row)
    assert len(full.objects or ()) == MAX_ROW_OBJECTS
    over, after = read(form, with_objects(form, MAX_ROW_OBJECTS + 1))
    assert isinstance(over, Unread)
    assert "1,000" in over.reason
    assert isinstance(after, Row)


@pytest.mark.parametrize("form", ["coco", "jsonl", "csv"])
def test_an_error_that_nobody_expected_is_of_one_row_alone(form, monkeypatch, caplog):
    names, calls = reading.names_of, itertools.count()

    def names_of(**said: str | None) -> Names:
        if not next(calls):
            raise OverflowError
        return names(**said)

    for reader in (coco, tables):
        monkeypatch.setattr(reader, "names_of", names_of)
    wrong, right = read(form, b"filename,label\na,cat\nb,cat\n" if form == "csv" else with_objects(form, 1))
    assert isinstance(wrong, Unread)
    assert wrong.reason == reading.UNEXPECTED
    assert isinstance(right, Row)
    assert "OverflowError" in caplog.text


@pytest.mark.parametrize("number", [10**30, 1e30, float(2**60), True, None, [1]])
def test_an_id_of_coco_that_is_none_is_said_to_be(number):
    for wrong in ({"images": [{"id": number}]}, {"images": [{"id": 1}], "categories": [{"id": number, "name": "a"}]}):
        with pytest.raises(Invalid):
            read("coco", json.dumps(wrong).encode())
    images = [{"id": 2**60, "file_name": "a"}]
    row, lost = read("coco", json.dumps({"images": images, "annotations": [{"image_id": number}]}).encode())
    assert (isinstance(row, Row), isinstance(lost, Unread)) == (True, True)
    box = {"image_id": 2**60, "category_id": number, "bbox": [0, 0, 1, 1]}
    (bad,) = read("coco", json.dumps({"images": images, "annotations": [box]}).encode())
    assert isinstance(bad, Unread)


def test_classes_are_looked_for_in_few_and_small_yaml_files():
    label = {"labels/a.txt": ""}
    others = {f"{n}.yaml": "a: 1" for n in range(zips.MAX_YAMLS)}
    assert len(read("yolo", zipped({"deep/data.yaml": "names: [cat]"} | others | label))) == 1
    with pytest.raises(Invalid, match="does not say"):
        read("yolo", zipped(others | {"later.yaml": "names: [cat]"} | label))
    with pytest.raises(QuorateError, match="100,000"):
        read("yolo", zipped({"data.yaml": "names: [cat]\n" + "#" * zips.MAX_YAML_BYTES} | label))
    assert len(read("yolo", zipped({"__MACOSX/._a.yaml": "\0", "classes.txt": "cat"} | label))) == 1


def test_a_yaml_file_that_multiplies_what_it_says_takes_no_more_room():
    laughs = "".join(f"b{n}: &a{n} [{', '.join(9 * [f'*a{n - 1}'])}]\n" for n in range(1, 40))
    with pytest.raises(Invalid):
        read("yolo", zipped({"data.yaml": f"b0: &a0 [x]\n{laughs}names: *a39\n", "labels/a.txt": ""}))


@pytest.mark.parametrize("form", ["yolo", "imagefolder"])
def test_pictures_keep_the_folders_that_tell_them_apart(form):
    files = {f"images/{part}/1.jpg": part for part in ("train", "val")}
    if form == "yolo":
        files |= {"classes.txt": "cat"} | {f"labels/{part}/1.txt": "" for part in ("train", "val")}
    rows = read(form, zipped(files))
    assert [row.names.filenames for row in rows if isinstance(row, Row)] == [
        ("images/train/1.jpg",),
        ("images/val/1.jpg",),
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
OBJECTS = st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=4)


@given(
    images=OBJECTS,
    others=st.dictionaries(st.text().filter(lambda one: one != "images"), JSON),
    indent=st.sampled_from([None, 2]),
)
def test_elements_of_any_document_are_those_that_a_parser_finds(images, others, indent):
    document = json.dumps({**others, "images": images, "last": others}, indent=indent, ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )
    found = [json.loads(text) for _, text in elements(document, frozenset({"images"}))]
    assert found == images


@given(document=st.text(alphabet='{}[]",: ai1\\').map(str.encode))
def test_no_document_does_more_than_be_refused(document):
    try:
        found = list(elements(b'{"a":' + document, frozenset({"a"})))
    except Invalid:
        return
    assert all(text[:1] + text[-1:] == b"{}" for _, text in found)


@given(content=st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(content):
    for form, begin in (
        ("csv", b"filename,label\n"),
        ("jsonl", b"{"),
        ("coco", b'{"images":['),
        ("yolo", b"PK\x03\x04"),
    ):
        try:
            rows = read(form, begin + content)
        except QuorateError:
            continue
        assert all(isinstance(row, Row | Unread) for row in rows)


def test_lines_are_bounded():
    file = io.BytesIO(b"a\n" + b"b" * (3 * MAX_LINE_BYTES) + b"\nc")
    assert list(lines(file)) == [(1, b"a\n"), (2, None), (3, b"c")]


@pytest.mark.parametrize(
    ("name", "whole", "found"),
    [
        ("1.png", ["x/1.png", "y/1.png"], {0, 1}),
        ("z/y/1.png", ["x/1.png", "y/1.png"], {1}),
        ("y\\1.png", ["x/1.png", "y/1.png"], {1}),
        ("1.PNG", ["1.png", "1.PNG"], {1}),
        ("1.Png", ["1.png", "1.PNG"], {0, 1}),
        ("e\u0301.png", ["\u00e9.png"], {0}),
        ("./1.png", ["a/1.png"], {0}),
    ],
)
def test_folders_and_case_tell_names_apart_as_far_as_they_can(name, whole, found):
    alike = [(one, str(number)) for number, one in enumerate(whole)]
    assert nearest(name, alike, is_stem=False) == {str(number) for number in found}


def test_a_notebook_knows_names_rows_and_stems(notebook):
    notebook.add_names([image("a", filename="x/Cat.1.JPG"), image("b", filename="cat.1.png"), image("c", filename="")])
    assert notebook.images_named(Names(filenames=("cat.1.jpg",))) == {image("a").id}
    assert notebook.images_named(Names(stems=("labels/cat.1",))) == {image("b").id}
    assert notebook.images_named(Names(filenames=("no.jpg", "cat.1.png"))) == {image("b").id}
    assert notebook.images_named(Names(filenames=("dog.jpg",))) == set()
    assert [notebook.meet("i", 3), notebook.meet("i", 4), notebook.meet("j", 5)] == [None, 3, None]
    with pytest.raises(sqlite3.ProgrammingError):
        _closed().meet("i", 1)


def test_a_notebook_whose_disk_is_full_says_so(tmp_path):
    notebook = Notebook(tmp_path)
    notebook._db.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StorageFull):
        notebook.add_box(b"1", bytes(100_000))
    with pytest.raises(StorageFull):
        notebook.add_names([image(str(number), filename=1_000 * "x") for number in range(100)])
    notebook.close()
    with pytest.raises(Unavailable):
        Notebook(tmp_path / "gone")


def _closed() -> Notebook:
    with tempfile.TemporaryDirectory() as folder:
        notebook = Notebook(Path(folder))
        notebook.close()
    return notebook
