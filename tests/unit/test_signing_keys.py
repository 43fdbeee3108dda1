"""The keys of a data folder: made once, replaced in time, and the one before still good."""

import pytest

from embedded.signing_keys import KEY_S, NAME, KeysUnreadable, signing_keys
from shared.errors import Unauthenticated
from shared.identity.tokens import LIFETIME_S, Claims

NOW = 1_800_000_000.0
CLAIMS = Claims(
    person="p", name="Ann", team="first", roles=("client",), session="s", epoch=0, expires_at=NOW + LIFETIME_S
)


def test_a_key_is_made_once_for_its_owner_alone(tmp_path):
    first = signing_keys(tmp_path, NOW)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    assert signing_keys(tmp_path, NOW + KEY_S - 1) == first


def test_while_one_takes_over_two_are_good(tmp_path):
    first = signing_keys(tmp_path, NOW - KEY_S)
    token = first.signer.token(CLAIMS, NOW)
    second = signing_keys(tmp_path, NOW)
    assert second.key["kid"] != first.key["kid"]
    assert "d" not in (second.previous or {})
    assert second.verifier.verified(token, NOW) == CLAIMS
    assert second.verifier.verified(second.signer.token(CLAIMS, NOW), NOW) == CLAIMS
    third = signing_keys(tmp_path, NOW + KEY_S)
    with pytest.raises(Unauthenticated):
        third.verifier.verified(token, NOW)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"key": 5}'])
def test_a_spoiled_file_is_named_and_not_replaced(tmp_path, text):
    (tmp_path / NAME).write_text(text)
    with pytest.raises(KeysUnreadable, match=NAME):
        signing_keys(tmp_path, NOW)
    assert (tmp_path / NAME).read_text() == text
