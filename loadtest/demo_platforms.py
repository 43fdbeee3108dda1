"""The platform that the demonstration runs on: embedded in one process, or distributed over several."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local import env_file
from deploy.local.platform import Platform
from loadtest.errors import PlatformFailed
from loadtest.platform_process import PlatformProcess

SERVERS = Path("build/services")
REPLICAS = 2


@contextmanager
def embedded(out: Path, model: Path | None, settings: Mapping[str, str] | None = None) -> Generator[str]:
    """The platform in a process of its own; yields its URL. However the block ends, so does it."""
    seeing = {"model": model.absolute() if model.exists() else model} if model else {}  # a path, or the name of one
    with PlatformProcess(out, **seeing, **(settings or {})) as platform:
        yield platform.url


@contextmanager
def distributed(out: Path, model: Path | None, settings: Mapping[str, str] | None = None) -> Generator[str]:
    """Two replicas of each service behind a gateway, on the servers of `make services`; yields the gateway's URL."""
    servers = env_file.read(SERVERS)
    if lacking := [name for name in env_file.NEEDED if name not in servers]:
        raise PlatformFailed(f"{', '.join(lacking)}: no such server is up; start it with `make services`")
    platform = Platform(
        folder=out / "platform",
        environment=servers,
        replicas=REPLICAS,
        model=model,
        settings={f"QUORATE_{name.upper()}": text for name, text in (settings or {}).items()},
    )
    try:
        yield platform.start()
    finally:
        platform.stop()


PROFILES = {"embedded": embedded, "distributed": distributed}
"""`settings` are environment variables without their prefix."""
