"""The distributed platform on a replica set: its majority lags, its primary fails over, its answers are lost."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from tests.chaos.distributed_world import DistributedWorld
from tests.chaos.in_thread import InThread
from tests.chaos.world import Fault as Befalls
from tests.replica.faults import NOT_NOW, UNSAFE, Fault
from tests.replica.members import WRITES
from tests.replica.replica_set import ReplicaSet, replica_set

CHANGES = tuple(WRITES)
ALSO = (
    "kill the database",
    "freeze the database",
    "kill a task_manager",
    "kill a subtask_manager",
    "kill every subtask_manager",
    "events again and out of order",
)
"""Faults of a distributed world that happen here as well."""
Meets = Callable[[random.Random], Fault]


def loses_answers(chance: random.Random) -> Fault:
    return Fault(how="unanswered", commands=CHANGES, share=chance.uniform(0.2, 1.0))


def refuses(chance: random.Random) -> Fault:
    return Fault(how="refused", code=chance.choice(NOT_NOW), share=chance.uniform(0.2, 1.0))


def refuses_statements(chance: random.Random) -> Fault:
    return Fault(how="unwritten", code=chance.choice(NOT_NOW), commands=CHANGES, share=chance.uniform(0.2, 1.0))


def is_unsafe(chance: random.Random) -> Fault:
    return Fault(how="unsafe", code=chance.choice(UNSAFE), commands=CHANGES, share=chance.uniform(0.2, 1.0))


class ReplicaWorld(DistributedWorld):
    """Takes what a distributed world takes."""

    name = "replica"
    _set: InThread[ReplicaSet] | None = None

    def start(self, crash_at: str | None = None) -> None:
        self.servers.start()
        self._set = InThread(replica_set(self.servers.mongodb.environment()["QUORATE_MONGO_URL"])).start()
        self.left_out = {"the other faults of storage, broker and services": "the profile 'distributed' has them"}
        super().start(crash_at)

    def stop(self) -> None:
        super().stop()
        if self._set is not None:
            self._set.stop()

    def faults(self) -> Mapping[str, Befalls]:
        others = super().faults()
        return {
            **{kind: others[kind] for kind in ALSO},
            "the majority lags": self._lag,
            "the primary fails over": partial(self._fail_over, None),
            "and lost answers before": partial(self._fail_over, loses_answers),
            "and unsafe writes before": partial(self._fail_over, is_unsafe),
            "the database's answers are lost": partial(self._meet, loses_answers),
            "the database refuses commands": partial(self._meet, refuses),
            "the database refuses writes": partial(self._meet, refuses_statements),
            "the database's writes are unsafe": partial(self._meet, is_unsafe),
        }

    def _told(self, service: str) -> dict[str, str]:
        assert self._set is not None
        return {**super()._told(service), "QUORATE_MONGO_URL": self._set.server.url}

    def _befall(self, work: Callable[[ReplicaSet], Awaitable[None]]) -> None:
        assert self._set is not None
        self._set.befall(work)

    def _lag(self, chance: random.Random) -> None:
        self._befall(partial(_lagging, for_s=chance.uniform(0.5, 4.0)))

    def _fail_over(self, before: Meets | None, chance: random.Random) -> None:
        fault = before(chance) if before is not None else None
        lags_s, away_s, dies = chance.uniform(0.2, 2.0), chance.uniform(0.0, 2.0), chance.random() < 0.5
        self._befall(partial(_failing_over, fault=fault, lags_s=lags_s, away_s=away_s, dies=dies))

    def _meet(self, meets: Meets, chance: random.Random) -> None:
        self._befall(partial(_meeting, fault=meets(chance), for_s=chance.uniform(0.5, 3.0)))


async def _lagging(primary: ReplicaSet, *, for_s: float) -> None:
    await primary.lag()
    await asyncio.sleep(for_s)
    await primary.catch_up()


async def _meeting(primary: ReplicaSet, *, fault: Fault, for_s: float) -> None:
    primary.faults.begin(fault)
    await asyncio.sleep(for_s)
    primary.faults.end()


async def _failing_over(primary: ReplicaSet, *, fault: Fault | None, lags_s: float, away_s: float, dies: bool) -> None:
    await primary.lag()
    if fault is not None:
        primary.faults.begin(fault)
    await asyncio.sleep(lags_s)
    await primary.fail_over(away_s, dies=dies)
    primary.faults.end()
