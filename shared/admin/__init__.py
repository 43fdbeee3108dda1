"""For the people who run the platform: dead letters, status, and the replicas that report."""

from fastapi import Depends

from shared.access import allow_operating
from shared.identity import Who


async def _operating(who: Who) -> None:
    allow_operating(who)


OPERATING = [Depends(_operating)]
"""What every route here asks first."""
