"""What the accounts service tells the others: who may come, and what was written down."""

from collections.abc import Callable, Sequence
from typing import Any

from services.accounts.credentials import Key, Session
from services.accounts.domain import Person
from services.accounts.erasure import ErasedPerson
from shared import events
from shared.events import AccessTold, Message
from shared.identity.told import KeyTold, MembershipTold, PersonTold

SOURCE = "quorate/accounts"
Announce = Callable[[Any, Any, float], Sequence[Message]]
"""What the others must hear of a state that changed: before (None where it is new), after, and the time."""


def erased_told(before: Any, after: Any, _now: float) -> Sequence[Message]:
    """For a platform in one process, whose services ask the store itself who may come: they hear who was erased."""
    match after:
        case ErasedPerson() if after.is_told and (before is None or not before.is_told):
            return [person_erased(after)]
        case _:
            return ()


def told(before: Any, after: Any, now: float) -> Sequence[Message]:
    """What the other services must know of a key, a person or a session, to know callers by themselves."""
    match after:
        case Key() if before is None or before.revoked_at != after.revoked_at:
            return [access_told(f"{after.id}/told-{int(after.revoked_at is not None)}", after.id, now, keys=[after])]
        case Person():
            return [access_told(f"{after.id}/told-{after.revision}", after.id, now, people=[after])]
        case Session() if after.ended_at is not None:
            return [access_told(f"{after.id}/ended", after.id, now, ended=[after.id])]
        case _:
            return erased_told(before, after, now)


def person_erased(erased: ErasedPerson) -> Message:
    data = events.PersonErased(person=erased.id, pseudonym=erased.pseudonym, at=erased.erased_at)
    attributes = events.envelope(event_id=f"{erased.id}/erased", source=SOURCE, subject=erased.id, at=erased.erased_at)
    return events.message(events.PersonErasedV1(**attributes, data=data))


def access_told(
    event_id: str,
    subject: str,
    now: float,
    *,
    keys: Sequence[Key] = (),
    people: Sequence[Person] = (),
    ended: Sequence[str] = (),
) -> Message:
    data = AccessTold(at=now, keys=tuple(map(_key, keys)), people=tuple(map(_person, people)), ended=tuple(ended))
    attributes = events.envelope(event_id=event_id, source=SOURCE, subject=subject, at=now)
    return events.message(events.AccessToldV1(**attributes, data=data))


def _key(key: Key) -> KeyTold:
    return KeyTold(
        id=key.id,
        digest=key.digest,
        person=key.person,
        team=key.team,
        roles=key.roles,
        expires_at=key.expires_at,
        is_revoked=key.revoked_at is not None,
    )


def _person(person: Person) -> PersonTold:
    memberships = [MembershipTold(team=one.team, roles=one.roles) for one in person.memberships if one.is_active]
    return PersonTold(
        id=person.id,
        revision=person.revision,
        name=person.name,
        epoch=person.epoch,
        kept_session=person.kept_session,
        memberships=tuple(memberships),
    )
