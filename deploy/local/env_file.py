"""`services.env`: what the services and the tests are told about the servers that are up."""

from collections.abc import Iterable
from pathlib import Path

from deploy.local.server import Server
from deploy.local.server_folder import locked, write_private

NAME = "services.env"
NEEDED = ("QUORATE_MONGO_URL", "QUORATE_AMQP_URL", "QUORATE_S3_ENDPOINT")
"""What the services cannot do without."""


def write(folder: Path, servers: Iterable[Server]) -> Path:
    """Replace the file by one that names exactly the servers that are up."""
    with locked(folder, NAME):
        up = [server for server in servers if server.is_up()]
        lines = [f"{name}={value}\n" for server in up for name, value in server.environment().items()]
        path = folder / NAME
        write_private(path, "".join(lines))
    return path


def read(folder: Path) -> dict[str, str]:
    """What the file of a folder says; nothing where there is none."""
    path = folder / NAME
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines)
