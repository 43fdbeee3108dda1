"""Our own secrets by their form, for detect-secrets: API keys, and secrets of webhooks (Standard Webhooks)."""

import re
from collections.abc import Generator
from typing import Any

from detect_secrets.plugins.base import RegexBasedDetector

from shared.errors import Unauthenticated
from shared.identity.keys import key_id_of


class QuorateKeyDetector(RegexBasedDetector):
    """Keys of which the checksum is right, so that no key is made up by chance, and examples of docs are none."""

    secret_type = "Quorate key"
    denylist = (re.compile(r"\bqk_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}\b"),)

    def analyze_string(self, string: str, **kwargs: Any) -> Generator[str, None, None]:
        for found in super().analyze_string(string, **kwargs):
            try:
                key_id_of(found)
            except Unauthenticated:
                continue
            yield found


class WebhookSecretDetector(RegexBasedDetector):
    """`whsec_` and the base64 of 24 to 64 bytes."""

    secret_type = "Webhook secret"
    denylist = (re.compile(r"\bwhsec_[A-Za-z0-9+/]{32,88}={0,2}"),)
