"""What the distributed bench counts on the wire."""

import socket
import threading

from loadtest.bench_distributed.wire import counting

ANSWER = b"an answer of 22 bytes."


def message(length: int) -> bytes:
    return length.to_bytes(4, "little") + b"x" * (length - 4)


def answer_each(listener: socket.socket, lengths: list[int]) -> None:
    """One connection's messages, each answered."""
    connection, _ = listener.accept()
    with connection:
        for length in lengths:
            assert connection.recv(length, socket.MSG_WAITALL) == message(length)
            connection.sendall(ANSWER)


def test_messages_and_bytes_are_counted_each_way():
    lengths = [16, 100_000, 21]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=answer_each, args=(listener, lengths))
        server.start()
        with counting(f"mongodb://127.0.0.1:{listener.getsockname()[1]}/?retryWrites=false") as counted:
            assert counted.url.endswith("/?retryWrites=false")
            port = int(counted.url.split(":")[2].split("/")[0])
            with socket.create_connection(("127.0.0.1", port)) as client:
                for length in lengths:
                    client.sendall(message(length))
                    assert client.recv(len(ANSWER), socket.MSG_WAITALL) == ANSWER
        server.join()
    assert (counted.commands, counted.sent, counted.answered) == (3, sum(lengths), 3 * len(ANSWER))
