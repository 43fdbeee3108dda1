"""A small HTTP server for tests of clients."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, bytes] | None
"""Status and body; None hangs up."""


@contextmanager
def answering(answer: Callable[..., Answer], *, is_told_who: bool = False) -> Iterator[str]:
    """A server whose answer depends on method, path and body; yields its URL.

    is_told_who: the answer is told the caller and the address of the connection as well.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            who = {"caller": self.headers.get("X-Quorate-User"), "address": self.client_address}
            found = answer(self.command, self.path, body, **(who if is_told_who else {}))
            if found is None:
                self.close_connection = True
                return
            self.send_response(found[0])
            self.send_header("Content-Length", str(len(found[1])))
            self.end_headers()
            self.wfile.write(found[1])

        do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - named by http.server

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
