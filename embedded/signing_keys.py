"""The keys that sign access tokens, in a file of the data folder that its owner alone can read.

A key is replaced when the platform starts and it is older than `KEY_S`. The public half of the one before is kept, so
that tokens which it signed are good until they expire. Without the file a new key is made, and every page fetches a new
token by its session.
"""

import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from embedded import data_dir
from shared.errors import QuorateError
from shared.identity.tokens import Signer, Verifier, new_key, public

NAME = "signing-keys.json"
KEY_S = 90 * 86_400.0
KID_BYTES = 8


class KeysUnreadable(QuorateError):
    """The file of the signing keys is not one of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeys:
    """A private key as a JSON web key, since when it signs, and the public half of the one before."""

    key: dict[str, str]
    made_at: float
    previous: dict[str, str] | None = None

    @property
    def signer(self) -> Signer:
        return Signer(self.key)

    @property
    def verifier(self) -> Verifier:
        return Verifier([public(self.key), *([self.previous] if self.previous else [])])


def signing_keys(folder: Path, now: float) -> SigningKeys:
    """The keys of a data folder, made or replaced where it is time. Raises KeysUnreadable."""
    data_dir.make(folder)
    path = folder / NAME
    kept = _read(path)
    if kept is not None and now < kept.made_at + KEY_S:
        return kept
    made = SigningKeys(
        key=new_key(secrets.token_hex(KID_BYTES)), made_at=now, previous=None if kept is None else public(kept.key)
    )
    data_dir.write_secret(path, orjson.dumps(asdict(made)))
    return made


def _read(path: Path) -> SigningKeys | None:
    if not path.exists():
        return None
    try:
        return SigningKeys(**orjson.loads(path.read_bytes()))
    except (TypeError, ValueError) as error:
        raise KeysUnreadable(f"{path} cannot be read: restore it, or remove it, and a new key is made") from error
