"""The keys to clients' buckets, as they are stored while an import goes on: encrypted, and for that import alone.

The key that encrypts them is derived from a secret that every replica has and that no database holds: the folder's own,
or that of the platform's S3 server. So neither a backup of the database nor who reads it has them.
"""

import base64
import secrets
from dataclasses import asdict, dataclass

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import QuorateError

KEY_BYTES = 32
NONCE_BYTES = 12
_PURPOSE = b"quorate: keys of imports"


class SecretChanged(QuorateError):
    """What was encrypted cannot be read with the secret of now."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credentials:
    """A key to a bucket. token: of a session, where it is a temporary one."""

    key_id: str
    secret: str
    token: str | None = None


class Vault:
    """Encrypts credentials by AES-256-GCM under a key derived by HKDF-SHA256, each for one import."""

    def __init__(self, secret: bytes) -> None:
        key = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_PURPOSE).derive(secret)
        self._cipher = AESGCM(key)

    def sealed(self, credentials: Credentials, import_id: str) -> str:
        nonce = secrets.token_bytes(NONCE_BYTES)
        text = orjson.dumps(asdict(credentials))
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, text, import_id.encode())).decode()

    def opened(self, sealed: str, import_id: str) -> Credentials:
        """Raises SecretChanged."""
        data = base64.b64decode(sealed)
        try:
            text = self._cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], import_id.encode())
        except InvalidTag:
            raise SecretChanged("the platform's secret was changed since: ask for the import again") from None
        return Credentials(**orjson.loads(text))
