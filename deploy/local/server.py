"""What all servers have in common."""

from typing import ClassVar, Protocol


class Packaged(Protocol):
    """What comes with the system's packages."""

    packages: ClassVar[tuple[str, ...]]
    """Debian packages that it comes from."""
    programs: ClassVar[tuple[str, ...]]
    """What these packages have to bring."""


class Server(Packaged, Protocol):
    """A server in a folder of its own, on ports of its own, on loopback only."""

    name: ClassVar[str]

    @property
    def address(self) -> str:
        """Where it listens, for people."""
        ...

    def start(self) -> None:
        """Start what is down of it and wait until it answers. What is up stays up. Raises ServerNotUp."""
        ...

    def stop(self) -> None:
        """End it in good order and wait for that; nothing happens where it is down."""
        ...

    def kill(self) -> None:
        """End what clients talk to as a power cut would; `start` brings it back with its data."""
        ...

    def is_up(self) -> bool:
        """Whether it answers to its protocol with our secrets."""
        ...

    def version(self) -> str:
        """What runs."""
        ...

    def environment(self) -> dict[str, str]:
        """What the services and the tests have to be told."""
        ...
