from pathlib import Path

from embedded.openapi import document

COMMITTED = Path(__file__).parents[2] / "docs/api/openapi.json"


def test_the_committed_document_is_that_of_the_code():
    assert COMMITTED.read_text(encoding="utf-8") == document(), (
        "the API has changed: python -P -m embedded.openapi > docs/api/openapi.json, and look at the difference"
    )


def test_the_document_is_the_same_whatever_the_settings(monkeypatch):
    before = document()
    monkeypatch.setenv("QUORATE_MAX_IMAGE_BYTES", "5")
    monkeypatch.setenv("QUORATE_PORT", "1")
    assert document() == before
