"""`python -P -m embedded`: the whole platform, until it is told to stop."""

import gc
import signal
import socket
import sys

import uvicorn
from pydantic import ValidationError

from embedded import data_dir
from embedded.app import Platform, create_app
from embedded.settings import Settings
from shared.errors import QuorateError
from shared.telemetry import configure_logs

GRACE_S = 10
GC_THRESHOLD = 10_000


def main() -> int:
    """Serve; returns the exit status."""
    try:
        settings = Settings()
        settings.refuse_if_unsafe()
        lock = data_dir.lock(settings.data_dir)
        app = create_app(settings)
        listener = _listen(settings)
    except ValidationError as error:
        for one in error.errors():
            print(f"QUORATE_{str(one['loc'][0]).upper()}: {one['msg']}", file=sys.stderr)  # noqa: T201
        return 2
    except (QuorateError, OSError) as error:
        print(f"quorate cannot start: {error}", file=sys.stderr)  # noqa: T201
        return 2
    configure_logs(settings.log_level)
    config = uvicorn.Config(
        app,
        loop="auto",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))  # uvicorn raises the signal again once it has shut down
    with lock, listener:
        _Server(config, listener, app.state.platform).run(sockets=[listener])
    return 0


class _Server(uvicorn.Server):
    """Says where it listens once it answers."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, platform: Platform) -> None:
        super().__init__(config)
        self._platform = platform
        self._address: tuple[str, int] = listener.getsockname()[:2]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._platform.tasks.progress.close()  # streams that would never end by themselves
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _spare_the_collector()
            host, port = self._address
            shown = f"[{host}]" if ":" in host else host
            print(f"Quorate is ready on http://{shown}:{port}", flush=True)  # noqa: T201


def _spare_the_collector() -> None:
    """What was made by now stays: leave it out of garbage collections, and let them come less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 20)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    listener.set_inheritable(True)
    return listener


if __name__ == "__main__":
    sys.exit(main())
