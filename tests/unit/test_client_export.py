"""Where the client writes an export, and what it leaves there when the export fails."""

import os
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from quorate.errors import NothingToExportError, UnreachableError
from tests.unit.api_clients import client


class Breaking(httpx.SyncByteStream):
    def __iter__(self):
        yield b"half"
        raise httpx.RemoteProtocolError("cut off")


def test_an_export_to_a_path_is_whole_or_not_there(tmp_path: Path):
    answers = [httpx.Response(200, stream=Breaking()), httpx.Response(200, content=b"whole")]
    target = tmp_path / "out.jsonl"
    target.write_bytes(b"older and longer")
    with client(lambda _: answers.pop(0)) as api:
        assert api.export("t", target) == 5
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


def test_an_export_that_keeps_breaking_leaves_what_was_there(tmp_path: Path):
    target = tmp_path / "out.csv"
    target.write_bytes(b"older")
    with (
        client(lambda _: httpx.Response(200, stream=Breaking())) as api,
        pytest.raises(UnreachableError, match="broke off"),
    ):
        api.export("t", target, file_format="csv")
    assert target.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [target]


def test_an_export_to_a_link_replaces_what_it_leads_to(tmp_path: Path):
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there/out.csv", tmp_path / "out.csv"
    real.write_bytes(b"older")
    real.chmod(0o640)
    link.symlink_to(real)
    with client(lambda _: httpx.Response(200, content=b"a\nb\n")) as api:
        api.export("t", link, file_format="csv")
    assert (link.is_symlink(), real.read_bytes(), real.stat().st_mode & 0o777) == (True, b"a\nb\n", 0o640)


def test_an_export_to_what_is_no_file_is_written_there(tmp_path: Path):
    null = tmp_path / "null"
    null.symlink_to(os.devnull)
    with client(lambda _: httpx.Response(200, content=b"a\n")) as api:
        assert api.export("t", null) == 2
    assert not Path(os.devnull).is_file()
    assert list(tmp_path.iterdir()) == [null]


@pytest.mark.parametrize(("file_format", "content"), [("jsonl", b""), ("csv", b"image\r\n")])
def test_an_export_of_nothing_replaces_nothing(tmp_path: Path, file_format, content):
    target = tmp_path / "out"
    with client(lambda _: httpx.Response(200, content=content)) as api:
        assert api.export("t", target, file_format=file_format) == len(content)
        target.write_bytes(b"good")
        with pytest.raises(NothingToExportError, match="keeps what it holds"):
            api.export("t", target, file_format=file_format)
    assert target.read_bytes() == b"good"
    assert list(tmp_path.iterdir()) == [target]


def test_an_export_may_be_silent_for_minutes():
    """Where few of many images are wanted, nothing is sent while the platform looks for them."""
    times = []

    def handler(request: httpx.Request) -> httpx.Response:
        times.append(request.extensions["timeout"])
        return httpx.Response(200, content=b"a\n")

    with client(handler, timeout_s=30.0) as api:
        api.export("t", BytesIO(), state="disputed")
        api.consensus.export("r", BytesIO())
    assert [(one["read"], one["connect"]) for one in times] == [(300.0, 30.0)] * 2


def test_an_export_to_a_stream_is_not_begun_twice():
    requests = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, stream=Breaking())

    out = BytesIO()
    with client(handler) as api, pytest.raises(UnreachableError):
        api.export("t", out)
    assert (out.getvalue(), len(requests)) == (b"half", 1)
