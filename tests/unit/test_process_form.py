"""Forms of the predecessor's request whose files come before anybody knows what to do with them."""

import tempfile

import pytest

from services.task_manager.multipart import Part
from services.task_manager.pipelines.actions import MAX_EARLY, MAX_EARLY_ARCHIVES, form
from shared.errors import Invalid
from shared.http.form_headers import Disposition

ACTIONS = Part(disposition=Disposition(field="actions"), data=b'{"operations": [["split", true]], "output": "png"}')


def files(number: int) -> list[Part]:
    return [Part(disposition=Disposition(field="files", filename="a.png"), data=b"a") for _ in range(number)]


def archives(number: int) -> list[Part]:
    return [Part(disposition=Disposition(field="files"), archive=tempfile.TemporaryFile()) for _ in range(number)]


async def coming(parts):
    for part in parts:
        yield part


@pytest.mark.parametrize(("kind", "most"), [(files, MAX_EARLY), (archives, MAX_EARLY_ARCHIVES)])
async def test_before_the_actions_so_many_files_come_and_no_more(tmp_path, kind, most):
    allowed, refused = kind(most), kind(most + 1)
    with form(tmp_path) as found:
        parts = coming([*allowed, ACTIONS])
        await found.actions(parts)
        assert len([part async for part in found.files(parts)]) == most
    with form(tmp_path) as found, pytest.raises(Invalid, match="before the files") as error:
        await found.actions(coming([*refused, ACTIONS]))
    assert error.value.pointer == "/actions"
    assert all(part.archive is None or part.archive.closed for part in allowed + refused)
