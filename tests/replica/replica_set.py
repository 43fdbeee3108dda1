"""A replica set for tests: a primary that speaks MongoDB's protocol and keeps its data on the partial server.

It does what that server cannot: a majority that lags, a failover that takes back what no majority has, writes that are
done once however often a driver sends them, and any error at any command.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from bson import ObjectId

from tests.replica import faults, wire
from tests.replica.engine import Engine, EngineGone
from tests.replica.faults import Fault, Faults
from tests.replica.members import MAJORITY, WRITES, Done, Members, SteppedDown
from tests.replica.wire import Document, Message

HOST = "127.0.0.1"
GREETINGS = frozenset({"hello", "isMaster", "ismaster"})
READS = frozenset({"find", "aggregate", "count", "distinct"})
CURSORS = frozenset({"getMore", "killCursors"})
ON_BOTH = frozenset({"create", "createIndexes", "dropIndexes", "drop", "dropDatabase"})
OF_THE_SET = frozenset(
    {"lsid", "txnNumber", "readConcern", "writeConcern", "$readPreference", "$clusterTime", "maxTimeMS"}
)
"""Fields of commands that the server behind has no use for."""
WIRE_VERSION = 21
MEBIBYTE = 1 << 20


class ReplicaSet:
    """`lag`, `catch_up`, `fail_over` and `faults` are what befalls it."""

    def __init__(self, engine: Engine) -> None:
        self.url = ""
        self.faults = Faults()
        self._engine = engine
        self._members = Members(engine)
        self._is_primary = True
        self._cursors: dict[int, str] = {}  # the engine's database of each open cursor
        self._writers: set[asyncio.StreamWriter] = set()

    async def lacks(self, writes: int) -> None:
        """Wait until the majority lacks so many writes."""
        await self._members.lacks(writes)

    async def lag(self) -> None:
        """From now on the majority gets no writes."""
        await self._members.lag()

    async def catch_up(self) -> None:
        """The majority gets all that it lacks."""
        await self._members.catch_up()

    async def fail_over(self, away_s: float = 0.0, *, dies: bool = False) -> int:
        """Another primary takes over after a while, without what no majority has; returns how many writes that was.

        dies: the old one just ends its connections, instead of saying that it is no primary any more.
        """
        self._is_primary = False
        taken_back = await self._members.roll_back()
        self._cursors.clear()
        if dies:
            for writer in self._writers:
                writer.transport.abort()
        await asyncio.sleep(away_s)
        self._is_primary = True
        return taken_back

    async def drop(self, database: str) -> None:
        """Remove a database, whatever befalls the set."""
        async with self._members.writing:
            await self._members.on_both({"dropDatabase": 1, "$db": database})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's commands until it ends."""
        self._writers.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while (answer := await self._answer(message := await wire.read(reader))) is not None:
                    if message.takes_answer:
                        writer.write(wire.answer(message, answer))
                        await writer.drain()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _answer(self, message: Message) -> Document | None:
        """None: the connection ends."""
        body, name = message.body, next(iter(message.body))
        if name in GREETINGS:
            return self._greeting()
        if name == "endSessions":
            return {"ok": 1.0}
        fault = self.faults.befalls(name)
        if fault is not None and (fault.how == "cut" or fault.how in ("refused", "unwritten")):
            return _refusal(fault, name, body)
        if not self._is_primary and name != "ping":
            return faults.failure(faults.NOT_PRIMARY, body)
        try:
            return await self._done_in_term(name, body, fault)
        except EngineGone:
            return None

    async def _done_in_term(self, name: str, body: Document, fault: Fault | None) -> Document | None:
        """Do it, unless the primary steps down meanwhile: then nobody knows what was read or written."""
        term = self._members.term
        try:
            answer, number = await self._do(name, body)
            if fault is not None and fault.how == "unanswered":
                return None
            if fault is not None:
                return answer | faults.unsafe(fault.code, body, fault.labels)
            if name in WRITES and _waits_for_majority(body):
                answer |= await self._majority(number, term, body)
        except SteppedDown:
            return faults.failure(faults.INTERRUPTED, body)
        if self._members.term != term:
            return faults.failure(faults.INTERRUPTED, body)
        return answer

    async def _do(self, name: str, body: Document) -> tuple[Document, int]:
        plain = {field: value for field, value in body.items() if field not in OF_THE_SET}
        if name in WRITES:
            async with self._members.writing:
                return await self._written_once(body, plain)
        if name in ON_BOTH:
            async with self._members.writing:
                return await self._members.on_both(plain), 0
        if name in CURSORS:
            return await self._of_cursors(name, plain), 0
        return await self._read(name, body, plain), 0

    async def _written_once(self, body: Document, plain: Document) -> tuple[Document, int]:
        """A write that comes again is answered as the first time."""
        if "txnNumber" not in body:
            return await self._members.write(plain)
        session, number = bytes(body["lsid"]["id"]), body["txnNumber"]
        last = self._members.done.get(session)
        if last is not None and number < last.number:
            return faults.failure(faults.TOO_OLD, body), 0
        if last is not None and number == last.number:
            return dict(last.answer), last.place
        answer, place = await self._members.write(plain)
        if answer["ok"] == 1:
            self._members.done[session] = Done(number, answer, place)
        return dict(answer), place

    async def _majority(self, number: int, term: int, body: Document) -> Document:
        """What the answer has to say after waiting for the majority: nothing, or that the time is over."""
        limits = {
            faults.NOT_REPLICATED: body.get("writeConcern", {}).get("wtimeout"),
            faults.TOO_LATE: body.get("maxTimeMS"),
        }
        code, limit_ms = min(((c, ms) for c, ms in limits.items() if ms), key=lambda one: one[1], default=(0, None))
        try:
            await asyncio.wait_for(self._members.majority(number, term), limit_ms and limit_ms / 1000)
        except TimeoutError:
            return faults.unsafe(code, body)
        return {}

    async def _read(self, name: str, body: Document, plain: Document) -> Document:
        """What a majority has, where the reader asks for that, else what the primary has."""
        is_majority = name in READS and body.get("readConcern", {}).get("level") in ("majority", "linearizable")
        turns = -1
        while turns != self._members.turns:  # else it may have seen what the majority got too late, or half a copy
            turns = self._members.turns
            database = body["$db"] + (MAJORITY if is_majority and self._members.is_lagging else "")
            answer = await self._engine.run({**plain, "$db": database})
        if "databases" in answer:
            answer["databases"] = [one for one in answer["databases"] if not one["name"].endswith(MAJORITY)]
        return self._shown(answer, database)

    async def _of_cursors(self, name: str, plain: Document) -> Document:
        ids = [plain["getMore"]] if name == "getMore" else plain["cursors"]
        database = next((self._cursors[one] for one in ids if one in self._cursors), None)
        if database is None and name == "getMore":
            return faults.failure(faults.CURSOR_NOT_FOUND, plain)
        return self._shown(await self._engine.run({**plain, "$db": database or plain["$db"]}), database or plain["$db"])

    def _shown(self, answer: Document, database: str) -> Document:
        """The answer with the database's own name, and its cursor noted."""
        if (cursor := answer.get("cursor")) and "ns" in cursor:
            if cursor["id"]:
                self._cursors[cursor["id"]] = database
            name, _, collection = cursor["ns"].partition(".")
            cursor["ns"] = f"{name.removesuffix(MAJORITY)}.{collection}"
        return answer

    def _greeting(self) -> Document:
        address = urlsplit(self.url).netloc
        of_primary: Document = {"primary": address, "electionId": ObjectId(f"7fffffff{self._members.term:016x}")}
        return {
            "helloOk": True,
            "isWritablePrimary": self._is_primary,
            "ismaster": self._is_primary,
            "secondary": not self._is_primary,
            "setName": "replica",
            "setVersion": 1,
            "hosts": [address],
            "me": address,
            **(of_primary if self._is_primary else {}),
            "maxBsonObjectSize": 16 * MEBIBYTE,
            "maxMessageSizeBytes": 48_000_000,
            "maxWriteBatchSize": 100_000,
            "localTime": datetime.now(UTC),
            "logicalSessionTimeoutMinutes": 30,
            "minWireVersion": 0,
            "maxWireVersion": WIRE_VERSION,
            "readOnly": False,
            "ok": 1.0,
        }


