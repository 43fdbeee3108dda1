"""HTTP in and out of the accounts service."""

import re
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from services.accounts import credentials, keys, people, shapes, signing_in, wire
from services.accounts.credentials import Key
from services.accounts.domain import Person
from services.accounts.handlers import Resources, doer
from services.accounts.signing_in import SignedIn
from shared.access import allow, allow_operating
from shared.audit import Doer
from shared.errors import Unauthenticated
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.paging import Cursor, Limit, Pages, cut, read_cursor
from shared.http.requests import bounded
from shared.identity import NAMED, Caller, Who, caller_of
from shared.identity.authenticator import ACCESS_COOKIE, SESSION_COOKIE, cookie_of, refuse_unless_page
from shared.identity.keys import ID_DIGITS
from shared.identity.roles import ROLES
from shared.identity.tokens import LIFETIME_S

NAME_KEY = re.compile(r"[^\x00-\x1f\x7f]{1,300}")
KEY_ID = re.compile(f"[0-9A-Za-z]{{{ID_DIGITS}}}")
NOT_KEPT = {"Cache-Control": "no-store"}
"""For answers that hold a secret, or that are others for the next caller."""


def _router(tag: str) -> APIRouter:
    return APIRouter(prefix="/api", tags=[tag], route_class=bounded(), responses=problems.RESPONSES)


def off_router() -> APIRouter:
    """What the page asks first, where authentication is off."""
    routes = _router("sessions")

    @routes.get("/session", response_model=wire.SessionShown)
    async def session(request: Request) -> Response:
        return json_answer(shapes.trusted_shown(await caller_of(request.scope)), headers=NOT_KEPT)

    return routes


def session_router(resources: Resources) -> APIRouter:
    """Signing in and out. Anyone may ask; what a session does is proven by its cookie."""
    routes = _router("sessions")

    @routes.get("/session", response_model=wire.SessionShown)
    async def session(request: Request) -> Response:
        try:
            return await _told(resources, await signing_in.session_of(resources, _session_cookie(request)))
        except Unauthenticated:
            needs_first = not await resources.store.has_people()
            shown = shapes.nobody_shown(needs_first_admin=needs_first, provider=_provider(resources))
            return json_answer(shown, headers=NOT_KEPT)

    @routes.post("/sessions", response_model=wire.SessionShown)
    async def sign_in(wanted: wire.SignIn, request: Request) -> Response:
        signed_in = await signing_in.sign_in(
            resources, name=wanted.name, password=wanted.password, address=address_of(request)
        )
        return await signed_in_answer(resources, signed_in)

    @routes.post("/sessions/link", response_model=wire.SessionShown)
    async def link(wanted: wire.LinkRequest, request: Request) -> Response:
        if wanted.name is None or wanted.password is None:
            refuse_unless_page(request.scope[NAMED])
        signed_in = await signing_in.take_link(
            resources,
            link=wanted.token,
            name=wanted.name,
            password=wanted.password,
            cookie=_session_cookie(request),
            address=address_of(request),
        )
        return await signed_in_answer(resources, signed_in)

    @routes.post("/sessions/refresh", response_model=wire.SessionShown)
    async def refresh(request: Request) -> Response:
        refuse_unless_page(request.scope[NAMED])
        return await signed_in_answer(resources, await signing_in.refresh(resources, _session_cookie(request)))

    @routes.post("/sessions/team", response_model=wire.SessionShown)
    async def choose_team(wanted: wire.TeamChoice, request: Request, who: Who) -> Response:
        return await signed_in_answer(
            resources, await signing_in.work_in(resources, who, wanted.team, address_of(request))
        )

    @routes.delete("/sessions", status_code=204)
    async def sign_out(request: Request) -> Response:
        refuse_unless_page(request.scope[NAMED])
        await signing_in.sign_out(resources, _session_cookie(request), address_of(request))
        answer = Response(status_code=204)
        forget_cookies(answer)
        return answer

    return routes


