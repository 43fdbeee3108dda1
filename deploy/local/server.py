"""The protocol of all servers here."""

from typing import ClassVar, Protocol


class Packaged(Protocol):
    """Programs from the system's packages."""

    packages: ClassVar[tuple[str, ...]]
    """Debian packages that it comes from."""
    programs: ClassVar[tuple[str, ...]]
    """Programs that these packages install."""


class Server(Packaged, Protocol):
    """A server in a folder of its own, on ports of its own, on loopback only."""

    name: ClassVar[str]

    @property
    def address(self) -> str:
        """Where it listens, as text for people."""
        ...

    def start(self) -> None:
        """Start the processes that are down, and wait until the server answers. Raises ServerNotUp."""
        ...

    def stop(self) -> None:
        """Stop it and wait for its end; do nothing where it is down."""
        ...

    def kill(self) -> None:
        """Kill the process that clients talk to; `start` brings it back with its data."""
        ...

    def is_up(self) -> bool:
        """Whether it answers to its protocol with our secrets."""
        ...

    def version(self) -> str:
        """The version that runs."""
        ...

    def environment(self) -> dict[str, str]:
        """The settings of the services and the tests."""
        ...
