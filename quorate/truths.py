"""The true labels of a task's images, where somebody knows them."""

import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import cast

from quorate.shapes import Result

RELOAD_S = 1.0


def read_truth(path: Path) -> dict[str, str]:
    """A JSON object from file name to label; ValueError where it is something else."""
    truth: object = json.loads(path.read_bytes())
    if isinstance(truth, dict):
        entries = cast("dict[str, object]", truth)
        if all(isinstance(label, str) for label in entries.values()):
            return cast("dict[str, str]", entries)
    raise ValueError("not a JSON object from file name to label")


class Truths:
    """True labels by subtask.

    A lease names no file, so the names come from the task's results; images that arrive later make it look again.
    Labels that the task does not have are no truth about it.
    """

    def __init__(
        self, truth: Mapping[str, str], labels: Collection[str], results: Callable[[], Iterable[Result]]
    ) -> None:
        self._exact = {name: label for name, label in truth.items() if label in labels}
        self._by_last_part = _by_last_part(self._exact)
        self._results = results
        self._labels = dict[str, str | None]()
        self._lock = Lock()
        self._loaded_at = float("-inf")

    def label(self, subtask_id: str) -> str | None:
        if not self._exact:
            return None
        with self._lock:
            if subtask_id not in self._labels and time.monotonic() - self._loaded_at > RELOAD_S:
                self._labels = {result["image_id"]: self.of_file(result["filename"]) for result in self._results()}
                self._loaded_at = time.monotonic()
            return self._labels.get(subtask_id)

    def of_file(self, filename: str) -> str | None:
        """By the whole name, else by its last part where only one label goes with that."""
        return self._exact.get(filename) or self._by_last_part.get(PurePosixPath(filename).name)


def _by_last_part(exact: Mapping[str, str]) -> dict[str, str]:
    labels = dict[str, set[str]]()
    for filename, label in exact.items():
        labels.setdefault(PurePosixPath(filename).name, set()).add(label)
    return {name: found.pop() for name, found in labels.items() if len(found) == 1}
