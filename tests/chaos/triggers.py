"""Files by which the harness tells a running service to misbehave, since production code has no switches for it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

COMMIT_LATE = "commit late"
"""While it is there, one planted defect is at its worst."""
VARIABLE = "CHAOS_TRIGGERS"
FSYNC = "fsync"
"""While it is there, files and folders cannot be synced."""
COLLECTED = "collected"
"""The collector has been through since it was asked to."""
REPLAY = "replay"
"""All that was published lately is published again, in another order; the service takes the file away when it is."""
REORDER = "reorder"
"""While it is there, events are published in another order than they happened."""
COLLECT = "collect"
"""From here on objects without an image are collected at once."""


@dataclass(frozen=True)
class Triggers:
    folder: Path

    @classmethod
    def from_environment(cls) -> "Triggers":
        return cls(Path(os.environ[VARIABLE]))

    def set(self, name: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).touch()

    def clear(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def is_set(self, name: str) -> bool:
        return (self.folder / name).exists()

    def await_taken(self, name: str, patience_s: float) -> bool:
        """Whether the service took the file away in time."""
        return self._await(name, is_there=False, patience_s=patience_s)

    def await_set(self, name: str, patience_s: float) -> bool:
        """Whether the service made the file in time."""
        return self._await(name, is_there=True, patience_s=patience_s)

    def _await(self, name: str, *, is_there: bool, patience_s: float) -> bool:
        deadline = time.monotonic() + patience_s
        while self.is_set(name) != is_there:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True
