"""I12: whatever two teams do, in any order, nothing of one is in any answer to the other."""

import asyncio
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.service.access_table import STREAMS_S, Pretended
from tests.service.running import Api, running

TEAMS = ("first", "b2")
HOOK_ACTIONS = ("hook", "hooks", "told", "rotate", "pause")
PLACES = st.integers(0, 3)
ACTIONS = tuple(
    re.findall(
        r"\w+",
        """create upload lease vote skip undo renew batch adjudicate read list results export statistics events several
        disputes show work activity me finish edit seal cancel known picture preferences
        hook hooks told rotate pause""",
    )
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(TEAMS),
        st.sampled_from(ACTIONS),
        st.booleans(),  # whether it names what the other team has
        PLACES,
    ),
    min_size=10,
    max_size=50,
)


@dataclass
class Team:
    """What one team has: everything in here is a secret of its own."""

    name: str
    tasks: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    leases: list[tuple[str, str]] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    signing: list[str] = field(default_factory=list)

    def secrets(self) -> set[str]:
        """All of this team's that no answer to the other may hold, what its people wrote included."""
        tokens = {token for _, token in self.leases}
        hooks = {*self.hooks, *self.signing}
        return {*self.tasks, *self.images, *tokens, *hooks, f"label-{self.name}", f"name-{self.name}", f"@{self.name}"}


def pick(values: list, place: int, otherwise):
    return values[place % len(values)] if values else otherwise


