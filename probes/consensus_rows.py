"""`python -P -m probes.consensus_rows --data-dir DIR --images 200000`: votes on ended images, as the consensus service
would have kept them; prints their task's id. For measurements of runs beside other work.
"""

import argparse
import asyncio
import secrets
import sys
import time
from pathlib import Path

from embedded import data_dir
from probes.consensus_speed import crowd
from probes.seed import BulkDatabase
from services.consensus.row import KnownTask, Row
from services.consensus.store.sqlite import SqliteConsensusStore
from services.consensus.store.sqlite.schema import STEPS
from shared.results import VoteCast

EACH, VOTERS, LABELS = 5, 2_000, 5


async def fill(root: Path, images: int) -> str:
    """So many images with five votes each; returns the id of their task."""
    file = BulkDatabase(root / "consensus.sqlite", STEPS)
    file.open()
    store = SqliteConsensusStore(file, time.time)
    task, now = KnownTask(id=secrets.token_hex(16)), time.time()
    await store.change_task(task.id, lambda _: task)
    _, voters, labels = crowd(images, EACH, VOTERS, LABELS)
    for number in range(images):
        mine = slice(number * EACH, (number + 1) * EACH)
        cast = dict(zip(voters[mine].tolist(), labels[mine].tolist(), strict=True))
        votes = tuple(VoteCast(voter=f"voter-{voter}", label=f"label {label}", at=now) for voter, label in cast.items())
        row = Row(
            image_id=f"{number:032x}",
            task_id=task.id,
            revision=1,
            label=votes[0].label,
            decided_by="quorum",
            completed_at=now,
            votes=votes,
            changed_at=now,
        )
        await store.change_row(row.image_id, lambda _, row=row: row)
    file.save()
    await file.close()
    return task.id


def main() -> int:
    parser = argparse.ArgumentParser(prog="probes.consensus_rows", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--images", type=int, required=True)
    options = parser.parse_args()
    with data_dir.lock(options.data_dir):
        print(asyncio.run(fill(options.data_dir, options.images)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
