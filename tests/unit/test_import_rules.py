"""The rules of imports, their keys, and the listings of strangers."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.task_manager.imports import rules
from services.task_manager.imports.credentials import Credentials, SecretChanged, Vault
from services.task_manager.imports.listing import Listed, NoListing, read_listing
from services.task_manager.imports.rules import Counted, Done, Import, Source
from shared.errors import Conflict
from tests.service.buckets import Bucket

SOURCE = Source(endpoint="https://s3.example", bucket="photos", prefix="in/", region="eu")
NEW = Import(id="i", task_id="t", source=SOURCE, asked_at=0.0, next_at=0.0, sealed="x")
PART = Done(cursor="in/9", counted=Counted(accepted=3), is_last=False)


def test_a_part_is_claimed_by_one_and_saved_by_that_one_alone():
    held = rules.claimed(NEW, 1.0, holder="a")
    assert rules.claimed(held, 2.0, holder="b") is held
    other = rules.claimed(held, 1.0 + rules.CLAIM_S, holder="b")
    assert other.holder == "b"
    with pytest.raises(Conflict):
        rules.advanced(other, 40.0, holder="a", done=PART)
    after = rules.advanced(other, 40.0, holder="b", done=PART)
    assert (after.cursor, after.parts, after.counted.accepted, after.tries) == ("in/9", 1, 3, 0)
    over = rules.advanced(rules.claimed(after, 41.0, holder="c"), 42.0, holder="c", done=replace(PART, is_last=True))
    assert (over.state, over.sealed, over.due_at, over.counted.accepted) == ("finished", None, None, 6)
    stuck = rules.advanced(other, 40.0, holder="b", done=replace(PART, is_last=True, failed="no room"))
    assert (stuck.state, stuck.trouble, stuck.cursor, stuck.counted.accepted) == ("failed", "no room", "in/9", 3)


def test_a_part_that_always_fails_pauses_longer_and_longer_and_then_ends_the_import():
    one, now, pauses = NEW, 0.0, []
    while one.state == "running":
        one = rules.claimed(one, now, holder="a")
        one = rules.troubled(one, now, holder="a", trouble="busy")
        pauses.append(one.next_at - now)
        now = max(now, one.next_at)
    assert (one.state, one.trouble, one.sealed) == ("failed", "busy", None)
    assert pauses[:3] == [1.0, 2.0, 4.0]
    assert max(pauses) == rules.LONGEST_PAUSE_S
    again = rules.asked_again(one, now, sealed="y", source=SOURCE, is_anew=False)
    assert (again.state, again.tries, again.sealed, again.cursor) == ("running", 0, "y", one.cursor)


def test_a_part_whose_process_always_dies_ends_the_import():
    one, now = NEW, 0.0
    for _ in range(rules.MAX_TRIES + 1):
        one = rules.claimed(one, now, holder="a")
        now += rules.CLAIM_S
    assert (one.state, one.trouble) == ("failed", rules.CUT_SHORT)
    held = rules.claimed(NEW, 0.0, holder="a")
    assert rules.released(held, 5.0, holder="a").tries == 0
    assert rules.released(held, 5.0, holder="b") is held


def test_asked_again_a_running_one_stays_and_a_finished_one_begins_only_anew():
    asked = {"sealed": "y", "source": SOURCE}
    assert rules.asked_again(NEW, 1.0, **asked, is_anew=True) is NEW
    done = replace(PART, is_last=True)
    over = rules.advanced(rules.claimed(NEW, 0.0, holder="a"), 1.0, holder="a", done=done)
    assert rules.asked_again(over, 2.0, **asked, is_anew=False) is over
    anew = rules.asked_again(over, 2.0, **asked, is_anew=True)
    assert (anew.cursor, anew.round, anew.counted, anew.due_at) == ("", 2, Counted(), 2.0)


@given(st.text(min_size=1, alphabet=st.characters(codec="utf-8", exclude_categories=("Cs",))), st.integers(0, 10**12))
def test_any_key_is_read_as_it_is(key: str, size: int):
    bucket = Bucket({key: b""})
    body = bucket.listing({"max-keys": "9"}).replace(b"<Size>0</Size>", f"<Size>{size}</Size>".encode())
    listing = read_listing(body)
    assert (list(listing.objects), listing.is_last) == ([Listed(key=key, size_bytes=size)], True)


@given(st.binary(max_size=300))
def test_no_answer_of_a_stranger_does_more_than_be_refused(body: bytes):
    for sent in (body, b"<ListBucketResult><IsTruncated>" + body + b"</IsTruncated></ListBucketResult>"):
        with contextlib.suppress(NoListing):
            read_listing(sent)


def test_an_encoding_that_nobody_knows_is_no_listing():
    with pytest.raises(NoListing):
        read_listing(b'<?xml version="1.0" encoding="foo"?><ListBucketResult/>')


def test_entities_are_refused_before_they_grow():
    entities = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    body = f'<!DOCTYPE x [<!ENTITY a0 "x">{entities}]><ListBucketResult>&a9;</ListBucketResult>'
    for encoded in (body.encode(), body.encode("utf-16")):
        with pytest.raises(NoListing):
            read_listing(encoded)


def test_a_sealed_key_opens_for_its_import_and_its_platform_alone():
    key, vault = Credentials(key_id="AKID", secret="very secret", token=None), Vault(b"s" * 32)
    sealed = vault.sealed(key, "i1")
    assert vault.opened(sealed, "i1") == key
    assert vault.sealed(key, "i1") != sealed
    for other, import_id in ((vault, "i2"), (Vault(b"t" * 32), "i1")):
        with pytest.raises(SecretChanged):
            other.opened(sealed, import_id)
    assert "secret" not in f"{key!r}{sealed}"