def own_router(resources: Resources) -> APIRouter:
    """What people do with their own account."""
    routes = _router("accounts")

    @routes.post("/me/password", status_code=204)
    async def change_password(wanted: wire.PasswordChange, request: Request, who: Who) -> Response:
        await signing_in.change_password(
            resources, who, current=wanted.current, new=wanted.new, address=address_of(request)
        )
        return Response(status_code=204)

    @routes.get("/me/keys", response_model=wire.KeysShown)
    async def own_keys(who: Who) -> Response:
        found = await keys.keys_of(resources, who)
        return json_answer({"items": [shapes.key_shown(key) for key in found]})

    @routes.post("/me/keys", status_code=201, response_model=wire.NewKeyShown)
    async def make_key(wanted: wire.KeyRequest, request: Request, who: Who) -> Response:
        key, secret = await keys.make_key(
            resources,
            who,
            _doer(who, request),
            name=wanted.name,
            roles=wanted.roles,
            expires_at=None if wanted.expires_at is None else wanted.expires_at.timestamp(),
        )
        return json_answer(shapes.key_shown(key) | {"secret": secret}, 201, NOT_KEPT)

    @routes.delete("/me/keys/{key_id}", status_code=204)
    async def revoke_own(key_id: str, request: Request, who: Who) -> Response:
        await keys.revoke(resources, _doer(who, request), key_id, person=who.id)
        return Response(status_code=204)

    @routes.get("/teams", response_model=wire.TeamsShown)
    async def teams(who: Who) -> Response:
        person = await resources.store.people.find(who.id)
        found = await signing_in.teams_in(resources, person)
        return json_answer({"items": [shapes.team_shown(team) for team in found]})

    return routes


def admin_router(resources: Resources) -> APIRouter:
    """What admins do for the team that they work in."""
    routes = _router("administration")
    pages = Pages()
    _add_people(routes, resources, pages)
    _add_invitations(routes, resources)
    _add_keys(routes, resources, pages)

    @routes.post("/teams", status_code=201, response_model=wire.NewTeamShown)
    async def make_team(wanted: wire.TeamRequest, request: Request, who: Who) -> Response:
        allow_operating(who)
        by = _doer(who, request)
        team = await people.make_team(resources, by, wanted.name)
        url = None
        if wanted.invite:
            _, token = await people.invite(resources, replace(by, team=team.id), list(ROLES))
            url = shapes.link_path(token)
        return json_answer(shapes.team_shown(team) | {"invitation_url": url}, 201, NOT_KEPT)

    return routes


def _add_people(routes: APIRouter, resources: Resources, pages: Pages) -> None:
    async def members_of(team: str, after: str, count: int) -> tuple[Any, str]:
        found = await resources.store.members(team, after=after, limit=count + 1)
        return cut(found, count, lambda person: person.name_key)

    @routes.get("/users", response_model=wire.Members)
    async def members(who: Who, cursor: Cursor = None, limit: Limit = 100) -> Response:
        allow(who, "administer")

        def show(person: Person) -> dict[str, Any]:
            return shapes.member_shown(person, who.team)

        find = partial(members_of, who.team)
        return await pages.answer(find, show, after=read_cursor(cursor, NAME_KEY), limit=limit)

    @routes.get("/users/names", response_model=wire.Names)
    async def names(who: Who, cursor: Cursor = None, limit: Limit = 100) -> Response:
        """What the ids in tasks and votes stand for."""
        allow(who, "read tasks")
        find = partial(members_of, who.team)
        return await pages.answer(find, shapes.holder_shown, after=read_cursor(cursor, NAME_KEY), limit=limit)

    @routes.get("/users/operators", response_model=wire.Operators)
    async def operators(who: Who, cursor: Cursor = None, limit: Limit = 100) -> Response:
        allow(who, "invite operators")

        async def find(after: str, count: int) -> tuple[Any, str]:
            return await people.operators(resources, who.team, after, count)

        return await pages.answer(find, shapes.holder_shown, after=read_cursor(cursor, NAME_KEY), limit=limit)

    @routes.patch("/users/{person_id}", response_model=wire.MemberShown)
    async def change_member(person_id: str, wanted: wire.MemberChange, request: Request, who: Who) -> Response:
        allow(who, "administer")
        person = await people.change_member(
            resources, _doer(who, request), person_id, roles=wanted.roles, is_active=wanted.is_active
        )
        return json_answer(shapes.member_shown(person, who.team))

    @routes.delete("/users/{person_id}", status_code=204)
    async def remove_member(person_id: str, request: Request, who: Who) -> Response:
        allow(who, "administer")
        await people.remove_member(resources, _doer(who, request), person_id)
        return Response(status_code=204)


