"""The server behind: it takes commands over as many connections as there are commands under way."""

import asyncio
from dataclasses import dataclass, field

from tests.replica import wire
from tests.replica.wire import Document


class EngineGone(Exception):
    """The connection to the server broke; whether the command was done is not known."""


@dataclass
class Engine:
    host: str
    port: int
    _free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def run(self, body: Document) -> Document:
        """The server's answer. Raises EngineGone."""
        try:
            reader, writer = self._free.pop() if self._free else await asyncio.open_connection(self.host, self.port)
        except OSError as error:
            raise EngineGone from error
        try:
            writer.write(wire.command(1, body))
            await writer.drain()
            answer = await wire.read(reader)
        except BaseException as error:
            writer.close()
            if isinstance(error, (OSError, EOFError)):
                self.close()  # the others broke with it
                raise EngineGone from error
            raise
        self._free.append((reader, writer))
        return answer.body

    async def found(self, body: Document) -> list[Document]:
        """All documents that a query finds."""
        cursor = (await self.run(body))["cursor"]
        documents = cursor["firstBatch"]
        while cursor["id"]:
            _, _, collection = cursor["ns"].partition(".")
            more = {"getMore": cursor["id"], "collection": collection, "$db": body["$db"]}
            cursor = (await self.run(more))["cursor"]
            documents += cursor["nextBatch"]
        return documents

    def close(self) -> None:
        for _, writer in self._free:
            writer.close()
        self._free.clear()
