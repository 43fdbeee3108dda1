"""The real servers that `make services` started: where they are, or why a test cannot have them."""

import os
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

import pytest

ENV_FILE = Path(os.environ.get("SERVICES_ENV", Path(__file__).parents[1] / "build/services/services.env"))
"""Written by `make services`: one `NAME=value` a line, as the services take them from the environment."""
NAMES = {
    "MongoDB": "QUORATE_MONGO_URL",
    "RabbitMQ": "QUORATE_AMQP_URL",
    "S3": "QUORATE_S3_ENDPOINT",
}


@lru_cache
def environment() -> dict[str, str]:
    """What the services need to be told to work on these servers."""
    if not ENV_FILE.exists():
        return {}
    lines = ENV_FILE.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def need(server: str) -> dict[str, str]:
    """The environment, where the server was started; else the test is skipped, or fails where servers are required."""
    found = environment()
    if NAMES[server] not in found:
        lacks(f"no {server} server: `make services` starts one")
    return found


def lacks(reason: str) -> NoReturn:
    """Skip for this reason, or fail where nothing may be missing."""
    if os.environ.get("QUORATE_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
