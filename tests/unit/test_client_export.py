"""Where the client writes an export, and what it leaves there when the export fails."""

import os
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from quorate.errors import ApiError, NothingToExportError, UnreachableError
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


TAG = "0123456789abcdef" * 2
OTHER = "f" * 32
WHOLE = b"".join(b'{"image": %d}\n' % number for number in range(100))


class Cut(httpx.SyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self):
        yield self._content
        raise httpx.ReadError("cut off")


class Platform:
    """Answers with the rest of a file that is asked for, and breaks off after so many bytes each time."""

    def __init__(self, *cuts: int, tag: str | None = TAG, content: bytes = WHOLE) -> None:
        self.cuts, self.tag, self.content = list(cuts), tag, content
        self.asked: list[tuple[str | None, str | None]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        span, if_range = request.headers.get("Range"), request.headers.get("If-Range")
        self.asked.append((span, if_range))
        headers, status, first = {}, 200, 0
        if self.tag is not None:
            headers["ETag"] = f'"{self.tag}"'
            if span is not None and if_range == headers["ETag"]:
                first, status = int(span.removeprefix("bytes=").removesuffix("-")), 206
                headers["Content-Range"] = f"bytes {first}-{len(self.content) - 1}/{len(self.content)}"
        content = self.content[first:]
        if self.cuts:
            return httpx.Response(status, headers=headers, stream=Cut(content[: self.cuts.pop(0)]))
        return httpx.Response(status, headers=headers, content=content)


@pytest.mark.parametrize("bom", [False, True])
def test_what_broke_off_goes_on_where_it_was(tmp_path: Path, bom):
    target = tmp_path / "out.csv"
    platform = Platform(100, 50, 1, 60, 1, 1, 70)
    told = []
    with client(platform) as api:
        size = api.export("t", target, file_format="csv", bom=bom, told=told.append)
    mark = b"\xef\xbb\xbf" if bom else b""
    assert target.read_bytes() == mark + WHOLE
    assert size == len(mark + WHOLE) == told[-1]
    assert platform.asked[:3] == [(None, None), ("bytes=99-", f'"{TAG}"'), ("bytes=148-", f'"{TAG}"')]
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_another_file_meanwhile_begins_anew(tmp_path: Path):
    target = tmp_path / "out.jsonl"
    platform = Platform(100)

    def handler(request: httpx.Request) -> httpx.Response:
        answer = platform(request)
        platform.tag, platform.content = OTHER, WHOLE[::-1]
        return answer

    with client(handler) as api:
        api.export("t", target)
    assert target.read_bytes() == WHOLE[::-1]


def test_what_came_is_kept_for_the_same_export_later(tmp_path: Path):
    target = tmp_path / "out.jsonl"
    target.write_bytes(b"older")
    with (
        client(Platform(100, 1, 1, 1)) as api,
        pytest.raises(UnreachableError, match=r"100 bytes are kept in .*\.part"),
    ):
        api.export("t", target)
    kept = tmp_path / f"out.jsonl.{TAG}.part"
    assert (target.read_bytes(), kept.read_bytes()) == (b"older", WHOLE[:100])
    (tmp_path / f"out.jsonl.{OTHER}.part").write_bytes(b"of long ago")
    os.utime(tmp_path / f"out.jsonl.{OTHER}.part", (0, 0))
    other = tmp_path / f"other-out.jsonl.{OTHER}.part"
    other.write_bytes(b"of another target")
    platform = Platform()
    with client(platform) as api:
        api.export("t", target)
    assert platform.asked == [("bytes=99-", f'"{TAG}"')]
    assert target.read_bytes() == WHOLE
    assert sorted(tmp_path.iterdir()) == sorted([target, other])


def test_nothing_is_kept_where_nothing_can_go_on(tmp_path: Path):
    """The platform gives no tag, or refuses to go on."""
    target = tmp_path / "out.jsonl"
    with client(Platform(100, 100, 100, tag=None)) as api, pytest.raises(UnreachableError, match="broke off"):
        api.export("t", target)
    assert list(tmp_path.iterdir()) == []
    assert nothing_more_than(410, target) == []


def nothing_more_than(status: int, target: Path) -> list[Path]:
    """What there is once an export broke off at its hundredth byte, and got this answer then."""
    platform = Platform(100)

    def refusing(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"title": "No"}) if platform.asked else platform(request)

    with client(refusing) as api, pytest.raises(ApiError):
        api.export("t", target)
    return list(target.parent.iterdir())


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 416, 422])
def test_nothing_is_kept_where_the_platform_refuses_for_good(tmp_path: Path, status):
    assert nothing_more_than(status, tmp_path / "out.jsonl") == []


