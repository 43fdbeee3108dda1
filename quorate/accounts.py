"""People, keys, teams and audit of the platform, where authentication is on."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, cast

import httpx

from quorate.account_shapes import (
    AuditEntry,
    AuditWanted,
    DeviceBegun,
    DeviceOutcome,
    Erasure,
    Invitation,
    Key,
    KeyHolder,
    Member,
    NewInvitation,
    NewKey,
    NewTeam,
    Role,
    Session,
    Team,
    TeamKey,
)
from quorate.connection import Connection
from quorate.errors import BrokenOffError
from quorate.exports import RowFormat
from quorate.paths import segment
from quorate.retries import describe

Pages = Callable[[str, dict[str, str | int | None]], Iterator[Any]]


class Accounts:
    """What a caller does with their own account, and an admin for the team of the key."""

    def __init__(self, api: Connection, pages: Pages) -> None:
        self._api = api
        self._pages = pages

    # Signing in

    def session(self) -> Session:
        """Whether authentication is on, and whether anybody has an account."""
        return cast("Session", self._api.json("GET", "/api/session"))

    def ask_for_key(self, client: str, roles: Sequence[Role] = ()) -> DeviceBegun:
        """Begins what a person has to approve on the page."""
        body = {"client": client, **({"roles": list(roles)} if roles else {})}
        return cast("DeviceBegun", self._api.json("POST", "/api/device", body=body))

    def collect_key(self, device_code: str) -> DeviceOutcome:
        """What became of it; the key is told once."""
        return cast("DeviceOutcome", self._api.json("POST", "/api/device/key", body={"device_code": device_code}))

    # Keys

    def keys(self) -> list[Key]:
        return cast("list[Key]", self._api.json("GET", "/api/me/keys")["items"])

    def make_key(self, name: str, roles: Sequence[Role] = (), expires_at: str | None = None) -> NewKey:
        """A new key of the caller's, with all of their roles where none are named; its `secret` is told this once."""
        body = {"name": name, "expires_at": expires_at, **({"roles": list(roles)} if roles else {})}
        return cast("NewKey", self._api.json("POST", "/api/me/keys", body=body))

    def revoke_key(self, key_id: str) -> None:
        self._api.request("DELETE", f"/api/me/keys/{segment(key_id)}")

    def team_keys(self) -> Iterator[TeamKey]:
        return cast("Iterator[TeamKey]", self._pages("/api/admin/keys", {}))

    def revoke_team_key(self, key_id: str) -> None:
        self._api.request("DELETE", f"/api/admin/keys/{segment(key_id)}")

    # People

    def people(self) -> Iterator[Member]:
        return cast("Iterator[Member]", self._pages("/api/users", {}))

    def operators(self) -> Iterator[KeyHolder]:
        """Those who may label in the team."""
        return cast("Iterator[KeyHolder]", self._pages("/api/users/operators", {}))

    def change_person(
        self, person_id: str, *, roles: Sequence[Role] | None = None, is_active: bool | None = None
    ) -> Member:
        """What is not named stays."""
        wanted = {"roles": None if roles is None else list(roles), "is_active": is_active}
        body = {name: value for name, value in wanted.items() if value is not None}
        return cast("Member", self._api.json("PATCH", f"/api/users/{segment(person_id)}", body=body))

    def remove_person(self, person_id: str) -> None:
        """They leave the team, and their keys of it end."""
        self._api.request("DELETE", f"/api/users/{segment(person_id)}")

    def erase_person(self, person_id: str) -> Erasure:
        """Erases them from the whole platform, for good."""
        return cast("Erasure", self._api.json("POST", "/api/admin/erasures", body={"person": person_id}))

    def erasures(self) -> list[Erasure]:
        """The people who were erased last, the newest first."""
        return cast("list[Erasure]", self._api.json("GET", "/api/admin/erasures")["items"])

    # Teams

    def teams(self) -> list[Team]:
        """The caller's own."""
        return cast("list[Team]", self._api.json("GET", "/api/teams")["items"])

    def make_team(self, name: str, *, invite: bool = False) -> NewTeam:
        """A new team; `invite`: with the path of a link for its admin, told this once."""
        return cast("NewTeam", self._api.json("POST", "/api/teams", body={"name": name, "invite": invite}))

    # Invitations

    def invitations(self) -> list[Invitation]:
        return cast("list[Invitation]", self._api.json("GET", "/api/invitations")["items"])

    def invite(self, roles: Sequence[Role]) -> NewInvitation:
        """A link for one person; its path, `url`, is told this once."""
        return cast("NewInvitation", self._api.json("POST", "/api/invitations", body={"roles": list(roles)}))

    def withdraw(self, invitation_id: str) -> None:
        self._api.request("DELETE", f"/api/invitations/{segment(invitation_id)}")

    # Audit

    def audit(self, wanted: AuditWanted | None = None) -> Iterator[AuditEntry]:
        """Who did what in the team, the newest first; only what is wanted."""
        return cast("Iterator[AuditEntry]", self._pages("/api/admin/audit", _query(wanted)))

    def export_audit(
        self, target: BinaryIO, wanted: AuditWanted | None = None, *, file_format: RowFormat = "jsonl"
    ) -> None:
        """The same, all in one file."""
        query = _query(wanted) | {"format": file_format}
        with self._api.stream("/api/admin/audit/export", params=query, accept="*/*") as response:
            try:
                target.writelines(response.iter_bytes())
            except httpx.TransportError as error:
                raise BrokenOffError(f"the export broke off: {describe(error)}") from error


def _query(wanted: AuditWanted | None) -> dict[str, str | int | None]:
    return cast("dict[str, str | int | None]", dict(wanted or {}))
