"""How many images of a team are stored and wait to be opened, about.

The queues are those of all teams, and say nothing of whose images are in them. So the batches that the task manager
broadcasts are counted, without those that are older than the newest image which was opened here: a queue is handled in
the order in which images were stored. A broadcast may be lost; then nobody waits for its images.
"""

from collections import deque

from cachetools import LRUCache
from pydantic import ValidationError

from shared.stored_images import ImagesStored

TEAMS = 4_096
BATCHES = 1_000
"""Of one team: more are not told apart."""
ROUNDED_S = 0.001
"""Times in events are rounded."""


class OnTheWay:
    """What was stored for each team, and up to when this process has opened it."""

    def __init__(self) -> None:
        self._stored: LRUCache[str, deque[ImagesStored]] = LRUCache(TEAMS)
        self._opened_to = 0.0

    def heard(self, body: bytes) -> None:
        """Take in what was broadcast; what tells of no images is passed over."""
        try:
            batch = ImagesStored.model_validate_json(body)
        except ValidationError:
            return
        self._stored.setdefault(batch.stored_for_team, deque(maxlen=BATCHES)).append(batch)

    def opened(self, stored_at: float) -> None:
        """An image that was stored then was opened."""
        self._opened_to = max(self._opened_to, stored_at + ROUNDED_S)

    def of(self, team: str) -> int:
        """How many images of a team are on their way."""
        batches = self._stored.get(team)
        while batches and batches[0].stored_at <= self._opened_to:
            batches.popleft()
        return sum(batch.images_stored for batch in batches or ())
