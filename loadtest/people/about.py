"""Which platform a run was made against, and when."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from quorate.connection import is_loopback

SERVICES = "/api/admin/services"
SILENT = timedelta(seconds=30)
"""A replica that was silent for so long has probably ended."""
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a platform said of itself: how many replicas of what there are, by version. `problem`: why it did not."""

    at: datetime
    replicas: Mapping[str, int] = field(default_factory=dict[str, int])
    problem: str = ""

    def __str__(self) -> str:
        return self.problem or ", ".join(f"{count} x {name}" for name, count in self.replicas.items()) or "no replicas"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The address, without what may be secret in it, and the platform before and after the run."""

    url: str
    before: Seen
    after: Seen


def look(url: str) -> Seen:
    """Ask a platform for its replicas; one that does not answer, or does not tell, is no error here."""
    now = datetime.now(UTC)
    try:
        answer = httpx.get(
            f"{url.rstrip('/').removesuffix('/api')}{SERVICES}",
            headers={"X-Quorate-User": "loadtest"},
            timeout=TIMEOUT_S,
            trust_env=not is_loopback(url),
        )
        return Seen(at=now, replicas=replicas(answer.raise_for_status().json()))
    except httpx.HTTPStatusError as error:
        return Seen(at=now, problem=f"it does not tell: {error.response.status_code}")
    except httpx.HTTPError as error:
        return Seen(at=now, problem=f"no answer: {error or type(error).__name__}")
    except (ValueError, KeyError, TypeError):
        return Seen(at=now, problem="it is no platform of this version")


def replicas(told: Any) -> dict[str, int]:
    """How many replicas of what there are, those left out that have ended: `task-manager 0.1.0` and so on."""
    as_of = datetime.fromisoformat(told["as_of"])
    alive = [one for one in told["services"] if as_of - datetime.fromisoformat(one["last_seen_at"]) < SILENT]
    names = (f"{one['service']} {one['version']} ({one['profile']})" for one in alive)
    return dict(sorted(Counter(names).items()))


def without_secrets(url: str) -> str:
    """An address without user, password and query."""
    return str(httpx.URL(url).copy_with(username=None, password=None, query=None, fragment=None))
