"""`python -m tests.page.check URL TASK`: the history checker, for browser tests.

Standard input is JSON: `labels`, `pictures` (the folder of those that were sent) and the `votes` that the page called
saved, each with `subtask`, `voter` and `label`. Prints counts of what was checked; ends with 1 and what is wrong.
"""

import hashlib
import json
import sys
import time
from pathlib import Path

from quorate.client import Client
from shared.terms import QuorumPolicy
from tests.crew.crew import until
from tests.crew.history import Checker, History

DEADLINE_S = 60


def main(url: str, task: str) -> None:
    said = json.load(sys.stdin)
    history = History()
    for vote in said["votes"]:
        history.invoke("vote", vote["voter"], subtask=vote["subtask"], label=vote["label"]).end("ok", status=200)
    sent = [path.read_bytes() for path in Path(said["pictures"]).iterdir()]
    pictures = {hashlib.sha256(data).hexdigest(): data for data in sent}
    with Client(url, user="client") as client:
        policy = QuorumPolicy(**client.task(task)["quorum"])
        deadline = time.monotonic() + DEADLINE_S
        until(lambda: client.task(task)["state"] == "completed", deadline, "every image has its votes")
        json.dump(Checker(history, client, task, said["labels"], pictures, policy).check(), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