def _add_invitations(routes: APIRouter, resources: Resources) -> None:
    @routes.get("/invitations", response_model=wire.Invitations)
    async def invitations(who: Who) -> Response:
        allow(who, "administer")
        found = await people.invitations(resources, who.team)
        return json_answer({"items": [shapes.invitation_shown(one) for one in found]})

    @routes.post("/invitations", status_code=201, response_model=wire.NewInvitationShown)
    async def invite(wanted: wire.InvitationRequest, request: Request, who: Who) -> Response:
        allow(who, "administer")
        invitation, token = await people.invite(resources, _doer(who, request), wanted.roles)
        return json_answer(shapes.invitation_shown(invitation) | {"url": shapes.link_path(token)}, 201, NOT_KEPT)

    @routes.delete("/invitations/{invitation_id}", status_code=204)
    async def withdraw(invitation_id: str, request: Request, who: Who) -> Response:
        allow(who, "administer")
        await people.withdraw(resources, _doer(who, request), invitation_id)
        return Response(status_code=204)


def _add_keys(routes: APIRouter, resources: Resources, pages: Pages) -> None:
    @routes.get("/admin/keys", response_model=wire.TeamKeys)
    async def team_keys(who: Who, cursor: Cursor = None, limit: Limit = 100) -> Response:
        allow(who, "administer")

        async def find(after: str, count: int) -> tuple[Any, str]:
            found = await keys.keys_in(resources, who.team, after, count + 1)
            return cut(found, count, _id_of_key)

        return await pages.answer(find, shapes.team_key_shown, after=read_cursor(cursor, KEY_ID), limit=limit)

    @routes.delete("/admin/keys/{key_id}", status_code=204)
    async def revoke(key_id: str, request: Request, who: Who) -> Response:
        allow(who, "administer")
        await keys.revoke(resources, _doer(who, request), key_id, person=None)
        return Response(status_code=204)


async def _told(resources: Resources, signed_in: SignedIn) -> Response:
    teams = await signing_in.teams_in(resources, signed_in.person)
    return json_answer(shapes.session_shown(signed_in, teams, provider=_provider(resources)), headers=NOT_KEPT)


async def signed_in_answer(resources: Resources, signed_in: SignedIn) -> Response:
    """Who is signed in, with a new access cookie, and that of the session where it has just begun."""
    answer = await _told(resources, signed_in)
    set_cookie(answer, ACCESS_COOKIE, signing_in.access_token(resources, signed_in), int(LIFETIME_S))
    if signed_in.secret is not None:
        value = credentials.joined(signed_in.session.id, signed_in.secret)
        set_cookie(answer, SESSION_COOKIE, value, int(resources.lifetimes.absolute_s))
    return answer


def forget_cookies(answer: Response) -> None:
    """Take the cookies of a session from the browser."""
    for name in (SESSION_COOKIE, ACCESS_COOKIE):
        set_cookie(answer, name, "", 0)


def set_cookie(answer: Response, name: str, value: str, max_age: int) -> None:
    """`__Host-`: from this host alone, over TLS or on this machine, for every path, and not for scripts."""
    answer.set_cookie(name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="strict")


def _provider(resources: Resources) -> str | None:
    """What people call the provider that they can sign in with."""
    return None if resources.provider is None else resources.provider.terms.name


def _session_cookie(request: Request) -> str:
    return cookie_of(request.scope[NAMED], SESSION_COOKIE)


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def _doer(who: Caller, request: Request) -> Doer:
    return doer(who, address_of(request))


def _id_of_key(found: tuple[Key, str]) -> str:
    return found[0].id
