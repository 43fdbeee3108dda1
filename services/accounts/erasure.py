"""The rules of erasing a person: what stays of them, and which services have put the pseudonym in their place. Pure."""

from dataclasses import dataclass, replace

from services.accounts.credentials import Key
from services.accounts.domain import PSEUDONYM, Person, name_key_of
from shared.audit import AuditEntry

SERVICES = ("accounts", "task_manager", "subtask_manager", "consensus")
"""Those that keep something of people."""
DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedPerson:
    """A person who was erased, by their id. is_told: the other services were told. done: when each service was, by its
    name."""

    id: str
    pseudonym: str
    erased_at: float
    is_told: bool = False
    done: tuple[tuple[str, float], ...] = ()


def pseudonym_of(number: int) -> str:
    """A pseudonym from a random number: it can't be computed from anything of the person."""
    return f"{PSEUDONYM}{number % 10**DIGITS:0{DIGITS}d}"


def stub_of(person: Person, pseudonym: str) -> Person:
    """What stays of a person: that there was one, so that no id dangles."""
    return Person(
        id=person.id,
        name=pseudonym,
        name_key=name_key_of(pseudonym),
        created_at=person.created_at,
        epoch=person.epoch + 1,
        revision=person.revision + 1,
    )


def nameless(key: Key, now: float) -> Key:
    """A key of somebody who was erased: it is revoked, and what they called it is gone."""
    return replace(key, name="", revoked_at=key.revoked_at or now)


def without_name(entry: AuditEntry, pseudonym: str) -> AuditEntry:
    """An entry of the audit of somebody who was erased: what they did stays, but not who they were."""
    return replace(entry, actor_name=pseudonym, address="")


def told(erased: ErasedPerson) -> ErasedPerson:
    return replace(erased, is_told=True)


def done_by(erased: ErasedPerson, service: str, at: float) -> ErasedPerson:
    """The first time counts: it may be told again."""
    return erased if service in dict(erased.done) else replace(erased, done=(*erased.done, (service, at)))


def is_over(erased: ErasedPerson) -> bool:
    return erased.is_told and {service for service, _ in erased.done} >= {*SERVICES}
