"""The addresses of what a client asks for."""

from urllib.parse import quote


def segment(identifier: str) -> str:
    return quote(identifier, safe="")


def task_path(task_id: str, *rest: str) -> str:
    return "/".join(("/api/tasks", segment(task_id), *rest))


def subtask_path(subtask_id: str, *rest: str) -> str:
    return "/".join(("/api/subtasks", segment(subtask_id), *rest))
