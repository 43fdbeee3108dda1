"""Programs that are run to their end, and what they printed."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.containers.errors import TrialFailed

TIMEOUT_S = 900


def run(command: Sequence[str], *, told: bytes | None = None, log: Path | None = None, check: bool = True) -> str:
    """Run a program and return what it printed, on both streams.

    told: what it reads. log: where what it printed is kept, too. Raises TrialFailed where it fails or takes longer than
    15 minutes.
    """
    try:
        done = subprocess.run(
            command,
            input=told,
            stdin=subprocess.DEVNULL if told is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TrialFailed(f"{' '.join(command)} did not end within {TIMEOUT_S} s") from None
    text = done.stdout.decode(errors="replace")
    if log is not None:
        with log.open("a") as file:
            file.write(f"$ {' '.join(command)}\n{text}")
    if check and done.returncode:
        raise TrialFailed(f"{' '.join(command)} ended with {done.returncode}:\n{text[-3000:]}")
    return text