class World:
    """Both teams, and every answer looked through."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.teams = {name: Team(name) for name in TEAMS}

    async def ask(self, team: Team, role: str, method: str, path: str, **content) -> dict:
        """A request of the team's; the answer holds nothing of the other's but what the request said itself."""
        [other] = [one for one in self.teams.values() if one is not team]
        sent = json.dumps(content, default=str) + path
        headers = {"x-as": f"{role}@{team.name}"} | content.pop("headers", {})
        request = self.api.http.request(method, path, headers=headers, **content)
        try:
            got = await asyncio.wait_for(request, STREAMS_S if "events" in path else 60)
        except TimeoutError:
            return {}
        told = got.text + str(dict(got.headers))
        assert {one for one in other.secrets() if one in told and one not in sent} == set(), (method, path, got.text)
        assert got.status_code < 500, got.text
        is_json = got.headers.get("content-type", "").startswith("application/json")
        return got.json() if is_json and got.status_code < 300 else {}

    async def step(self, name: str, action: str, *, is_foreign: bool, place: int) -> None:
        team = self.teams[name]
        [other] = [one for one in self.teams.values() if one is not team]
        of = other if is_foreign else team
        task, image = pick(of.tasks, place, "0" * 32), pick(of.images, place, "0" * 32)
        held, token = pick(of.leases, place, ("0" * 32, "t"))
        if action in HOOK_ACTIONS:
            await self._do_hook(team, action, task=task, hook=pick(of.hooks, place, "0" * 32))
            return
        await getattr(self, f"_{action}", self._get)(team, action, task=task, image=image, lease=(held, token))

    async def _do_hook(self, team: Team, action: str, *, task: str, hook: str) -> None:
        """With webhooks; a webhook may name a task of the other team, and hears nothing of it."""
        wanted = {"url": f"https://name-{team.name}.example/", "events": ["task.completed", "task.erased"]}
        method, path, body = {
            "hook": ("POST", "/api/webhooks", wanted | ({"task_id": task} if task > "8" else {})),
            "hooks": ("GET", "/api/webhooks", None),
            "told": ("GET", f"/api/webhooks/{hook}/deliveries", None),
            "rotate": ("POST", f"/api/webhooks/{hook}/secret", None),
            "pause": ("PATCH", f"/api/webhooks/{hook}", {"is_paused": task > "8"}),
        }[action]
        made = await self.ask(team, "admin", method, path, **({} if body is None else {"json": body}))
        team.hooks += [made["id"]] if action == "hook" and made else []
        team.signing += [made["secret"]] if "secret" in made else []

    async def _create(self, team: Team, *_: object, **__: object) -> None:
        labels = [f"label-{team.name}", "other"]
        body = {"name": f"name-{team.name}", "labels": labels, "quorum": {"votes_required": 2, "max_votes": 2}}
        headers = {"idempotency-key": f"key {len(team.tasks) % 3}"}  # both teams use the same
        made = await self.ask(team, "client", "POST", "/api/tasks", json=body, headers=headers)
        team.tasks += [made["id"]] if "id" in made else []

    async def _upload(self, team: Team, *_: object, task: str, **__: object) -> None:
        files = [("images", ("a.png", self.api.picture()))]
        told = await self.ask(team, "client", "POST", f"/api/tasks/{task}/images", files=files)
        team.images += [one["image_id"] for one in told.get("images", [])]
        await self.api.settled()

    async def _lease(self, team: Team, *_: object, task: str, image: str, **__: object) -> None:
        wanted = {"count": 2, "task_id": None if image < "8" else task}
        got = await self.ask(team, "operator", "POST", "/api/leases", json=wanted)
        team.leases += [(one["subtask_id"], one["token"]) for one in got.get("leases", [])]
        team.urls += [one["image_url"] for one in got.get("leases", [])]

    async def _vote(self, team: Team, *_: object, lease: tuple[str, str], **__: object) -> None:
        vote = {"label": f"label-{team.name}", "token": lease[1]}
        await self.ask(team, "operator", "POST", f"/api/subtasks/{lease[0]}/vote", json=vote)

    async def _batch(self, team: Team, *_: object, lease: tuple[str, str], image: str, **__: object) -> None:
        votes = [{"subtask_id": one, "label": "other", "token": lease[1]} for one in (lease[0], image)]
        votes = votes if votes[0] != votes[1] else votes[:1]
        await self.ask(team, "operator", "POST", "/api/votes", json={"votes": votes})

    async def _adjudicate(self, team: Team, *_: object, image: str, **__: object) -> None:
        decision = {"label": "other", "reason": f"said by @{team.name}"}
        await self.ask(team, "adjudicator", "POST", f"/api/disputes/{image}", json=decision)

    async def _renew(self, team: Team, *_: object, lease: tuple[str, str], **__: object) -> None:
        held = {"leases": [{"subtask_id": lease[0], "token": lease[1]}]}
        await self.ask(team, "operator", "POST", "/api/leases/renew", json=held)

    async def _edit(self, team: Team, *_: object, task: str, **__: object) -> None:
        await self.ask(team, "client", "PATCH", f"/api/tasks/{task}", json={"add_labels": [f"label-{team.name}-2"]})

    async def _finish(self, team: Team, *_: object, task: str, **__: object) -> None:
        await self.ask(team, "client", "POST", f"/api/tasks/{task}/finish", json={"reason": f"by @{team.name}"})

    async def _known(self, team: Team, *_: object, task: str, **__: object) -> None:
        await self.ask(team, "client", "POST", f"/api/tasks/{task}/images/known", json={"sha256": ["0" * 64]})

    async def _picture(self, team: Team, *_: object, task: str, **__: object) -> None:
        for one in team.urls[-1:]:
            await self.ask(team, "operator", "GET", re.sub("^http://[^/]*", "", one))
        await self.ask(team, "operator", "GET", f"/api/renditions/{task}/a.320.jpg")

    async def _get(self, team: Team, action: str, *, task: str, image: str, lease: tuple[str, str]) -> None:
        """What has no body."""
        role, method, path = {
            "read": ("client", "GET", f"/api/tasks/{task}"),
            "list": ("client", "GET", "/api/tasks?q=name&limit=1"),
            "results": ("client", "GET", f"/api/tasks/{task}/results"),
            "export": ("client", "GET", f"/api/tasks/{task}/export"),
            "statistics": ("client", "GET", f"/api/tasks/{task}/statistics"),
            "events": ("client", "GET", f"/api/tasks/{task}/events"),
            "several": ("client", "GET", f"/api/events?task={task}"),
            "disputes": ("adjudicator", "GET", "/api/disputes?limit=1"),
            "show": ("client", "GET", f"/api/subtasks/{image}"),
            "work": ("operator", "GET", "/api/work"),
            "activity": ("operator", "GET", "/api/me/activity"),
            "me": ("adjudicator", "GET", "/api/me"),
            "preferences": ("operator", "GET", "/api/me/preferences"),
            "skip": ("operator", "DELETE", f"/api/leases/{lease[0]}?skip=true"),
            "undo": ("operator", "DELETE", f"/api/subtasks/{lease[0]}/vote"),
            "seal": ("client", "POST", f"/api/tasks/{task}/seal"),
            "cancel": ("client", "DELETE", f"/api/tasks/{task}"),
        }[action]
        await self.ask(team, role, method, path)


async def through(steps: list[tuple[str, str, bool, int]]) -> None:
    with TemporaryDirectory() as folder:
        async with running(Path(folder) / "data") as api:
            api.app.front._authenticator = Pretended()
            world = World(api)
            for name in TEAMS:  # so that there is something to be found
                await world.step(name, "create", is_foreign=False, place=0)
                await world.step(name, "upload", is_foreign=False, place=0)
                await world.step(name, "hook", is_foreign=False, place=0)
            for name, action, is_foreign, place in steps:
                await world.step(name, action, is_foreign=is_foreign, place=place)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example is a platform: to shrink one takes minutes
)
@given(steps=STEPS)
def test_nothing_of_one_team_reaches_the_other(steps):
    asyncio.run(through(steps))
