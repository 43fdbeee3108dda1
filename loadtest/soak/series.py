"""What is watched: series in groups, each with a unit and what it is allowed."""

from dataclasses import dataclass, field

from loadtest.soak.levels import Allowance, Trend, trend


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Series that share a plot. is_ours: whether it is the platform's own; what is not is shown and not judged."""

    title: str
    unit: str
    allowance: Allowance
    is_ours: bool = True


MEMORY = Group(title="Memory", unit="MiB", allowance=Allowance(share=0.01, least=1.5))
DESCRIPTORS = Group(title="Descriptors", unit="open", allowance=Allowance(share=0.05, least=4.0))
THREADS = Group(title="Threads", unit="threads", allowance=Allowance(share=0.05, least=2.0))
FILES = Group(title="Files", unit="MiB", allowance=Allowance(share=0.02, least=0.5))
COUNTS = Group(title="Numbers of files", unit="files", allowance=Allowance(share=0.05, least=20.0))
QUEUES = Group(title="Queues", unit="messages", allowance=Allowance(share=0.1, least=10.0))
WAITING = Group(title="Outboxes and writes", unit="waiting", allowance=Allowance(share=0.1, least=10.0))
SERVERS = Group(title="Memory of the servers", unit="MiB", allowance=Allowance(share=0.02, least=10.0), is_ours=False)
SERVER_FILES = Group(
    title="Files of the servers", unit="MiB", allowance=Allowance(share=0.02, least=5.0), is_ours=False
)
GROUPS = (MEMORY, DESCRIPTORS, THREADS, FILES, COUNTS, QUEUES, WAITING, SERVERS, SERVER_FILES)
Key = tuple[Group, str]
Sampled = dict[Key, float]
"""One look: the value of each series that there was."""


@dataclass(slots=True)
class Samples:
    """All looks of a run: of each series its times, in seconds since the start, and its values."""

    times_s: dict[Key, list[float]] = field(default_factory=dict[Key, list[float]])
    values: dict[Key, list[float]] = field(default_factory=dict[Key, list[float]])

    def add(self, at_s: float, sampled: Sampled) -> None:
        for key, value in sampled.items():
            self.times_s.setdefault(key, []).append(at_s)
            self.values.setdefault(key, []).append(value)

    def of(self, group: Group) -> list[str]:
        """The names of a group's series."""
        return sorted(name for each, name in self.values if each is group)

    @property
    def end_s(self) -> float:
        """When the last look was that saw anything; 0 where none did."""
        return max((times_s[-1] for times_s in self.times_s.values()), default=0.0)

    def trend(self, key: Key) -> Trend:
        return trend(self.times_s[key], self.values[key], key[0].allowance)
