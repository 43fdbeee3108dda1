"""Somebody who has tasks estimated, sends what is doubted to the adjudicators, and exports, whatever happens."""

import json
import random
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.client import Client
from quorate.consensus_shapes import Method
from quorate.exports import ExportFormat
from tests.crew.history import Operation, shown
from tests.crew.orders import Order

if TYPE_CHECKING:
    from tests.crew.crew import Crew

NAME = "estimator"
EXPORTS = "an export"
REST_S = 2.0
REASONS = frozenset({404, 409, 410})
"""No image of the task has ended yet, as far as the consensus service was told; or the task was cancelled."""
METHODS: tuple[Method, ...] = ("majority", "ds", "mace")
FORMATS: tuple[ExportFormat, ...] = ("jsonl", "imagefolder")


class Estimator:
    """What is acknowledged is noted: each run ends, and what an export that ended tells is the record."""

    def __init__(self, crew: "Crew") -> None:
        self._crew = crew
        self._chance = random.Random(f"{crew.seed} {NAME}")

    def run(self) -> None:
        crew, chance = self._crew, self._chance
        with crew.client(NAME) as client, tempfile.TemporaryDirectory() as folder:
            while not crew.work_ended.wait(REST_S * chance.uniform(0.5, 1.5)):
                known = [one for one in crew.orders if one.id and not one.is_cancelled]
                order = chance.choice(known[-10:])
                if chance.random() < 0.5:
                    self._export(client, order, Path(folder))
                else:
                    self._estimate(client, order)

    def _estimate(self, client: Client, order: Order) -> None:
        """Ask for a run, and send what an earlier one of the task doubts."""
        methods = [one for one in METHODS if self._chance.random() < 0.7] or ["ds"]
        with self._crew.history.recorded("estimate", NAME, task=order.id) as asked:
            asked.end("ok", status=202, answer=client.consensus.ask(order.id, methods))
        self._judge(asked)
        if asked.outcome == "ok":
            self._crew.runs[asked.answer["id"]] = order.id
        with self._crew.history.recorded("runs", NAME, task=order.id) as listed:
            listed.end("ok", status=200, answer=client.consensus.runs(order.id))
        self._judge(listed)
        for run in [one for one in listed.answer or [] if one["state"] == "finished"][-1:]:
            with self._crew.history.recorded("doubt", NAME, task=order.id) as sent:
                sent.end("ok", status=202, answer=client.consensus.dispute(run["id"], run["methods"][0]))
            self._judge(sent)

    def _export(self, client: Client, order: Order, folder: Path) -> None:
        """One that breaks off goes on the next time, if the task has not changed."""
        form = self._chance.choice(FORMATS)
        target = folder / f"{order.id}.{form}"
        with self._crew.history.recorded("export", NAME, task=order.id) as operation:
            client.export(order.id, target, file_format=form)
            operation.end("ok", status=200)
        self._judge(operation)
        if operation.outcome == "ok":
            for item in rows_of(target):
                if item["state"] != "open":
                    self._crew.history.sight(EXPORTS, item["image_id"], shown(item))
            target.unlink()

    def _judge(self, operation: Operation) -> None:
        if operation.outcome == "fail" and operation.status not in REASONS:
            self._crew.history.violated("answers", f"a refusal that there is no reason for: {operation}")
        self._crew.note_fault(operation)


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The images of an export, as it tells of them; raises where it is not whole."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_bytes().splitlines()]
    with zipfile.ZipFile(path) as archive:
        if (broken := archive.testzip()) is not None:
            raise ValueError(f"{broken} in {path.name} is broken")
        return [json.loads(line) for line in archive.read("votes.jsonl").splitlines()]
