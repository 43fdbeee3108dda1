"""Consensus runs of tasks, and how operators vote."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from quorate.connection import Connection
from quorate.consensus_shapes import ConsensusResult, ConsensusRun, Method, OperatorsFound, VoterFound
from quorate.errors import NotInTimeError
from quorate.exports import Export, ExportFormat
from quorate.paths import segment
from quorate.retries import RetryPolicy

Pages = Callable[[str, dict[str, str | int | None]], Iterator[Any]]
OVER = frozenset({"finished", "failed"})
LOOK_S = 0.5
WAIT_S = 660.0
"""A run ends after ten minutes at the latest, unless the platform was told otherwise."""
OPERATORS = "/api/admin/operators"
PAGE = 1_000


def run_path(run_id: str, *rest: str) -> str:
    return "/".join(("/api/consensus", segment(run_id), *rest))


class Consensus:
    """Estimates of true labels beside the record, for a task's client, its team's adjudicators and admins."""

    def __init__(self, api: Connection, pages: Pages, retry: RetryPolicy) -> None:
        self._api = api
        self._pages = pages
        self._retry = retry

    def ask(self, task_id: str, methods: Sequence[Method] | None = None) -> ConsensusRun:
        """Asks for a run; the same methods on the same votes are the same run."""
        body: dict[str, Any] = {"task_id": task_id} | ({"methods": list(methods)} if methods else {})
        return cast("ConsensusRun", self._api.json("POST", "/api/consensus", body=body))

    def runs(self, task_id: str) -> list[ConsensusRun]:
        """The latest runs of a task, the newest first."""
        return cast("list[ConsensusRun]", self._api.json("GET", "/api/consensus", params={"task_id": task_id})["items"])

    def run(self, run_id: str) -> ConsensusRun:
        return cast("ConsensusRun", self._api.json("GET", run_path(run_id)))

    def wait(self, run_id: str, timeout_s: float = WAIT_S) -> ConsensusRun:
        """The run once it is over. Raises NotInTimeError."""
        end = self._retry.clock() + timeout_s
        while (run := self.run(run_id))["state"] not in OVER:
            if self._retry.clock() > end:
                raise NotInTimeError(f"the run {run_id} is {run['state']} after {timeout_s:.0f} s")
            self._retry.sleep(LOOK_S)
        return run

    def results(self, run_id: str, *, differs: Method | None = None) -> Iterator[ConsensusResult]:
        """Each image with its label by each method; with `differs` those on which this method differs from the
        record."""
        return cast("Iterator[ConsensusResult]", self._pages(run_path(run_id, "results"), {"differs": differs}))

    def voters(self, run_id: str) -> Iterator[VoterFound]:
        """What the methods believe of each voter, those with most votes first."""
        return cast("Iterator[VoterFound]", self._pages(run_path(run_id, "voters"), {}))

    def export(self, run_id: str, target: Path | BinaryIO, *, file_format: ExportFormat = "jsonl") -> int:
        """Writes the results to a file and says how many bytes; as `Client.export`."""
        export = Export(
            api=self._api,
            retry=self._retry,
            path=run_path(run_id, "export"),
            query={"format": file_format},
            file_format=file_format,
            bom=False,
        )
        return export.write(target)

    def dispute(self, run_id: str, method: Method) -> ConsensusRun:
        """Sends the images on which this method differs from the record to the adjudicators; once, however often."""
        return cast("ConsensusRun", self._api.json("POST", run_path(run_id, "dispute"), body={"method": method}))

    def count_operators(self, timeout_s: float = WAIT_S) -> OperatorsFound:
        """Counts the votes of the team's operators anew, and says how they vote. Raises NotInTimeError."""
        self._api.json("POST", OPERATORS)
        end = self._retry.clock() + timeout_s
        while (found := self.operators())["state"] not in OVER:
            if self._retry.clock() > end:
                raise NotInTimeError(f"the operators' votes were not counted after {timeout_s:.0f} s")
            self._retry.sleep(LOOK_S)
        return found

    def operators(self) -> OperatorsFound:
        """How the team's operators vote, as they were counted last."""
        found = self._operators(None)
        cursor = found["next_cursor"]
        while cursor is not None:
            page = self._operators(cursor)
            found["items"] += page["items"]
            cursor = page["next_cursor"]
        return found

    def _operators(self, cursor: str | None) -> OperatorsFound:
        return cast("OperatorsFound", self._api.json("GET", OPERATORS, params={"limit": PAGE, "cursor": cursor}))
