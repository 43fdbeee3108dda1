"""MongoDB's wire protocol, as far as a driver needs it: OP_MSG, and OP_QUERY for its first greeting."""

import asyncio
import struct
from dataclasses import dataclass
from typing import Any

import bson

Document = dict[str, Any]
HEADER = struct.Struct("<iiii")
INT = struct.Struct("<i")
OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
CHECKSUM, NO_ANSWER = 1, 2
BODY, SEQUENCE = 0, 1
SEQUENCES = ("documents", "updates", "deletes")
"""Fields of commands that may be larger than one document, and travel as a section of their own."""


@dataclass(frozen=True, slots=True)
class Message:
    """A command, or an answer to it, with its sequences as fields like any other."""

    id: int
    body: Document
    opcode: int = OP_MSG
    takes_answer: bool = True


async def read(reader: asyncio.StreamReader) -> Message:
    """The next message. Raises IncompleteReadError at the end of the connection."""
    length, message_id, _, opcode = HEADER.unpack(await reader.readexactly(HEADER.size))
    data = await reader.readexactly(length - HEADER.size)
    if opcode == OP_QUERY:
        body_at = data.index(b"\0", 4) + 1 + 2 * INT.size
        return Message(message_id, _documents(data[body_at:])[0], opcode)
    assert opcode == OP_MSG, f"opcode {opcode} is not spoken here"
    [flags] = INT.unpack_from(data)
    assert not flags & CHECKSUM, "checksums are not spoken here"
    return Message(message_id, _sections(data[INT.size :]), opcode, takes_answer=not flags & NO_ANSWER)


def command(message_id: int, body: Document) -> bytes:
    """A command as a driver sends it."""
    sequences = {name: body[name] for name in SEQUENCES if isinstance(body.get(name), list)}
    rest = {name: value for name, value in body.items() if name not in sequences}
    sections = bytes([BODY]) + bson.encode(rest)
    for name, documents in sequences.items():
        content = name.encode() + b"\0" + b"".join(map(bson.encode, documents))
        sections += bytes([SEQUENCE]) + INT.pack(INT.size + len(content)) + content
    return _message(message_id, 0, OP_MSG, INT.pack(0) + sections)


def answer(to: Message, body: Document) -> bytes:
    """The answer to a message, in its own kind."""
    encoded = bson.encode(body)
    if to.opcode == OP_QUERY:
        return _message(0, to.id, OP_REPLY, struct.pack("<iqii", 8, 0, 0, 1) + encoded)
    return _message(0, to.id, OP_MSG, INT.pack(0) + bytes([BODY]) + encoded)


def _message(message_id: int, answers: int, opcode: int, content: bytes) -> bytes:
    return HEADER.pack(HEADER.size + len(content), message_id, answers, opcode) + content


def _sections(data: bytes) -> Document:
    body: Document = {}
    at = 0
    while at < len(data):
        kind, [size] = data[at], INT.unpack_from(data, at + 1)
        section = data[at + 1 : at + 1 + size]
        if kind == BODY:
            body = {**_documents(section)[0], **body}
        else:
            name, _, documents = section[INT.size :].partition(b"\0")
            body[name.decode()] = _documents(documents)
        at += 1 + size
    return body


def _documents(data: bytes) -> list[Document]:
    return bson.decode_all(data)
