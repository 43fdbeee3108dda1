"""kill -9 while webhooks are sent: none is lost, each is signed, and one that comes again has the same id."""

import os
import random
from pathlib import Path

import pytest

from tests.webhooks.drill import drill

DELIVERIES = int(os.environ.get("QUORATE_DELIVERIES", "600"))
KILLS = int(os.environ.get("QUORATE_KILLS", "3"))
SEED = int(os.environ.get("QUORATE_SEED") or random.SystemRandom().randrange(10**9))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_no_delivery_is_lost_by_kills(tmp_path: Path, tell):
    tell(f"QUORATE_SEED={SEED} QUORATE_KILLS={KILLS} QUORATE_DELIVERIES={DELIVERIES}")
    found = drill(tmp_path, deliveries=DELIVERIES, kills=KILLS, seed=SEED)
    tell(str(found))
    assert found.faults == []
    assert found.requests >= DELIVERIES
    assert found.refused > 0