def _refusal(fault: Fault, name: str, body: Document) -> Document | None:
    if fault.how == "cut":
        return None
    statements = body.get(WRITES.get(name, ""), ())
    if fault.how == "unwritten" and statements:
        return faults.write_failures(fault.code, body, len(statements), fault.labels)
    return faults.failure(fault.code, body, fault.labels)


def _waits_for_majority(body: Document) -> bool:
    """As a replica set does unless it is told otherwise."""
    w: Any = body.get("writeConcern", {}).get("w", "majority")
    return w == "majority" or (isinstance(w, int) and w > 1)


@contextlib.asynccontextmanager
async def replica_set(behind: str) -> AsyncIterator[ReplicaSet]:
    """A replica set on the server at a URL."""
    server = urlsplit(behind)
    assert server.hostname is not None
    assert server.port is not None
    engine = Engine(server.hostname, server.port)
    primary = ReplicaSet(engine)
    serving: set[asyncio.Task] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(task := asyncio.current_task())
        try:
            with contextlib.suppress(asyncio.CancelledError):  # the set ends; Python 3.11 would log it
                await primary.serve(reader, writer)
        finally:
            serving.discard(task)

    listening = await asyncio.start_server(serve, HOST, 0)
    primary.url = f"mongodb://{HOST}:{listening.sockets[0].getsockname()[1]}/"
    try:
        yield primary
    finally:
        listening.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        engine.close()
