"""Several processes of the subtask manager on one database."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.subtask_manager import announcements
from services.subtask_manager.store.mongo import MongoSubtaskStore
from shared.mongo.connection import MongoDatabase
from tests.contract.adapters import Cost, ManualClock
from tests.contract.mongo import Commands, Server, database, partial_server


@dataclass
class Replicas:
    """Stores of several processes on one database, with a clock each."""

    stores: list[MongoSubtaskStore]
    clocks: list[ManualClock]
    db: MongoDatabase
    commands: Commands

    def at(self, now: float) -> None:
        for clock in self.clocks:
            clock.now = now


@asynccontextmanager
async def opened_replicas(server: Server = partial_server):
    commands, clocks = Commands(), [ManualClock() for _ in range(3)]
    async with database(commands, server) as db:
        stores = [MongoSubtaskStore(db, clock, announcements.announce) for clock in clocks]
        await asyncio.gather(*(store.prepare() for store in stores))
        yield Replicas(stores, clocks, db, commands)


async def cost_of(replicas, work) -> Cost:
    with replicas.commands.counting() as cost:
        await work
    return cost
