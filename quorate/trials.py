"""Tasks made for a trial: simulated operators may vote on them."""

from quorate.shapes import Task

MARK = "[trial] "
"""Begins the name of such a task, so that whoever sees it knows what its labels are worth."""


def is_trial(task: Task) -> bool:
    return task["name"].startswith(MARK)
