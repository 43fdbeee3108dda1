"""A campaign: faults after a seeded plan while people work, then heal, finish, drain, read everything and check."""

import itertools
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from quorate.client import Client
from quorate.errors import QuorateError
from tests.chaos.report import Injected, Report
from tests.chaos.run import CLOSER, Say, at_work, audit, started
from tests.chaos.world import Fault, World
from tests.crew.crew import Crew
from tests.crew.people import NotHeard

POLL_S = 0.05
REST_S = 0.5
LEFT = 3
"""So many open images of a task are told of."""
QUIET_S = 0.5
REPLACED = "a key is replaced and revoked"
SIGNED_ANEW = "another key signs tokens"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`fault_every_s`: from the beginning of a fault to that of the next, on average. `pause_s`: see Crew.
    `healed_s`: so long after the last fault, and after an image that was the next to end, another one ends until all
    that can finish has finished (I9): a busy machine is slow, but work that is lost never ends."""

    seconds: float
    seed: int
    fault_every_s: float = 6.0
    operators: int = 8
    uploaders: int = 2
    pause_s: float = 0.6
    order_s: float = 6.0
    backlog: int = 40
    healed_s: float = 60.0


def run(world: World, plan: Plan, say: Say) -> Report:
    report = Report(profile=world.name, seed=plan.seed, seconds=plan.seconds)
    crew = Crew("", plan.seed, order_s=plan.order_s)
    crew.backlog, crew.pause_s = plan.backlog, plan.pause_s
    with started(world, crew, report):
        crew.explained, crew.history.is_every_info_late = world.explained, world.is_every_info_late
        with at_work(world, crew, operators=plan.operators, uploaders=plan.uploaders):
            _inject(world, plan, crew, report, say)
            report.completed_s = finish(world, crew, plan.healed_s, say)
            if crew.people is not None:
                report.refused_after_s = crew.people.refused_after_s
                report.signing_keys_replaced = crew.people.signing_keys_replaced
                report.tokens_shown = crew.people.tokens_shown
        began = time.monotonic()
        report.findings = audit(world, crew)
        report.audit_s = time.monotonic() - began
    return report


def _inject(world: World, plan: Plan, crew: Crew, report: Report, say: Say) -> None:
    chance = random.Random(plan.seed)
    faults = dict(world.faults())
    if crew.people is not None:
        people = crew.people
        faults[REPLACED] = people.replace_a_key
        faults[SIGNED_ANEW] = lambda _chance: people.replace_signing_key(world.replace_signing_key)
    time.sleep(min(2.0, plan.seconds / 10))
    for kind in (REPLACED, SIGNED_ANEW):  # once however short the campaign is, and beside its time
        if kind in faults:
            report.faults.append(_broken_and_healed(kind, faults[kind], chance, crew, plan))
    ended_at = time.monotonic() + plan.seconds
    for kind in _deck(sorted(faults), chance):
        if time.monotonic() > ended_at or crew.failures:
            return
        began = time.monotonic()
        fault = _broken_and_healed(kind, faults[kind], chance, crew, plan)
        report.faults.append(fault)
        told = "nothing acknowledged" if fault.first_success_s is None else f"{fault.first_success_s:.2f} s"
        say(f"{len(report.faults):4} {kind:34} {fault.lasted_s:5.1f} s, then {told}")
        rest_s = plan.fault_every_s * chance.uniform(0.5, 1.5) - (time.monotonic() - began)
        time.sleep(max(0.3, min(rest_s, ended_at - time.monotonic())))


def _deck(kinds: Sequence[str], chance: random.Random) -> Iterator[str]:
    """Every kind once before one comes again."""
    while True:
        yield from chance.sample(kinds, len(kinds))


def _broken_and_healed(kind: str, fault: Fault, chance: random.Random, crew: Crew, plan: Plan) -> Injected:
    began = time.monotonic()
    try:
        fault(chance)
    except NotHeard as error:
        crew.history.violated("I12", str(error))
    healed, healed_at = time.monotonic(), time.time()
    while (success_at := crew.first_success(healed_at)) is None:
        if time.monotonic() - healed > plan.healed_s:
            crew.history.violated("I9", f"{plan.healed_s:.0f} s after '{kind}' nothing was acknowledged")
            return Injected(kind=kind, lasted_s=healed - began, first_success_s=None)
        time.sleep(POLL_S)
    return Injected(kind=kind, lasted_s=healed - began, first_success_s=success_at - healed_at)


def finish(world: World, crew: Crew, healed_s: float, say: Say) -> float:
    """I9: what can finish finishes, and everything is delivered, in time; returns the seconds that it took."""
    healed = time.monotonic()
    deadline = healed + healed_s
    crew.pause_s = 0.05
    crew.end_uploads()
    say(f"uploads ended after {time.monotonic() - healed:.1f} s")
    with crew.client(CLOSER) as client:
        for order in crew.close_orders(client, deadline):
            crew.history.violated("I9", f"{healed_s:.0f} s after the last fault {order} could not be closed")
        say(f"all tasks closed after {time.monotonic() - healed:.1f} s")
        open_orders = [order for order in crew.orders if order.id and not order.is_cancelled]
        fewest = math.inf
        while open_orders and time.monotonic() < deadline:
            opened = {order.id: _open_images(client, order.id) for order in open_orders}
            open_orders = [order for order in open_orders if opened[order.id] is not None]
            crew.unfinished = [order.id for order in open_orders]
            if (left := sum(filter(None, opened.values()))) < fewest:
                fewest, deadline = left, time.monotonic() + healed_s
            time.sleep(REST_S)
        for order in open_orders:
            left = f"{order.name} of {order.owner} ({order.id}) is not completed: {_left(client, order.id)}"
            crew.history.violated("I9", f"{healed_s:.0f} s after the last fault {left}")
    say(f"all tasks completed after {time.monotonic() - healed:.1f} s")
    quiet_at = time.monotonic()
    while (backlog := world.backlog()) or time.monotonic() - quiet_at < QUIET_S:
        if backlog:
            quiet_at = time.monotonic()
        if backlog and time.monotonic() > deadline + QUIET_S:
            crew.history.violated("I9", f"{healed_s:.0f} s after the last fault there are still {backlog}")
            break
        time.sleep(REST_S)
    completed_s = quiet_at - healed
    say(f"finished and delivered {completed_s:.1f} s after the last fault")
    return completed_s


def _left(client: Client, task_id: str) -> list[Any]:
    """What is open of a task, as operators see it."""
    try:
        opened = [item["image_id"] for item in itertools.islice(client.results(task_id, state="open"), LEFT)]
        return [dict(client.subtask(image_id)) for image_id in opened]
    except QuorateError as error:
        return [str(error)]


def _open_images(client: Client, task_id: str) -> float | None:
    """How many images of a task are open; None where it is completed, without end where nobody tells."""
    try:
        task = client.task(task_id)
    except QuorateError:
        return math.inf
    return None if task["state"] == "completed" else task["counts"]["open"]
