"""What knowing the callers costs the label loop: a platform that does beside one that does not, in turns."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

import httpx

from loadtest.bench.cycles import Phase, stock
from loadtest.command import BUILD
from loadtest.crowd import owner
from loadtest.crowd.operators import Shift, Worked, work
from loadtest.errors import MeasurementFailed
from loadtest.measures import Numbers
from loadtest.pictures import photographs
from loadtest.platform_process import PlatformProcess, working_folder

TURNS = 15
SECONDS = 1.5
"""Short, so that both platforms of a turn meet the same machine, and many, so that the median does not hang on one."""
TURN_WARM_S = 0.5
PHASE = Phase(32, 1, 800, "access")
PASSWORD = "correct horse battery"  # noqa: S105 - of people who are made up
_LINK = re.compile(r'/link#([^\s"]+)')


def measure() -> Numbers:
    """Cycles a second of 32 operators with keys, over those of 32 operators who only say their names."""
    forms = owner.forms(photographs(BUILD / "bench-pictures"))
    wanted = int(PHASE.most * TURNS * (SECONDS + TURN_WARM_S) / 2)
    with ExitStack() as stack:
        folders = {auth: stack.enter_context(working_folder(f"bench-auth-{auth}")) for auth in ("off", "on")}
        for folder in folders.values():
            with PlatformProcess(folder) as platform:
                asyncio.run(stock(platform.port, forms, wanted, "access"))
        platforms = {auth: stack.enter_context(PlatformProcess(folder, auth=auth)) for auth, folder in folders.items()}
        names = {
            "off": [f"op-{number}" for number in range(PHASE.operators)],
            "on": keys(platforms["on"], PHASE.operators),
        }
        return _compared(platforms, names)


def _compared(platforms: dict[str, PlatformProcess], names: dict[str, list[str]]) -> Numbers:
    """Each turn compares its own two rates; what the processor did for a cycle is told beside it."""
    worked: dict[str, list[Worked]] = {auth: [] for auth in platforms}
    for turn in range(TURNS):
        for auth in sorted(platforms, reverse=turn % 2 == 0):
            worked[auth].append(asyncio.run(_turn(platforms[auth], names[auth])))
    ratios = [on.cycles / off.cycles for on, off in zip(worked["on"], worked["off"], strict=True)]
    costs = [_cost(off) / _cost(on) for on, off in zip(worked["on"], worked["off"], strict=True)]
    print(f"  on over off, turn by turn: {', '.join(f'{one:.2f}' for one in ratios)}", flush=True)
    print(f"  processor time of a cycle, off over on: {', '.join(f'{one:.2f}' for one in costs)}", flush=True)
    return {
        "access_cycles_per_s": median(one.cycles / one.wall_s for one in worked["on"]),
        "access_over_without": median(ratios),
        "access_processor_over_without": median(costs),
    }


def _cost(worked: Worked) -> float:
    return worked.server_cores * worked.wall_s / worked.cycles


async def _turn(platform: PlatformProcess, names: Sequence[str]) -> Worked:
    return await work(platform, names, Shift(batch=PHASE.batch), seconds=SECONDS, warm_s=TURN_WARM_S)


def keys(platform: PlatformProcess, count: int) -> list[str]:
    """A key for each of so many operators, made as people would make them."""
    said = _LINK.search((platform.folder / "stdout.log").read_text())
    if said is None:
        raise MeasurementFailed("the platform printed no link for its first admin")
    with httpx.Client(base_url=platform.url, timeout=60) as http:
        admin = _signed_in(http, said[1], "admin")
        made: list[str] = []
        for number in range(count):
            url = _made(http, "/api/invitations", {"roles": ["operator"]}, admin)["url"]
            operator = _signed_in(http, url.partition("#")[2], f"op-{number}")
            made.append(_made(http, "/api/me/keys", {"name": "bench"}, operator)["secret"])
    return made


def _signed_in(http: httpx.Client, token: str, name: str) -> str:
    """The cookies of a person who took a link. They are for https, or this machine: a client would not send them."""
    answer = http.post("/api/sessions/link", json={"token": token, "name": name, "password": PASSWORD})
    answer.raise_for_status()
    http.cookies.clear()
    return "; ".join(one.partition(";")[0] for one in answer.headers.get_list("set-cookie"))


def _made(http: httpx.Client, path: str, body: object, cookies: str) -> dict[str, str]:
    answer = http.post(path, json=body, headers={"Cookie": cookies, "X-Quorate-Request": "1"})
    answer.raise_for_status()
    return answer.json()
