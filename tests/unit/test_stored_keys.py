"""Where the command line keeps its keys."""

import json
import sys
import types
from pathlib import Path

import pytest

from quorate import stored_keys
from quorate.errors import QuorateError

URL = "https://quorate.example"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "keyring", None)
    return tmp_path / "quorate"


class Ring:
    """A key ring, which may be broken in one of the ways in which they are."""

    def __init__(self, *, priority: float = 5, forgets: bool = False, is_locked: bool = False) -> None:
        self.priority = priority
        self.forgets = forgets
        self.is_locked = is_locked
        self.kept: dict[tuple[str, str], str] = {}

    def _open(self) -> None:
        if self.is_locked:
            raise RuntimeError("locked")

    def set_password(self, service: str, name: str, secret: str) -> None:
        self._open()
        if not self.forgets:
            self.kept[service, name] = secret

    def get_password(self, service: str, name: str) -> str | None:
        self._open()
        return self.kept.get((service, name))

    def delete_password(self, service: str, name: str) -> None:
        self._open()
        del self.kept[service, name]


def use(monkeypatch: pytest.MonkeyPatch, ring: Ring) -> Ring:
    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_keyring=lambda: ring))
    return ring


def test_a_key_is_kept_for_its_platform_alone_where_nobody_else_can_read_it(folder: Path):
    assert stored_keys.find(URL) is None
    assert stored_keys.keep(URL, "qk_a") == "file"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "keys.json").stat().st_mode & 0o777 == 0o600
    assert [one.name for one in folder.iterdir()] == ["keys.json"]
    for same in (URL, f"{URL}/", f"{URL}/api", "HTTPS://Quorate.example"):
        assert stored_keys.find(same) == "qk_a"
    for other in ("http://quorate.example", f"{URL}:8443", "https://quorate.example.org", f"{URL}/elsewhere"):
        assert stored_keys.find(other) is None
    stored_keys.keep("http://127.0.0.1:8080", "qk_b")
    stored_keys.keep(URL, "qk_c")
    assert stored_keys.find(URL) == "qk_c"
    stored_keys.forget(URL)
    stored_keys.forget(URL)
    assert stored_keys.find(URL) is None
    assert stored_keys.find("http://127.0.0.1:8080") == "qk_b"


def test_a_file_that_others_can_read_is_not_used(folder: Path):
    stored_keys.keep(URL, "qk_a")
    (folder / "keys.json").chmod(0o640)
    with pytest.raises(QuorateError, match="chmod 600"):
        stored_keys.find(URL)


@pytest.mark.parametrize("text", ["", "[1]", '"x"', "{"])
def test_a_file_that_is_broken_says_what_to_do(folder: Path, text: str):
    stored_keys.keep(URL, "qk_a")
    (folder / "keys.json").write_text(text)
    with pytest.raises(QuorateError, match="login"):
        stored_keys.find(URL)


def test_a_key_ring_is_used_where_there_is_one(folder: Path, monkeypatch: pytest.MonkeyPatch):
    ring = use(monkeypatch, Ring())
    assert stored_keys.keep(URL, "qk_a") == "key ring"
    assert "qk_a" not in (folder / "keys.json").read_text()
    assert stored_keys.find(URL) == "qk_a"
    ring.is_locked = True
    with pytest.raises(QuorateError, match="key ring"):
        stored_keys.find(URL)
    ring.is_locked = False
    stored_keys.forget(URL)
    assert ring.kept == {}
    assert stored_keys.find(URL) is None


@pytest.mark.parametrize(
    "ring", [Ring(priority=0.5), Ring(forgets=True), Ring(is_locked=True)], ids=["plain", "forgets", "locked"]
)
def test_a_key_ring_that_cannot_keep_it_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch, ring: Ring):
    use(monkeypatch, ring)
    assert stored_keys.keep(URL, "qk_a") == "file"
    assert stored_keys.find(URL) == "qk_a"


def test_a_key_that_left_the_ring_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    ring = use(monkeypatch, Ring())
    stored_keys.keep(URL, "qk_a")
    ring.kept.clear()
    with pytest.raises(QuorateError, match="login"):
        stored_keys.find(URL)


def test_who_never_signed_in_never_waits_for_a_key_ring(folder: Path, monkeypatch: pytest.MonkeyPatch):
    stored_keys.keep("http://other", "qk_a")
    use(monkeypatch, Ring(is_locked=True))
    assert stored_keys.find(URL) is None
    assert json.loads((folder / "keys.json").read_text()) == {"http://other": {"key": "qk_a"}}
