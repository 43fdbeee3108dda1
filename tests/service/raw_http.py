"""HTTP written by hand, byte by byte."""

import socket

import httpx

from tests.service.processes import Server

HOST = "Host: localhost"
JSON = "Content-Type: application/json"
TASK = b'{"name": "n", "labels": ["a"]}'
POST = f"POST /api/tasks HTTP/1.1\n{HOST}\n{JSON}\n"
MULTIPART = "Content-Type: multipart/form-data; boundary=bdry"


def answers(connection: socket.socket) -> list[httpx.Response]:
    """Every answer that comes until the other side ends the connection."""
    connection.settimeout(30)
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        length = int(headers.get("content-length", "0"))
        request = httpx.Request("GET", "http://x/")
        found.append(httpx.Response(int(status.split()[1]), headers=headers, content=rest[:length], request=request))
        received = rest[length:]
    return found


def sent(server: Server, *pieces: bytes) -> list[httpx.Response]:
    with server.connect() as connection:
        for piece in pieces:
            connection.sendall(piece)
        return answers(connection)


def raw(head: str, body: bytes = b"") -> bytes:
    return head.replace("\n", "\r\n").encode("latin-1") + body
