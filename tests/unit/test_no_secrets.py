"""No secret is in any file that git has: neither of the kinds that detect-secrets knows, nor of our own."""

import shutil
import subprocess
from pathlib import Path

import pytest
from detect_secrets import SecretsCollection
from detect_secrets.core.scan import get_plugins
from detect_secrets.settings import transient_settings

from shared.identity.keys import key_of

ROOT = Path(__file__).parents[2]
OWN = ROOT / "tests/secrets/quorate_secrets.py"
BY_FORM = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)
"""Those that know a secret by its form. What guesses by entropy or by the word `password` finds tests, of which there
are many."""
SETTINGS = {
    "plugins_used": [
        *({"name": name} for name in BY_FORM),
        {"name": "QuorateKeyDetector", "path": f"file://{OWN}"},
        {"name": "WebhookSecretDetector", "path": f"file://{OWN}"},
    ],
    "filters_used": [{"path": "detect_secrets.filters.allowlist.is_line_allowlisted"}],
}


def found_in(paths: list[Path]) -> list[str]:
    """Where a secret stands, and of which kind it is. Files that no form occurs in are passed over: a scan line by line
    of all takes a minute."""
    secrets = SecretsCollection()
    with transient_settings(SETTINGS):
        forms = [form for plugin in get_plugins() for form in plugin.denylist]
        for path in paths:
            text = path.read_bytes().decode("latin-1")
            if any(form.search(text) for form in forms):
                secrets.scan_file(str(path))
    return [f"{name}:{secret.line_number}: {secret.type}" for name, secret in secrets]


def tracked() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no checkout of git: there is no list of files")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_of_the_repository_has_a_secret():
    assert found_in(tracked()) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (key_of("a1B2c3D4e5F6", "x" * 32), "Quorate key"),
        ("whsec" + "_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "Webhook secret"),
        ("-----BEGIN " + "PRIVATE KEY-----", "Private Key"),
        ("AKIA" + "IOSFODNN7EXAMPLE", "AWS Access Key"),
        ("ghp" + "_" + "a" * 36, "GitHub Token"),
    ],
)
def test_a_planted_secret_is_found(tmp_path: Path, text: str, kind: str):
    planted = tmp_path / "planted.py"
    planted.write_text(f"first = 1\nSECRET = '{text}'\n")
    assert found_in([planted]) == [f"{planted}:2: {kind}"]


def test_what_only_looks_like_a_key_is_none(tmp_path: Path):
    planted = tmp_path / "planted.md"
    wrong = key_of("a1B2c3D4e5F6", "x" * 32)[:-1] + "!"
    planted.write_text(f"`qk_<id>_<secret>`, {wrong}, qk_aaaaaaaaaaaa_{'b' * 38}, whsec_short\n")
    assert found_in([planted]) == []