@pytest.mark.parametrize("status", [401, 408, 429, 500, 502, 503, 504])
def test_what_came_is_kept_where_the_refusal_passes(tmp_path: Path, status):
    kept = tmp_path / f"out.jsonl.{TAG}.part"
    assert nothing_more_than(status, tmp_path / "out.jsonl") == [kept]
    assert kept.read_bytes() == WHOLE[:100]


def test_a_file_that_is_another_each_time_is_not_tried_for_ever(tmp_path: Path):
    tags = iter(f"{number:032x}" for number in range(1, 100))
    platform = Platform(*range(10, 1000, 10))

    def handler(request: httpx.Request) -> httpx.Response:
        platform.tag = next(tags)
        return platform(request)

    with client(handler) as api, pytest.raises(UnreachableError):
        api.export("t", tmp_path / "out.jsonl")
    assert len(platform.asked) == 3, "as often as the policy says"


def test_all_is_asked_for_where_a_part_comes_too_late(tmp_path: Path):
    platform, target = Platform(100), tmp_path / "out.jsonl"

    class Silent(httpx.SyncByteStream):
        def __iter__(self):
            raise httpx.ReadTimeout("nothing")
            yield b""

    def handler(request: httpx.Request) -> httpx.Response:
        answer = platform(request)
        return httpx.Response(206, headers=answer.headers, stream=Silent()) if answer.status_code == 206 else answer

    with client(handler) as api:
        api.export("t", target)
    assert [span for span, _ in platform.asked] == [None, "bytes=99-", None]
    assert (list(tmp_path.iterdir()), target.read_bytes()) == ([target], WHOLE)


def test_whatever_ends_the_process_finds_what_came_under_its_name(tmp_path: Path):
    """What lies there while an export goes on is what a process that was killed leaves."""
    target, seen = tmp_path / "out.jsonl", []
    platform = Platform(100, 50)

    def handler(request: httpx.Request) -> httpx.Response:
        if len(platform.asked) == 2:
            platform.tag, platform.content = OTHER, WHOLE[::-1]
        seen.append({path.name: path.stat().st_size for path in tmp_path.iterdir() if not path.name.startswith(".")})
        return platform(request)

    def told(size_bytes: int) -> None:
        seen[-1] = [path.name for path in tmp_path.iterdir()]

    (tmp_path / f"out.jsonl.{TAG}.part").write_bytes(WHOLE[:10])
    with client(handler) as api:
        api.export("t", target, told=told)
    name = "out.jsonl.{}.part".format
    assert seen == [[name(TAG)], [name(TAG)], [name(OTHER)]]
    assert (list(tmp_path.iterdir()), target.read_bytes()) == ([target], WHOLE[::-1])


def test_two_of_the_same_export_do_not_disturb_each_other(tmp_path: Path):
    target = tmp_path / "out.jsonl"
    (tmp_path / f"out.jsonl.{TAG}.part").write_bytes(WHOLE[:10])
    asked_by_another = []

    def handler(request: httpx.Request) -> httpx.Response:
        if not asked_by_another:
            another = Platform(100)
            with client(another) as api:
                api.export("t", target)
            asked_by_another.extend(another.asked)
            assert target.read_bytes() == WHOLE
        return platform(request)

    platform = Platform(100)
    with client(handler) as api:
        api.export("t", target)
    assert asked_by_another == [(None, None), ("bytes=99-", f'"{TAG}"')]
    assert platform.asked == [("bytes=9-", f'"{TAG}"'), ("bytes=108-", f'"{TAG}"')]
    assert (list(tmp_path.iterdir()), target.read_bytes()) == ([target], WHOLE)


@pytest.mark.parametrize("whose", ["another's", "a link", "no file"])
def test_what_is_not_ones_own_is_not_gone_on_with(tmp_path: Path, monkeypatch, whose):
    target, kept, mine = tmp_path / "out.jsonl", tmp_path / f"out.jsonl.{TAG}.part", tmp_path / "mine"
    mine.write_bytes(b"mine")
    if whose == "no file":
        os.mkfifo(kept)
    elif whose == "a link":
        kept.symlink_to(mine)
    else:
        kept.write_bytes(WHOLE[:100])
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    platform = Platform(100)
    with client(platform) as api:
        api.export("t", target)
    assert platform.asked == [(None, None), ("bytes=99-", f'"{TAG}"')]
    assert (target.read_bytes(), mine.read_bytes()) == (WHOLE, b"mine")
    assert sorted(tmp_path.iterdir()) == sorted([target, kept, mine])


def test_a_part_with_another_mark_is_not_gone_on_with(tmp_path: Path):
    target = tmp_path / "out.csv"
    (tmp_path / f"out.csv.{TAG}.part").write_bytes(WHOLE[:100])
    platform = Platform()
    with client(platform) as api:
        api.export("t", target, file_format="csv", bom=True)
    assert target.read_bytes() == b"\xef\xbb\xbf" + WHOLE
    assert platform.asked == [(None, None)]
