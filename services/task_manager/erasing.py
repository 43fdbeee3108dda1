"""Tasks and images without a person who was erased: a pseudonym stands in their place, and every vote counts as before.
Pure."""

from collections.abc import Mapping
from dataclasses import replace

from services.task_manager.domain import Fact, Image, Task, told
from shared.decision import Decision
from shared.results import by_pseudonym


def pseudonymised(image: Image, *, person: str, pseudonym: str) -> Image:
    """The image with the pseudonym wherever the person was named; itself where they were not."""
    after = replace(
        image,
        votes=tuple(replace(vote, voter=pseudonym) if vote.voter == person else vote for vote in image.votes),
        result=image.result and by_pseudonym(image.result, person, pseudonym),
        earlier=tuple(by_pseudonym(one, person, pseudonym) for one in image.earlier),
    )
    return image if after == image else after


def erase_from_image(image: Image, _now: float, *, person: str, pseudonym: str) -> Decision[Image, None]:
    return Decision(state=pseudonymised(image, person=person, pseudonym=pseudonym), answer=None)


def without(image: Image, pseudonyms: Mapping[str, str]) -> Image:
    """The image without people who were erased while a result was on its way that names them."""
    for person, pseudonym in pseudonyms.items():
        image = pseudonymised(image, person=person, pseudonym=pseudonym)
    return image


def erase_from_task(task: Task, _now: float, *, person: str, pseudonym: str) -> Decision[Task, None]:
    """The subtask manager is told of the task as it is now, for it keeps who owns it, who finished it, and who was
    invited to it."""
    order = task.finish
    finish = replace(order, by=pseudonym) if order is not None and order.by == person else order
    invited = task.terms.operators
    terms = replace(task.terms, operators=invited and tuple(one for one in invited if one != person))
    after = replace(task, owner=pseudonym if task.owner == person else task.owner, finish=finish, terms=terms)
    if after == task:
        return Decision(state=task, answer=None)
    return Decision(state=told(after), answer=None, facts=(Fact.CHANGED,))
